`parking-window`: requests for a node whose pair switches over wait for it instead of being answered 2003, bounded by
`max-parked`, `max-parked-per-node` and `max-parked-size`, and handed on at `parking-rate`; off by default. See
[Waiting for a node that switches over](parking.md).
