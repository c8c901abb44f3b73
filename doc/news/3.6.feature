Overload is borne: every queue has a limit for all clients and a part of it for each, a client that floods or does not
read is made to wait before anybody is refused, and others hardly notice ([Overload](overload.md)). New options:
`client-window`, `max-unregistered`, `max-fan-outs`, `max-gathered`, `max-locating`, `max-held-pulls`, and
`max-output-timeout` for proxies. A connection too many is told `3013` instead of being closed without a word.
