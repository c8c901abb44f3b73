"""The report of an event log: its figures, and the page that shows them."""
