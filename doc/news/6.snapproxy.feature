A proxy serves snapshots: one on each node behind one id, taken on all or on none, read in pages whose order is fixed at the take,
locked, moved, stopped and released wherever the interactions are; 2006 while a node of it is away. `max-snapshots` bounds them. See
[Snapshots](snapshots.md#through-a-proxy).
