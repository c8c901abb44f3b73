"""For tests of snapshots in the simulator: one that was taken, and answers that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.testing.simulation.players import Asked, Player
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshot_books import Books, Taken
from ixproxy.testing.steps import TENANT
from tests.testing.simulation.small_worlds import answered, one, submitted


def took(run: Run, number: int = 3, sort: str = "desk", **more: Any) -> Taken:
    """Somebody has taken a snapshot of so many new interactions, and of all others."""
    for _ in range(number):
        submitted(run, run.marks + 1)
    player = one(run, sort)
    asked = answered(run, player, m.RequestTakeSnapshot(tenant_id=TENANT, **more))
    assert isinstance(asked.outcome, m.EventSnapshotTaken), asked.outcome
    return run.kept(Books).taken[player, asked.outcome.snapshot_id]


def of(taken: Taken, **more: Any) -> dict[str, Any]:
    """What names a snapshot in a request."""
    return {"tenant_id": TENANT, "snapshot_id": taken.id, **more}


def told(run: Run, player: Player, request: Any, outcome: Any, at: float | None = None) -> Asked:
    """Something was asked a moment ago, and has this answer."""
    answer: Deferred[Any] = Deferred()
    since = run.now() if at is None else at
    return Asked(3, player, request, answer, since, outcome=outcome)


def broken(rule: Callable[[Run, Asked], Iterable[str]], run: Run, asked: Asked) -> str:
    """How a rule says that it is broken; "" when it is not."""
    return next(iter(rule(run, asked)), "")
