"""What is done with snapshots when all is at rest: they are read to their ends, and released."""

from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Request
from ixproxy.testing.simulation.players import Player
from ixproxy.testing.simulation.rules_of_locks import FREED, nothing_is_locked
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshot_books import Books, Taken, parts_of
from ixproxy.testing.steps import TENANT

AT_ONCE = 2
"""Positions of a page."""


def read_and_release(run: Run) -> None:
    """
    Each client reads what it has; half of them release it, the others go. Then no lock is left.
    """
    if not run.world.snapshots:
        return
    books = run.kept(Books)
    there = run.there("mail", "router", "desk")
    having: dict[Player, list[Taken]] = {}
    for taken in books.taken.values():
        known = parts_of(run, taken.player, taken.id)
        if taken.player in there and known is not None:
            having.setdefault(taken.player, []).append(taken)
    for number, (player, some) in enumerate(having.items()):
        for taken in some:
            _read(run, taken)
        if run.breach is not None:
            return
        if (number + run.world.seed) % 2:
            for taken in some:
                taken.releases += 1
                _done(run, taken, m.RequestReleaseSnapshot(**_named(taken)))
            continue
        run.tell("{} goes", player.name)
        player.leaves(run.now())
        if run.world.seed % 3:
            player.here.close()
        else:
            run.cluster.kill_client(player.here)
    run.cluster.run(FREED)
    run.check((nothing_is_locked,))
    # What else they had is waited for as always.
    run.cluster.run(max(0.0, run.world.restore - FREED) + run.world.timeout)


def _read(run: Run, taken: Taken) -> None:
    """Page by page; that each page has its positions is a rule of answers."""
    start = 0
    while run.breach is None:
        request = m.RequestGetSnapshotInteractions(
            **_named(taken), start_from=start, number_of_interactions=AT_ONCE
        )
        page = _done(run, taken, request)
        if not isinstance(page, m.EventSnapshotInteractions):
            return
        start += len(page.interactions) + len(page.errors)
        if not page.have_more:
            break
    if run.breach is None and start != taken.size:
        run.broken("pages_are_as_taken", f"snapshot {taken.id} has {start}, not {taken.size}")


def _done(run: Run, taken: Taken, request: Request) -> object:
    """What is asked at rest of a snapshot that is there is not refused."""
    asked = run.ask(taken.player, request)
    run.cluster.run_until(lambda: asked.outcome is not None, f"{asked.name} is never answered")
    if isinstance(asked.outcome, RequestRefused):
        run.broken(
            "a_snapshot_that_is_there_can_be_used",
            f"{asked.name} of snapshot {taken.id} of {taken.player.name}: {asked.outcome}",
        )
    return asked.outcome


def _named(taken: Taken) -> dict[str, Any]:
    return {"tenant_id": TENANT, "snapshot_id": taken.id}
