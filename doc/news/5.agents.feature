A client that comes back names its agent sessions, and nodes that missed a logout, or confirmed a login whose answer was lost, end all
others. A place is an agent's from the provisional login on. See
[What a proxy keeps of agents](../decisions/0017-what-a-proxy-keeps-of-agents.md).
