"""
Event logs of a simulation: two for each node, out of the reach of what befalls it.

Theory of operation: one log has a spool that nothing fills, and so is given everything;
the other has a small one. Both keep what they are given on shelves that outlive all
programs, may be out of reach, and may lose their answers. What the nodes have
committed for them is written down here, below the nodes: rows of the outbox. What
the one has, the other has too, or has it counted in a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ixproxy.net.log_plans import LogPacing, LogPlan
from ixproxy.node.log_packs import consumer_of, entries_of
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Dropped, Entry
from ixproxy.node.rows import OutboxRow
from ixproxy.testing.memory_eventlog import MemoryLog, Shelf
from ixproxy.testing.memory_nodes import MemoryNode

WHOLE, SMALL = "whole", "small"
LOGS = (WHOLE, SMALL)
SPOOL, SPOOL_BYTES = 8, 3200
"""Events that may wait for the small log, and bytes of them: either may be reached first."""

PACING = LogPacing(batch_size=5, storing_timeout=0.1)


class NodeLogs:
    """
    The logs of all nodes.

    :ivar shelves: by the name of the node and of the log.
    :ivar kept: likewise, what was committed for it, in order.
    """

    def __init__(self, nodes: Sequence[MemoryNode]) -> None:
        self._dbids = {node.name: node.dbid for node in nodes}
        self.shelves = {(node.name, log): Shelf() for node in nodes for log in LOGS}
        self.kept: dict[tuple[str, str], dict[int, list[Entry]]]
        self.kept = {key: {} for key in self.shelves}
        for node in nodes:
            node.log(*(self._plan(node.name, log) for log in LOGS))

    def _plan(self, node: str, log: str) -> LogPlan:
        shelf = self.shelves[node, log]
        rules = LogRules(max_queue=SPOOL, max_bytes=SPOOL_BYTES) if log == SMALL else LogRules()
        return LogPlan(log, "memory", partial(MemoryLog, shelf), {}, rules, PACING)

    def written(
        self, node: str, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> None:
        """A node has committed some rows; a gap that grows is written anew."""
        for row in puts:
            if isinstance(row, OutboxRow):
                for log in LOGS:
                    if row.consumer == consumer_of(log):
                        entries, problems = entries_of(self._dbids[node], row.body)
                        assert not problems, problems
                        self.kept[node, log][row.event_number] = entries

    def committed(self, node: str) -> None:
        """See `Book`."""

    def entries(self, node: str, log: str) -> list[Entry]:
        """What a log must have, in order."""
        rows = self.kept[node, log]
        return [entry for number in sorted(rows) for entry in rows[number]]

    def drained(self) -> bool:
        """Whether every log has as much as it must have."""
        return all(
            len(shelf.events) + len(shelf.gaps) >= len(self.entries(*key))
            for key, shelf in self.shelves.items()
        )


def events_of(entries: Sequence[Entry]) -> list[Entry]:
    """Those that are no gaps."""
    return [entry for entry in entries if not isinstance(entry.what, Dropped)]


def gaps_of(entries: Sequence[Entry]) -> list[Entry]:
    """Those that are."""
    return [entry for entry in entries if isinstance(entry.what, Dropped)]
