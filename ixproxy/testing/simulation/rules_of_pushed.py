"""
Rules of what nodes push to routers.

As in `rules`, a rule yields what breaks it. Those of commits are asked by the book
(`pushed_work`): `each_is_pushed_to_one_router_at_a_time`,
`what_is_locked_or_on_hold_is_not_pushed`, `no_router_has_more_than_it_may` and
`no_strategy_has_more_than_it_may`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ixproxy import messages as m
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.simulation.players import Asked, Player
from ixproxy.testing.simulation.pushed_work import Place
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.worlds import FAST, MAIL, ROUTED
from ixproxy.values import InteractionState

MARGIN = 3.0
"""Seconds that a node may take beyond the documented time: a commit that fails is tried again."""

URGENT = 5


def what_is_routed_is_done(run: Run, asked: Asked) -> Iterator[str]:
    """
    EventRouteUsed means that the router has it no more, and without a reason that it is where
    the router has said (doc/routing.md).
    """
    request, outcome = asked.request, asked.outcome
    if not isinstance(request, m.RequestRouteCall) or not isinstance(outcome, m.EventRouteUsed):
        return
    identifier, number = request.interaction_id, request.take_number
    if not number:
        return
    place = run.pushed.over.get((identifier, number))
    if place is None:
        yield f"{identifier} is routed by #{asked.step}, and {asked.player.name} has it as {number}"
    elif place != (_wanted(request) or place) and not _others(run, asked, identifier):
        yield f"{identifier} is routed by #{asked.step} to {_wanted(request)}, and is in {place}"


def _wanted(request: m.RequestRouteCall) -> Place | None:
    """Where an interaction is after that; None: that depends on agents."""
    if request.route_type == "Stop":
        return Place(gone=True)
    if request.route_type == "Queue":
        return Place(request.queue)
    if request.route_type == "Workbin":
        workbin = request.workbin
        return Place(workbin=workbin.workbin_type_id, owner=workbin.workbin_agent_id)
    return None


def _others(run: Run, asked: Asked, identifier: str) -> bool:
    """Whether something else was asked of it meanwhile, which may be in the same commit."""
    return any(
        other is not asked
        and getattr(other.request, "interaction_id", "") == identifier
        and other.answered_at >= asked.at
        for other in run.asked
    )


def what_a_dead_router_had_goes_back_in_time(run: Run) -> Iterator[str]:
    """
    What a router has that is gone goes back after `router-restore-timeout` (doc/routing.md), if
    nothing hinders its node.
    """
    if not run.pushed.takes:
        return
    now, world = run.now(), run.world
    silence = sum(world.keep_alive)
    allowed = world.router_restore + silence + MARGIN + (world.unserved if world.pairs else 0.0)
    for node in run.cluster.nodes:
        epoch = run.ledger.epochs.get(node.name, 0)
        if _hindered(run, node) or run.pushed.well.get(node.name, (0, 0.0))[0] != epoch:
            run.pushed.well[node.name] = epoch, now
    gone = run.pushed.gone
    for player in run.pushed.loaded:
        if _is_gone(player):
            gone.setdefault(player.session, now)
        else:
            gone.pop(player.session, None)
    since = {player.session: player.since for player in run.pushed.loaded}
    for (name, identifier, session), take in run.pushed.takes.items():
        # What registers again while it is connected is not connected for a moment.
        if session in gone:
            passed = now - max(since[session], gone[session], run.pushed.well[name][1])
            if passed > allowed:
                yield f"{identifier} is a router's as {take.number}, gone for {passed:.1f} s"


def _hindered(run: Run, node: MemoryNode) -> bool:
    return (
        not node.listening
        or run.store(node).about_to_fail("commit")
        or any(node.name in name for name in run.mends)
    )


def _is_gone(player: Player) -> bool:
    return player.client is not None and (player.left or not player.client.connected)


def nodes_know_what_routers_have_loaded(run: Run) -> Iterator[str]:
    """A node pushes for what its routers have said last, and to nobody else (doc/routing.md)."""
    for number, node in enumerate(run.cluster.nodes):
        said = {
            player.session: set(strategies)
            for player, strategies in run.pushed.loaded.items()
            if not player.left and strategies and run.pushed.node[player] == number
        }
        assert node.server is not None
        known: dict[bytes, set[str]] = {}
        for strategy, sessions in node.server.core._standing.memory.routers.loaded.items():
            for session in sessions:
                known.setdefault(session, set()).add(strategy)
        if known != said:
            yield f"{node.name} knows {list(known.values())}, said is {list(said.values())}"


def nothing_waits_for_a_router_with_room(run: Run) -> Iterator[str]:
    """
    At rest nothing of a view is left that could be pushed to a router, within the limits
    (doc/routing.md).
    """
    world, takes = run.world, run.pushed.takes
    for number, node in enumerate(run.cluster.nodes):
        have = Counter(key[2] for key in takes if key[0] == node.name)
        routed = Counter(take.strategy for key, take in takes.items() if key[0] == node.name)
        waiting = [row for row in node.rows("interactions") if _waits(row)]
        for player, strategies in run.pushed.loaded.items():
            if player.left or run.pushed.node[player] != number:
                continue
            for strategy in strategies:
                ids = [row["id"] for row in waiting if _shown(row, strategy)]
                room = have[player.session] < world.per_router
                if ids and room and routed[strategy] < world.per_strategy:
                    yield f"{player.name} has room on {node.name}, and {ids} of {strategy} wait"


def _waits(row: dict[str, Any]) -> bool:
    return (
        row["queue"] == ROUTED
        and row["state"] == InteractionState.QUEUED
        and not row["workbin_type"]
        and not row["is_held"]
        and not row["is_locked"]
    )


def _shown(row: dict[str, Any], strategy: str) -> bool:
    return strategy == MAIL or (strategy == FAST and (row["priority"] or 0) > URGENT)
