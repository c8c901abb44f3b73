`make eventlog-chaos` takes event logs away while clients work and nodes are killed, fills their spools, and compares them, row by row, with logs that
were never away; the page of `ixctl eventlog report` is held against what was dropped ([Chaos at event logs](../event-log-chaos.md)).
