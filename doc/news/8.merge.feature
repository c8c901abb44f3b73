`ixctl eventlog merge` makes one clean history of the event logs of many nodes ([Merging event logs](../event-log-merge.md)): events by time with the clocks' differences
taken out, each act of an agent once. It goes on where it was, may be killed at any time, and writes SQLite, PostgreSQL, CSV and Parquet.
