The simulator takes snapshots, listens to workbins and distributes own reporting events in two of five worlds, under some twenty new
rules ([Simulation](simulation.md)).
