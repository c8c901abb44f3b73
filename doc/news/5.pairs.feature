`ixproxy.testing.cluster.Cluster` has nodes that are pairs (`pairs=True`), whose servers can be killed, stopped, paused inside and
outside a transaction and cut off from their database; and it takes the kind of store: SQLite in memory or databases of a
PostgreSQL server (`stores=`). `python -m ixproxy.testing.oracle --store postgresql` plays scripts on these. See
[contributing](../contributing.md).
