Workbins can be listened to, with changed properties and stops, at a node or through proxies, which listen once for all their clients;
they are counted (`RequestWorkbinStatistic`), listed in any order, and watched (`ixctl workbin content --watch`). Clients have events of
their own distributed to reporting (`EventCustomReporting`). Ping tells more of a node. Media servers hear only of their own tenants'
interactions ([Workbins](workbins.md), [Reporting](reporting.md)).
