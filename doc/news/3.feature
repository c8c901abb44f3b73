TLS on every listener and link by the `tls` table, and what a peer may be by its certificate (`allow`) or by user
and password (`twistd … --auth`); certificates are renewed on SIGHUP without dropping anybody. `examples/tls/`
makes a small authority for trials.
