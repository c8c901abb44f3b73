"""
How a run ends: everything is healed and comes to rest, is worked off, and all leave.

The rules that are asked on the way are those of `rules_at_rest`.
"""

from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Request
from ixproxy.testing.memory_servers import time_of_day
from ixproxy.testing.simulation.breaking import dead, keep_dead
from ixproxy.testing.simulation.ending_calls import call_at_rest, routers_go
from ixproxy.testing.simulation.players import SORTS, Player
from ixproxy.testing.simulation.rules import AFTER_EACH_STEP
from ixproxy.testing.simulation.rules_at_rest import (
    AT_REST,
    OF_STREAMS,
    WHEN_ALL_HAVE_LEFT,
    WHEN_WORKED_OFF,
    WHILE_NODES_ARE_AWAY,
)
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshots_at_rest import read_and_release
from ixproxy.testing.simulation.workbins_at_rest import change_workbins
from ixproxy.testing.simulation.worlds import ROUTED
from ixproxy.testing.steps import TENANT

ALL_VIEWS = ("In/All", "Second/All", "Done/All")
AT_ONCE = 100

TOLD = 0.5
"""Seconds after which everybody has been told what a node has done, where nothing breaks."""

MOST_TIMES = 20
"""So often it is waited for that at most, or nothing would be said of nodes that never rest."""


def end(run: Run) -> None:
    """Come to an end, unless a rule is broken before."""
    for phase in PHASES:
        phase(run)
        run.check(AFTER_EACH_STEP)
        if run.breach is not None:
            return


def _outlast(run: Run) -> None:
    """Nodes that are dead stay so for longer than the grace, and nothing else is broken."""
    nodes = run.cluster.nodes
    if run.world.outlasts and not run.down and len(nodes) > 1:
        keep_dead(run, nodes[run.world.seed % len(nodes)])
    if not run.down:
        return
    run.tell("all is healed but for {}", ", ".join(run.down))
    away = [dead(node) for node in run.cluster.nodes if node.name in run.down]
    for name in list(run.mends):
        if name not in away:
            run.mends.pop(name)()
    run.cluster.run(run.world.ending)
    if run.world.outlasts:
        _log_some_out(run)
    run.check(WHILE_NODES_ARE_AWAY)


def _log_some_out(run: Run) -> None:
    """At each desk somebody goes."""
    for player in run.there("desk"):
        for agent in sorted(player.agents)[:1]:
            run.ask(player, m.RequestAgentLogout(tenant_id=TENANT, agent_id=agent))
    run.cluster.run(run.world.waiting)


def _ask_of_named(run: Run) -> None:
    """Whoever asks often enough is told of everything that clients have named."""
    names = [name for name in run.own if name in run.ledger.owners]
    for through in range(len(run.cluster.fronts) if names else 0):
        player = _arrive(run, "mail", through)
        for name in names:
            request = m.RequestGetInteractionProperties(**_named(name))
            # Each proxy on the way may think of an earlier interaction once.
            if all(isinstance(_outcome(run, player, request), RequestRefused) for _ in range(3)):
                run.broken("what_is_there_is_found", f"{name} is refused, and it is there")


def _heal(run: Run) -> None:
    run.tell("all is healed")
    for name in list(run.mends):
        run.mends.pop(name)()
    run.fail_no_more()
    if run.logs is not None:
        for shelf in run.logs.shelves.values():
            shelf.loses_answers = 0
        # Whoever could not store anything for long tries it again after as long.
        run.cluster.run_until(run.logs.drained, "event logs never get what waits for them")


def _rest(run: Run) -> None:
    come_to_rest(run, run.world.ending)
    run.tell("all is at rest")
    run.check(AT_REST)


def come_to_rest(run: Run, seconds: float) -> None:
    """
    Let time pass until nothing is on its way.

    The time for which something may be kept, by a client or by a strategy, has nothing to do with
    when a run ends. It may be over a moment before rules are asked, and then the node has put back
    what the client, which is told in the next moment, still has.

    :param seconds: so long at least, `TOLD` or more.
    """
    run.cluster.run(seconds - TOLD)
    for _ in range(MOST_TIMES):
        before = dict(run.ledger.events)
        run.cluster.run(TOLD)
        if run.ledger.events == before and not _is_overdue(run):
            return


def _is_overdue(run: Run) -> bool:
    """Whether the time of something is over, and its node has not yet written that down."""
    now = time_of_day(run.cluster.clock)()
    return any(timer["due_at"] <= now for timer in run.cluster.rows("timers"))


def _arrive(run: Run, sort: str, through: int | None = None) -> Player:
    """Somebody comes when all is at rest."""
    player = run.come(sort, through)
    run.cluster.run_until(lambda: player.client is not None, f"{player.name} never comes in")
    return player


def _read_anew(run: Run) -> None:
    """A reporting client begins a stream."""
    player = _arrive(run, "stat")
    come_to_rest(run, TOLD)
    run.fresh = player.watch
    run.check(OF_STREAMS)


def _work_off(run: Run) -> None:
    """A router takes whatever waits, out of all views."""
    for player in run.there("router", "desk"):
        for identifier in sorted(player.here.holding):
            run.ask(player, m.RequestLeaveInteraction(**_named(identifier)))
    run.cluster.run(run.world.waiting if run.waiting else 0.0)
    router = _arrive(run, "router")
    for identifier in run.on_hold():
        run.ask(router, m.RequestResume(**_named(identifier)))
    run.cluster.run_until(lambda: not run.waiting, "what is on hold stays so")
    for view in (*ALL_VIEWS, f"{ROUTED}/All") if run.world.pushed else ALL_VIEWS:
        pull = m.RequestPull(tenant_id=TENANT, view_id=view, number_of_interactions=AT_ONCE)
        while isinstance(found := _answer(run, router, pull), m.EventPulledInteractions):
            if not found.interactions:
                break
    run.last = router
    run.check(WHEN_WORKED_OFF)


def _answer(run: Run, player: Player, request: Request) -> object:
    outcome = _outcome(run, player, request)
    if isinstance(outcome, RequestRefused):
        run.broken("all_can_be_worked_off", f"{type(request).__name__} is refused: {outcome}")
    return outcome


def _outcome(run: Run, player: Player, request: Request) -> object:
    asked = run.ask(player, request)
    run.cluster.run_until(lambda: asked.outcome is not None, f"{asked.name} is never answered")
    return asked.outcome


def _leave(run: Run) -> None:
    """Everybody says goodbye."""
    run.tell("all say goodbye")
    for player in run.there(*SORTS):
        player.leaves(run.now())
        player.here.close()
    run.cluster.run(run.world.leaving)
    run.check(WHEN_ALL_HAVE_LEFT)


def _named(identifier: str) -> dict[str, Any]:
    return {"tenant_id": TENANT, "interaction_id": identifier}


PHASES = (
    _outlast,
    _heal,
    _rest,
    call_at_rest,
    _ask_of_named,
    _read_anew,
    change_workbins,
    read_and_release,
    routers_go,
    _work_off,
    _leave,
)
