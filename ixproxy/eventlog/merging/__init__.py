"""The mind of `ixctl eventlog merge`: rules over rows, without a database or a clock."""
