A proxy may stand behind a proxy: its upstream is another proxy, a pair or a cluster of proxies, of which one is used at a
time. Both servers of a node's pair are tried, and the one with the newer lease is used. The backup of a proxy can be started.
Logs of proxies and nodes say which clients come and go, and through which proxies.
