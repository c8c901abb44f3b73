Nodes serve reporting clients: the states of all agents, or of named ones, and then everything that happens, numbered,
filtered on request, with nothing missed or told twice in between ([Reporting](reporting.md)). Who does not read is
closed at once with a reason; a proxy loses its stream only.
