"""
Rules of event logs: what is so of them when all is healed and at rest.

As in `rules`, a rule yields what breaks it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ixproxy.node.log_packs import consumer_of
from ixproxy.node.log_work import Dropped
from ixproxy.testing.simulation.logs import LOGS, SMALL, WHOLE, events_of, gaps_of
from ixproxy.testing.simulation.run import Run


def logs_have_what_nodes_committed(run: Run) -> Iterator[str]:
    """Each event once, in order, whatever broke on the way (issue 8, must be shown 2)."""
    if run.logs is None:
        return
    for (node, log), shelf in run.logs.shelves.items():
        entries = run.logs.entries(node, log)
        expected = [(each.epoch, each.number) for each in events_of(entries)]
        found = [(each.epoch, each.number) for each in shelf.events.values()]
        if found != expected:
            lost = sorted(set(expected) - set(found))
            more = sorted(set(found) - set(expected))
            yield f"log {log} of {node}: lacks {lost[:5]}, has {more[:5]} besides, or another order"
        if list(shelf.gaps.values()) != gaps_of(entries):
            yield f"log {log} of {node}: other gaps than the node's"
        waiting = [
            row["event_number"]
            for each in run.cluster.nodes
            if each.name == node
            for row in each.rows("outbox")
            if row["consumer"] == consumer_of(log)
        ]
        if waiting:
            yield f"log {log} of {node}: {waiting[:5]} wait, and nothing hinders them"


def gaps_count_exactly_what_is_missing(run: Run) -> Iterator[str]:
    """What a log with a small spool lacks is what its gaps say, by name and place."""
    if run.logs is None:
        return
    for node in run.cluster.nodes:
        shelves = {log: run.logs.shelves[node.name, log] for log in LOGS}
        if shelves[WHOLE].gaps:
            yield f"the log of {node.name} with room for everything has gaps"
        there = set(shelves[SMALL].events)
        missing = [each for name, each in shelves[WHOLE].events.items() if name not in there]
        if len(there) + len(missing) != len(shelves[WHOLE].events):
            yield f"log {SMALL} of {node.name} has what log {WHOLE} has not"
        for gap in shelves[SMALL].gaps.values():
            dropped = gap.what
            assert isinstance(dropped, Dropped)
            inside = [each for each in missing if dropped.first <= each.number <= dropped.last]
            missing = [each for each in missing if each not in inside]
            counted = Counter(type(each.what).__name__ for each in inside)
            if counted != Counter(dropped.events):
                yield f"{node.name}: a gap says {dropped.events}, and {dict(counted)} are missing"
        if missing:
            yield f"{node.name}: {len(missing)} events are in no gap: {missing[0]}"
