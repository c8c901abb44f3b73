A deployment of pairs to start from is in `examples/pairs.toml`. `check-config` warns where `parking-window` is shorter than a
takeover. `make chaos ARGS="--json FILE"` writes a report for each store. Proxies and clients no longer log each connection attempt.
