"""
Rules of pairs: what is so of the two servers of a node when all is at rest.

As in `rules`, a rule yields what breaks it. That a pair serves again in time
is looked at all the time, by `service`; that who is no longer primary writes
nothing, by the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.node.leading import State
from ixproxy.testing.memory_servers import node_address
from ixproxy.testing.simulation.run import Run


def one_server_of_a_pair_serves(run: Run) -> Iterator[str]:
    """Exactly one server of a node listens, and it has the newest lease (design 8, pairs)."""
    if not run.world.pairs:
        return
    for node in run.cluster.nodes:
        newest = run.ledger.epochs[node.name]
        listening = [
            server
            for server in node.members
            if run.cluster.network.listens(node_address(server.name))
        ]
        if [server.epoch for server in listening] != [newest]:
            yield f"of {node.members} listen {listening}, and the newest lease is {newest}"


def who_is_deposed_waits_and_has_said_so(run: Run) -> Iterator[str]:
    """A server that leads no more has left, waits, and its log says it (design 8, pairs)."""
    if not run.world.pairs:
        return
    for node in run.cluster.nodes:
        for server in node.members:
            if not server.alive or server is node.primary or server.member is None:
                continue
            if server.member.state is not State.WAITING:
                yield f"{server} does not wait"
            elif server.member.terms and run.lives.get(server.name) is not State.WAITING:
                yield f"{server} was primary, and has not said that it is no longer"
