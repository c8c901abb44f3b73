`ixctl demo --feed direct|file|webservice|both` hands interactions in by media servers, by the file capture points of the nodes, by their web services, or by all three; `make demo` does the last.
`examples/capture/` has nodes that share work by files, web services and queues, and `check-config` knows of ports and directories that collide.
