`ixproxy.client.report` connects a reporting program to all nodes of a cluster and tells it one stream, as one server would: initial
state, numbers, filters, what was missed marked `Resync`, and by `on_server` which nodes are away
([One stream out of many](composing.md)). `examples/reporting.py` prints it. `Client.on_end` says why a client gave up.
