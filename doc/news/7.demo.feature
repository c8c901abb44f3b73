`ixctl demo --feed direct|file|webservice|both` hands interactions in by media servers, by the file capture points of the nodes, by their web services, or by all three; `make demo` does the last.
