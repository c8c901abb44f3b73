A proxy is linked with a node's new primary about a second after that listens, however the old one went: crashed, stopped, cut off
or without power. What hangs is not waited for, the newest lease wins, and clients see the same answers in every case
([How a proxy finds a node's primary](failover-proxy.md)). New options of proxies: `node-connect-timeout`, `node-answer-timeout`,
`node-probe-interval`; `ixctl status` shows both servers of each pair. `ixproxy.testing.network` can stop a host and cut its power.
