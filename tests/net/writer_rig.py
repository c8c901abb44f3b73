"""The writer's way on a clock, over a mind that only remembers what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.task import Clock
from twisted.python.failure import Failure

from ixproxy.errors import StoreUnreachable
from ixproxy.messages import RequestSubmit
from ixproxy.net.batch_writer import BatchWriter
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer
from ixproxy.net.turn import TurnEnd
from ixproxy.node.batch import People
from ixproxy.node.work import Asked, Outcome, Sender, Work
from tests.net.node_rig import ManualExecutor

NOWHERE: Any = None
SENDER = Sender(b"s", "c", "MediaServer", frozenset({1}))
CLIENT = NodeClient(NodePeer(NOWHERE), 0, SENDER, 1, lasting=True, all_tenants=True)
TIME_OF_DAY = 1_800_000_000.0


class Core:
    """A mind that remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[Work], float]] = []
        self.due: float | None = None
        self.outcome = Outcome()
        self.last_event_number = 0
        self.problem: Exception | None = None
        self.away = False

    def run(self, works: Sequence[Work], now: float) -> Outcome:
        if self.problem is not None:
            raise self.problem
        self.batches.append((list(works), now))
        self.last_event_number += len(works)
        return self.outcome

    def next_due(self) -> float | None:
        if self.away:
            raise StoreUnreachable("by plan")
        return self.due

    def people(self) -> People:
        return People(sessions=len(self.batches))


class Rig:
    def __init__(self, limit: int = 100) -> None:
        self.clock = Clock()
        self.executor = ManualExecutor(self.clock)
        self.core = Core()
        self.heard: list[str] = []
        self.begun = 0
        self.expired_references: list[int] = []
        self.retries: list[Work] = []
        self.writer = BatchWriter(
            self.clock,
            TurnEnd(self.clock),
            self.executor,
            self.core,  # type: ignore[arg-type]
            self,
            lambda: TIME_OF_DAY + self.clock.seconds(),
            limit,
        )

    def expired(self, asking: Asking) -> None:
        self.expired_references.append(asking.reference)

    def not_retried(self, works: Sequence[Work]) -> None:
        self.heard.append(f"not retried {len(works)}")

    def batch_begins(self) -> None:
        self.begun += 1

    def batch_done(self, works: Sequence[Work], outcome: Outcome) -> None:
        self.heard.append(f"done {len(works)}")
        if self.retries:
            self.writer.add_first(self.retries)
            self.retries = []

    def batch_settled(self, works: Sequence[Work], outcome: Outcome) -> None:
        self.heard.append(f"settled, next batch begun: {bool(self.executor.jobs)}")

    def batch_failed(self, works: Sequence[Work], failure: Failure) -> None:
        self.heard.append(f"failed {len(works)}: {failure.getErrorMessage()}")

    def ask(self, reference: int, due: float = 1e9) -> Asking:
        asking = Asking(CLIENT, reference, due, False)
        self.writer.ask(asking, Asked(SENDER, RequestSubmit(), 0, asking))
        return asking

    def batches(self) -> list[list[int | str]]:
        """The batches so far: references, or what else it was."""
        return [
            [
                each.token.reference if isinstance(each, Asked) else type(each).__name__
                for each in works
            ]
            for works, _ in self.core.batches
        ]
