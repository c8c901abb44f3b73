Nodes push to routers: what a view with the key `strategy` shows goes as `EventRouteRequest` to the routers that have said at
registration that they have this strategy loaded, in turn, within `default-max-submission-rate`,
`default-max-submitted-per-router` and `-per-strategy`, or what a router's own section says. They answer with
`RequestRouteCall` or the requests that there were. What a lost router had goes to another one after
`router-restore-timeout`. See [Routing](routing.md) and `examples/pushed_router.py`.
