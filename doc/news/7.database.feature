Nodes can take interactions from tables of SQLite and PostgreSQL, and write back what becomes of them: `use = "database"`. See
[Rows of a database](capture-database.md).
