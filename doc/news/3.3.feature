Clients use clusters of proxies (one at random among those for their tenants, N+1) and pairs, with the
delays `warm-standby.retry-delay` and `warm-standby.reconnection-random-delay-range`;
`ixproxy.config.client_view` takes all that from the deployment file, and `ixctl --application` may name a
client. Subscriptions, reasons and do-not-disturb come back with the connection like logins and holdings;
`Client.on_not_restored` and `Client.on_connection` tell a program the rest. See `doc/many-proxies.md`.
