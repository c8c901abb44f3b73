"""Steps of pushed work: it is submitted, and routers answer it, and say what they have loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.messages.message import Request
from ixproxy.testing.simulation.asking import Made, known, nobody
from ixproxy.testing.simulation.players import Player, holders
from ixproxy.testing.simulation.pushed_work import LOADED
from ixproxy.testing.simulation.run import Do, Run
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.simulation.worlds import AGENTS, MEDIA, QUEUES, ROUTED
from ixproxy.testing.steps import TENANT

MOST = 5
"""So many routers are there at most."""

ROUTE_TYPES = ("Agent", "Queue", "Queue", "Workbin", "Stop", "Stop")


def submit_routed(run: Run, draws: Draws) -> None:
    """A media server submits what a view feeds to routers."""
    players = run.there("mail")
    if not players:
        return nobody(run)
    _submit(run, draws, draws.of(players))


def submit_several_routed(run: Run, draws: Draws) -> None:
    """It submits several at once, more than routers may have at times."""
    players = run.there("mail")
    if not players:
        return nobody(run)
    player = draws.of(players)
    for _ in range(draws.of((3, 4, 6))):
        _submit(run, draws, player)


def _submit(run: Run, draws: Draws, player: Player) -> None:
    run.marks += 1
    request = m.RequestSubmit(
        tenant_id=TENANT,
        media_type=draws.of(MEDIA),
        queue=ROUTED,
        user_data={"tag": run.marks, **({"Priority": 9} if draws.percent(30) else {})},
    )
    run.ask(player, request, marks=(f"tag {run.marks}",))


def pull_routed(run: Run, draws: Draws) -> None:
    """Somebody pulls from a view that is also pushed from."""
    players = run.there("router", "desk")
    if not players:
        return nobody(run)
    player = draws.of(players)
    view = draws.of((f"{ROUTED}/All", f"{ROUTED}/All", f"{ROUTED}/Urgent"))
    run.ask(
        player,
        m.RequestPull(tenant_id=TENANT, view_id=view, number_of_interactions=draws.of((1, 2))),
    )


def place_in_routed(named: dict[str, Any], run: Run, draws: Draws) -> Made:
    """Puts it where it is pushed from."""
    mark = run.mark()
    return m.RequestPlaceInQueue(**named, queue=ROUTED, added_properties={mark: 1}), (mark,)


def _one_of_its(run: Run, draws: Draws) -> tuple[Player, str] | None:
    """
    A pushed router and an interaction: most often one that it has. What is on another node it
    cannot know.
    """
    players = run.there("urs")
    if not players:
        return None
    holding = holders(players)
    if holding and draws.percent(92):
        player = draws.of(holding)
        return player, draws.of(sorted(player.here.holding))
    if not holding and draws.percent(80):
        return None
    player = draws.of(players)
    some = [each for each in run.ids if _is_its(run, player, each)]
    return (player, known(some, draws)) if some else None


def upon_pushed(
    request: Callable[[dict[str, Any], Run, Draws], tuple[Request, tuple[str, ...]]],
) -> Do:
    """A step in which a pushed router asks something about an interaction."""

    def step(run: Run, draws: Draws) -> None:
        chosen = _one_of_its(run, draws)
        if chosen is None:
            return nobody(run)
        player, identifier = chosen
        message, marks = request({"tenant_id": TENANT, "interaction_id": identifier}, run, draws)
        run.ask(player, message, marks=marks)

    return step


def route(run: Run, draws: Draws) -> None:
    """A router says with one request what becomes of an interaction, most often of this take."""
    chosen = _one_of_its(run, draws)
    if chosen is None:
        return nobody(run)
    player, identifier = chosen
    kind = draws.of(ROUTE_TYPES)
    more: dict[str, Any] = {}
    if kind == "Agent":
        more["agent_id"] = draws.of(AGENTS)
    elif kind == "Queue":
        more["queue"] = draws.of((*QUEUES, ROUTED))
    elif kind == "Workbin":
        more["workbin"] = m.Workbin(workbin_type_id="Drafts", workbin_agent_id=draws.of(AGENTS))
    if draws.percent(80):
        more["take_number"] = player.here.holding.get(identifier, 0)
    run.ask(
        player,
        m.RequestRouteCall(tenant_id=TENANT, interaction_id=identifier, route_type=kind, **more),
    )


def _is_its(run: Run, player: Player, identifier: str) -> bool:
    """Whether an interaction came up on the node that a router is connected to."""
    node = run.cluster.nodes[run.pushed.node[player]]
    return run.ledger.born.get(identifier) == node.name


def router_comes(run: Run, draws: Draws) -> None:
    """One more router connects to a node, if there are not too many."""
    if not run.world.pushed or sum(not each.left for each in run.pushed.loaded) >= MOST:
        return nobody(run)
    number, strategies = draws.below(len(run.cluster.nodes)), draws.of(LOADED)
    player = run.pushed.come(run.come, number, strategies)
    run.tell("{} comes to {} with {}", player.name, run.cluster.nodes[number].name, strategies)


def load(run: Run, draws: Draws) -> None:
    """A router says what else it has loaded, or has no more."""
    players = run.there("urs")
    if not players:
        return nobody(run)
    player, strategies = draws.of(players), draws.of(LOADED)
    run.tell("{} has loaded {}", player.name, strategies)
    run.pushed.loaded[player] = strategies

    def failed(failure: Failure) -> None:
        run.tell("{} has not said what it has loaded: {}", player.name, failure.value)

    said = player.here.register_again({"strategies": list(strategies)})
    said.addErrback(failed)
