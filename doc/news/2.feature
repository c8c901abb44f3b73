A cluster that works: nodes on SQLite (`twistd ixnode`), proxies that present them as one Interaction Server
(`twistd ixproxy`), the client library `ixproxy.client`, the command `ixctl`, and `make demo`, which runs
all of it on one machine.
