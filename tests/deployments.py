"""Deployment files for tests: a small one to change, and one that has everything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ixproxy.config import Report, check

EXAMPLE = Path(__file__).parent.parent / "examples" / "three-nodes.toml"

SMALL = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
chat = {}
[tenants.Environment.queues.Inbound.views.All]
order = "received_at"

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101"
endpoint = "tcp:node-a.example:7101"
store = "sqlite:ixn1.db"
[applications.ixn1.options.settings]
allow-multiple-agent-connections = false

[applications.ixn2]
type = "Interaction Server"
dbid = 102
tenants = ["Environment"]
listen = "tcp:7101"
endpoint = "tcp:node-b.example:7101"
store = "sqlite:ixn2.db"
[applications.ixn2.options.settings]
allow-multiple-agent-connections = false

[applications.cluster]
type = "Application Cluster"
connections = ["ixn1", "ixn2"]
[applications.cluster.options.cluster-settings]
cluster-type = "Interaction Server"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
listen = "tcp:7001"
connections = ["cluster"]
"""

EVERYTHING = """\
[tenants.Environment]
id = 1
agents = ["kim", "lee"]
places = ["desk-1"]
agent-groups = { sales = ["kim"] }
place-groups = { hall = ["desk-1"] }
routers = ["urs"]
strategies = ["Mail"]
[tenants.Environment.media-types]
email = { options.settings.handling-timeout = 60 }
fax = { enabled = false }
[tenants.Environment.custom-properties]
product = { type = "string" }
[tenants.Environment.queues.Inbound.views.Urgent]
condition = "[media_type] = 'email' AND product = 'Loan'"
order = "priority DESC, received_at"
segmentation = "product"
segment-limit = 5
freeze-interval = 30
strategy = "Mail"
[tenants.Environment.workbins.Drafts]
owner = "agent"

[licences]
agent-seats = 100

[applications.ixn1]
type = "Interaction Server"
role = "node"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101"
endpoint = "tcp:node-a.example:7101"
backup = "ixn1-b"
store = "sqlite:ixn1.db"
event-log = "sqlite:ixn1-log.db"
connections = ["classifier"]
[applications.ixn1.tls]
certificate = "ixn1.pem"
private-key = "ixn1.key"
trust = "ca.pem"
require-client-certificate = true
[[applications.ixn1.allow]]
subject = "CN=proxy1"
client-types = ["Proxy"]
tenants = ["Environment"]
[[applications.ixn1.allow]]
subject = "CN=mail"
client-types = "MediaServer"
[[applications.ixn1.capture]]
name = "mail-in"
use = "file"
tenant = "Environment"
inbound-path = "/var/spool/ixn1/in"
error-path = "/var/spool/ixn1/error"
max-document-size = 4096
default-values = { MediaType = "email" }
[[applications.ixn1.event-logs]]
name = "shared"
address = "sqlite:all-log.db"
batch-size = 50
event-filter-by-id = "EventPlacedInQueue"
custom-fields = { customer = "Customer" }
custom-events = { 1001 = "agent" }
[applications.ixn1.options.settings]
pull-hold-timeout = 10
completed-queues = "Inbound"
allow-multiple-agent-connections = "force-logout"
[applications.ixn1.options.cluster-settings]
media-types = "email"
enable-submit = "yes"
[applications.ixn1.options.agent-reservation]
request-collection-time = 100
[applications.ixn1.options.health-service]
enable-keepalive = false
[applications.ixn1.options.logger-settings]
batch-size = 500
event-filter-by-id = "12, 13"
[applications.ixn1.options.licences]
ics_multi_media_agent_seat = 30

[applications.ixn1-b]
type = "Interaction Server"
listen = "tcp:7102"
endpoint = "tcp:node-a.example:7102"
[applications.ixn1-b.tls]
certificate = "ixn1-b.pem"
private-key = "ixn1-b.key"
trust = "ca.pem"

[applications.classifier]
type = "Third Party Server"
dbid = 201
endpoint = "tcp:classifier.example:9001"
[applications.classifier.options.anything]
at-all = [1, 2]

[applications.switch]
type = "T-Server"

[applications.cluster]
type = "Application Cluster"
connections = ["ixn1", "switch"]
[applications.cluster.options.cluster-settings]
cluster-type = "Interaction Server"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
dbid = 301
tenants = ["Environment"]
listen = "tcp:7001:interface=127.0.0.1"
backup = "proxy1-b"
connections = ["cluster"]
[applications.proxy1.tls]
certificate = "proxy1.pem"
private-key = "proxy1.key"
trust = "ca.pem"
[[applications.proxy1.allow]]
subject = "CN=chained"
client-types = ["Proxy"]
[[applications.proxy1.allow]]
user = "*"
[applications.proxy1.options.settings]
pull-hold-timeout = 2
[applications.proxy1.routing]
use = "weighted"
weights = { ixn1 = 2 }
[applications.proxy1.pull]
use = "busiest-first"
[applications.proxy1.merge]
use = "partial"
on-loss = "report"

[applications.proxy1-b]
listen = "tcp:7002:interface=127.0.0.1"
[applications.proxy1-b.tls]
certificate = "proxy1-b.pem"
private-key = "proxy1-b.key"
trust = "ca.pem"

[applications.proxies]
type = "Application Cluster"
connections = ["proxy1"]
[applications.proxies.options.cluster-settings]
cluster-type = "Interaction Server Proxy"

[applications.chained]
type = "Interaction Server"
role = "proxy"
listen = "tcp:7003"
connections = ["proxies"]
[applications.chained.tls]
certificate = "chained.pem"
private-key = "chained.key"
trust = "ca.pem"

[applications.urs]
type = "Universal Routing Server"
connections = ["ixn1"]
[applications.urs.options.ixn1]
max-submission-rate = "25/minute"
max-submitted-interactions = 100

[applications.mail]
type = "E-mail Server"
connections = ["proxy1"]
"""


def changed(text: str, changes: Mapping[str, str]) -> str:
    """`text` with each key of `changes`, which must be there, replaced by its value."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def found(text: str) -> list[str]:
    """The errors of a file, as a person reads them."""
    return [str(problem) for problem in check(text).errors]


def warned(text: str) -> list[str]:
    """The warnings of a file without errors."""
    report: Report = check(text)
    assert not report.errors, report.errors
    return [str(problem) for problem in report.warnings]
