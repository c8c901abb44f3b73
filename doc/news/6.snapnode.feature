Snapshots on a node: `RequestTakeSnapshot`, `RequestGetSnapshotInteractions`, `RequestLockInteraction`, `RequestUnlockInteraction`,
`RequestMoveInteractions`, `RequestStopInteractions`, `RequestReleaseSnapshot`; the options `max-interactions-per-snapshot` and
`max-number-of-snapshots` are served. Databases are brought up to schema version 3. `ixctl snapshot` takes, shows, locks, moves
and stops. See [Snapshots](snapshots.md).
