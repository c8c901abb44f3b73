Simulations have pairs of servers in two of five worlds, with every way for a primary to go, and measure at the proxies that a
node is served again within `lease-limit` and two seconds; `--store postgresql` runs them on a real server's databases.
