`ixctl agent` is an agent at a desk: it logs in, takes commands from the terminal or a script (accept, transfer, conference, …) and
prints events as they come; what it was is `ixctl agent-state`. `ixctl watch` prints the reporting stream of a proxy, a
node, or all nodes at once, and says which of these are away ([By hand](by-hand.md)). `ixctl demo` delivers to agents, and compares
what was done with what a reporting client was told. `examples/router.py` is a routing client that delivers.
