Reporting clients have one stream of a whole cluster through a proxy ([Reporting](reporting.md)), and through proxies
behind proxies: the state of all agents, then what happens, each login and logout once, whatever nodes come and go.
Clients that want the same share it; one that does not read it is closed at once with a reason (`max-client-output`), a proxy that does not loses only the stream.
