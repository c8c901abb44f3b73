"""Where a node keeps its state: rows in and out of a database, behind `IStore`."""
