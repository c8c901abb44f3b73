Nodes have event logs: `event-log = "sqlite:…"`, or any number of `event-logs` tables with filters, a bounded spool on disk and mandatory
logging. A crash loses and doubles nothing; what does not fit is counted exactly. See [Event logs](event-log.md).
