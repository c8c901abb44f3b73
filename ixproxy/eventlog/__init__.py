"""Event logs: what happened, in tables that reporting tools can query, or as messages."""
