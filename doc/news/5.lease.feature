A node can be a pair: `twistd ixnode` starts the server that `backup` names as well, and takes over when the primary dies,
stops, hangs for `lease-limit` (10 s) or loses its database; what was acknowledged is there. See [Failover](failover.md). A node
whose database is lost no longer ends its process, but waits and tries again. A second SIGTERM no longer logs a traceback.
