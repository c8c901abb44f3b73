Work is delivered to agents: `RequestDeliver`, `RequestTransfer`, `RequestConference` (with visibility modes), `RequestIntrude`,
`RequestAccept` and `RequestReject`, on nodes and through proxies; `delivering-timeout` and
`not-ready-on-invitation-timeout` are served. `Client.invitations` says what a client's agents are asked. See [Delivery](delivery.md).
