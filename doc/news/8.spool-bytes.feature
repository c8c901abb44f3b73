The spool of an event log is bounded in bytes as well: `max-queue-bytes`, 1 GiB unless told otherwise. A node warns of what waits for
logs that are configured no more. See [Event logs](event-log.md#when-the-spool-is-full).
