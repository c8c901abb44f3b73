`ixctl check-config` knows all of the guide's advice and every rule of the deployment file, prints errors before warnings in
lines that editors jump to (`--json` says `warning` where it said `advice`), and has a page with an example of each. On
SIGHUP, limits and keep-alive now hold for connections that are there, strategies keep their memory, and the log says what has
changed. `examples/acme-strategy` is a plug-in in a package of its own.
