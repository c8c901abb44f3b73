"""`ixctl`: the command of operators and testers."""
