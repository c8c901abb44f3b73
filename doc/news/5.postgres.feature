A node can keep its state in PostgreSQL: `store = "postgresql://ixproxy@db.example/ixn1"`, with `pip install 'ixproxy[postgresql]'`.
Dumps can be restored without an id ever coming twice. See [A node on PostgreSQL](postgresql.md). For tests,
`ixproxy.testing.postgresql` starts servers that can be killed and paused.
