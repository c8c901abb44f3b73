# Calls with unqualified, typed elements: what SOAP::Lite sends where no WSDL is read.
use strict;
use warnings;
use SOAP::Lite;

my $service = SOAP::Lite->proxy($ARGV[0])->ns('http://www.genesyslab.com/interaction', 'ixn')
    ->on_action(sub { '"whatever"' });
my $value = SOAP::Data->name('value' => \SOAP::Data->name('ValueString' => 'b & c'));
my $item = SOAP::Data->name('kvitem' => \SOAP::Data->value(SOAP::Data->name('key' => 'a'), $value));
my $made = $service->call('Submit',
    SOAP::Data->name('ExternalId' => 'L1'),
    SOAP::Data->name('TenantId' => 101),
    SOAP::Data->name('UserData' => \$item));
print 'submit ', $made->valueof('//Extension/kvitem/value/ValueString'), "\n";
my $shown = $service->call('GetInfo', SOAP::Data->name('ExternalId' => 'L1'));
for my $each ($shown->valueof('//InteractionProperties/kvitem')) {
    my ($first) = values %{$each->{value}};
    print "info $each->{key}=$first\n";
}
my $gone = $service->call('Stop', SOAP::Data->name('InteractionId' => 'none'));
print 'fault ', $gone->faultcode, ' ', $gone->valueof('//FaultMessage/ErrorCode'), "\n";
