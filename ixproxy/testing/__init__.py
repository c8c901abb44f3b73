"""Public: contract tests for plug-ins, and a cluster in memory to try things on."""
