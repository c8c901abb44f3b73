"""
How a run ends for external servers and pushed routers: called at rest, and sent home.

At rest what is called is known beforehand, so here answers are said exactly: each server
answers by its name, those of a type have turns, one that is dead is not connected, and
a node finds by its own service what it has.
"""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.memory_services import TYPE
from ixproxy.testing.simulation.calling import find, made_call
from ixproxy.testing.simulation.calls import SERVERS
from ixproxy.testing.simulation.ledger import OWN
from ixproxy.testing.simulation.players import Asked, Player
from ixproxy.testing.simulation.run import Run

AGAIN = 60.0
"""Seconds after which a node has connected to a server that is there: pauses are 30 s at most."""
NOTICED = 1.0
"""Seconds after which everybody knows who is dead."""
MOST_FOUND = 3


def call_at_rest(run: Run) -> None:
    """Somebody calls all servers, one of them dies and comes back, and nodes' own service finds."""
    if not run.world.services:
        return
    run.calls.answer_all()
    _are_connected(run)
    player = run.come("router", run.world.seed % len(run.cluster.fronts))
    run.cluster.run_until(lambda: player.client is not None, f"{player.name} never comes in")
    for name, _ in SERVERS:
        _answers(run, _done(run, made_call(run, player, {"AppName": name})))
    _have_turns(run, player)
    _one_is_dead(run, player)
    _are_found(run, player)


def _are_connected(run: Run) -> None:
    nodes, number = run.cluster.nodes, len(run.calls.servers)

    def connected() -> bool:
        servers = [node.server for node in nodes if node.server is not None]
        return all(each.third_party.servers.connected == number for each in servers)

    if not run.cluster.clock.run_until(connected, AGAIN):
        text = f"a node has not connected to all servers after {AGAIN:g} s"
        run.broken("external_servers_are_connected_again", text)


def _done(run: Run, asked: Asked) -> Asked:
    run.cluster.run_until(lambda: asked.outcome is not None, f"{asked.name} is never answered")
    return asked


def _answers(run: Run, asked: Asked) -> None:
    if not isinstance(asked.outcome, m.Event3rdServerResponse):
        run.broken("each_server_answers_again", f"{asked.request} comes to {asked.outcome}")


def _have_turns(run: Run, player: Player) -> None:
    """With two calls on each node, each of two servers of a type is called."""
    called: set[str] = set()
    for _ in range(2 * len(run.cluster.nodes)):
        asked = _done(run, made_call(run, player, {"AppType": TYPE}))
        _answers(run, asked)
        called.update(run.calls.made.get(asked.marks[0], ()))
    if called != set(run.calls.of_type(TYPE)) and run.breach is None:
        run.broken("servers_of_a_type_have_turns", f"of {TYPE} are called only {sorted(called)}")


def _one_is_dead(run: Run, player: Player) -> None:
    """Who is dead is not connected, and whoever else is of its type is called."""
    server = run.calls.server(run.calls.of_type(TYPE)[0])
    run.tell("{} is dead", server.name)
    server.kill()
    run.cluster.run(NOTICED)
    outcome = _done(run, made_call(run, player, {"AppName": server.name})).outcome
    if not isinstance(outcome, RequestRefused) or outcome.code != Code.SERVICE_NOT_CONNECTED:
        run.broken("who_is_dead_is_not_connected", f"a call of {server.name} comes to {outcome}")
    for _ in run.cluster.nodes:
        _answers(run, _done(run, made_call(run, player, {"AppType": TYPE})))
    server.start()
    _are_connected(run)


def _are_found(run: Run, player: Player) -> None:
    """A node finds what it has. What a client has named is looked for where it was before."""
    there = [each for each in run.ledger.owners if not each.startswith(OWN)]
    for identifier in there[:MOST_FOUND]:
        outcome = _done(run, find(run, player, {"InteractionId": identifier}, identifier)).outcome
        found = {}
        if isinstance(outcome, m.Event3rdServerResponse):
            found = outcome.envelope3rd_server["Parameters"]["Interactions"]
        if list(found) != [identifier]:
            run.broken("what_is_there_is_found_by_a_call", f"for {identifier} comes {outcome}")


def routers_go(run: Run) -> None:
    """Whoever nodes push to says goodbye, and has nothing any more."""
    if not run.world.pushed:
        return
    for player in run.there("urs"):
        player.leaves(run.now())
        player.here.close()
    run.cluster.run(NOTICED)
    for (node, identifier, _), take in run.pushed.takes.items():
        text = f"{identifier} is pushed on {node} as {take.number}, and all routers are gone"
        run.broken("what_is_pushed_goes_back_with_its_router", text)
