`make chaos` lets faults happen to real processes under load, on SQLite and on PostgreSQL, and judges from what the clients were
answered whether anything was lost, doubled, unanswered or stranded, and how long nodes were without service. See [Chaos](chaos.md).
