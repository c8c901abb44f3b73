`python -m ixproxy.testing.simulation` (and `make simulate`) runs whole clusters with their clients and faults on seeds, checks what
clients are told against what nodes commit, and prints the shortest history of what breaks a rule. See
[Simulation](../simulation.md).
