"""Faults of routers that nodes push to."""

from __future__ import annotations

from ixproxy.testing.simulation.asking import nobody
from ixproxy.testing.simulation.breaking import break_one
from ixproxy.testing.simulation.players import holders
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws


def cut_router(run: Run, draws: Draws) -> None:
    """The network between a router and its node is cut."""
    players = run.there("urs")
    if not players:
        return nobody(run)
    player = draws.of(players)
    node = run.cluster.nodes[run.pushed.node[player]]
    names = [server.name for server in node.members]

    def cut() -> None:
        for name in names:
            run.cluster.cut(player.host, name)

    def healed() -> None:
        for name in names:
            run.cluster.heal(player.host, name)

    break_one(run, f"{player.name} is cut from {node.name}", cut, healed)


def lose_router(run: Run, draws: Draws) -> None:
    """A router loses its connection, most often one that has something."""
    players = run.there("urs")
    if not players:
        return nobody(run)
    player = draws.of(holders(players) or players)
    run.tell("the connection of {} is lost", player.name)
    run.cluster.network.lose(player.host)


def kill_router(run: Run, draws: Draws) -> None:
    """A router dies, most often one that has something."""
    players = run.there("urs")
    if not players:
        return nobody(run)
    player = draws.of(holders(players) or players)
    run.tell("{} dies", player.name)
    player.leaves(run.now())
    run.cluster.kill_client(player.here)
