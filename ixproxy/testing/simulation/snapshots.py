"""
Steps of snapshots: taken, read page by page, locked and unlocked, moved, stopped, released.

They happen only in worlds that have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ixproxy import messages as m
from ixproxy.messages.message import Request
from ixproxy.node import snapshot_moves
from ixproxy.node import snapshots as on_node
from ixproxy.testing.simulation.asking import nobody
from ixproxy.testing.simulation.run import Do, Run
from ixproxy.testing.simulation.snapshot_books import Books, Taken
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.simulation.worlds import QUEUES, World
from ixproxy.testing.steps import TENANT

CONDITIONS = ("", "", "Queue = 'In'", "Queue = 'Second'", "[media_type] = 'chat'")
ORDERS = ("", "", "Priority DESC", "received_at")
NUMBERS = (0, 0, 1, 2, 5)
SORTS = ("mail", "router", "desk")
MOST = 3
"""Snapshots that one client has at a time, as far as it knows."""


@contextmanager
def in_small_steps(world: World) -> Iterator[None]:
    """Nodes do with so few members something in one batch that even small snapshots take some."""
    if not world.snapshots:
        yield
        return
    with (
        patch.object(on_node, "AT_A_TIME", world.members_at_a_time),
        patch.object(snapshot_moves, "AT_A_TIME", world.members_at_a_time),
    ):
        yield


def take(run: Run, draws: Draws) -> None:
    """Somebody takes a snapshot, if it does not have too many."""
    mine = run.kept(Books).mine(run, *SORTS)
    players = [
        player for player in run.there(*SORTS) if sum(each.player is player for each in mine) < MOST
    ]
    if not players:
        return nobody(run)
    player = draws.of(players)
    request = m.RequestTakeSnapshot(
        tenant_id=TENANT,
        condition=draws.of(CONDITIONS),
        order=draws.of(ORDERS),
        lock=draws.percent(40),
        check_interactions_state=draws.percent(30),
        number_of_interactions=draws.of(NUMBERS),
    )
    timeout = draws.between(0.0005, 0.02) if draws.percent(5) else None
    run.ask(player, request, timeout=timeout)


def _of_one(request: Any) -> Do:
    """A step that is about a snapshot: most often asked by who has it."""

    def step(run: Run, draws: Draws) -> None:
        players = run.there(*SORTS)
        mine = run.kept(Books).mine(run, *SORTS)
        if not mine or not players:
            return nobody(run)
        taken = draws.of(mine)
        player = taken.player if draws.percent(96) else draws.of(players)
        named = {"tenant_id": TENANT, "snapshot_id": taken.id}
        message: Request | None = request(named, run, taken, draws)
        if message is None:
            return nobody(run)
        if isinstance(message, m.RequestReleaseSnapshot) and player is taken.player:
            taken.releases += 1
        run.ask(player, message)

    return step


def _page(named: dict[str, Any], run: Run, taken: Taken, draws: Draws) -> Request:
    return m.RequestGetSnapshotInteractions(
        **named,
        start_from=draws.below(taken.size + 2) if draws.percent(50) else 0,
        number_of_interactions=draws.of((0, 0, 1, 2, 3, 7)),
    )


def _member(run: Run, taken: Taken, draws: Draws) -> str:
    some = taken.ids
    if not some or draws.percent(10):
        some = list(run.ids)
    return draws.of(some) if some else ""


def _lock(named: dict[str, Any], run: Run, taken: Taken, draws: Draws) -> Request | None:
    member = _member(run, taken, draws)
    return m.RequestLockInteraction(**named, interaction_id=member) if member else None


def _unlock(named: dict[str, Any], run: Run, taken: Taken, draws: Draws) -> Request | None:
    member = _member(run, taken, draws)
    return m.RequestUnlockInteraction(**named, interaction_id=member) if member else None


def _move(named: dict[str, Any], run: Run, taken: Taken, draws: Draws) -> Request:
    return m.RequestMoveInteractions(**named, queue=draws.of(QUEUES))


def _stop(named: dict[str, Any], run: Run, taken: Taken, draws: Draws) -> Request:
    return m.RequestStopInteractions(**named)


def _release(named: dict[str, Any], run: Run, taken: Taken, draws: Draws) -> Request:
    return m.RequestReleaseSnapshot(**named)


page, lock, unlock = _of_one(_page), _of_one(_lock), _of_one(_unlock)
move, stop, release = _of_one(_move), _of_one(_stop), _of_one(_release)
