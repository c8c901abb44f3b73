A node serves all requests of agents: reasons, do-not-disturb, availability, topics, relayed `EventCurrentAgentStatus`. Agent
seats are counted and changed live (`agent-seats`, `ics_multi_media_agent_seat`); `login-session-timeout`,
`delayed-logout-timeout` and `delayed-logout-panic-threshold` are served, with one `EventMassAgentLogout` for each tenant instead of a
flood. See [Agents](agents.md).
