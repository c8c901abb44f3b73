"""A routing strategy for ixproxy: work of one kind stays on one node."""
