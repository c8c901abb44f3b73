`ixproxy.client.report` connects a reporting program to all nodes of a cluster and tells it one stream, as one server would: initial
state, numbers, filters, and what was missed marked `Resync` ([One stream out of many](composing.md)). `examples/reporting.py`
prints it. `Client.on_end` says why a client gave up.
