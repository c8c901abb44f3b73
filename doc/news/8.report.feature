`ixctl eventlog report` makes a page with charts out of an event log: volumes, waiting and handling times, the time of agents, external
servers, what broke order, and exactly what is missing. It is one HTML file that needs no network and no script.
