Proxies serve all that agents ask: reasons, do-not-disturb, availability elsewhere, and topics. Repeats are answered at once, what
a node changes by itself reaches all others, logouts that a node missed are made good when it returns, sessions that a node
refused are offered to it again, and concurrent logins through several proxies end with one session ([Agents](agents.md)).
