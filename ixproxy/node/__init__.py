"""What one request does to the rows that it needs: the mind of a node."""
