Nodes call external servers (ESP): `Request3rdServer` by `AppName` or balanced by `AppType`, with time-out, window and queue, over TLS where the file says so, and
changed live; `FindInteractions` is a node's own service; `EventExternalServiceRequested` and `-Responded` report it all. Proxies route calls by interaction, or by tenant and media type.
`ixproxy.client.third_party_server` makes such a server, `examples/auto_responder.py` is one, `make demo` runs it, and `ixctl esp` calls any ([External servers](esp.md)).
