Simulations call external servers, which die, hang, and come back, and have nodes push to routers, with rules for what is called, answered and routed
([Simulation](simulation.md)).
