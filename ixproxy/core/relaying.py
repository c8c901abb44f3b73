"""
What reporting clients say of agents: on to the node that tells the agents.

An event from a client has no answer, so what is wrong with one is counted.
EventCurrentAgentStatus goes to the agent's home, the first linked node in
rendezvous order, in the client's name; that node tells the agent's clients,
through whichever proxy they came, and who listens to the topic of the place.
"""

from __future__ import annotations

from ixproxy.core.clients import Peer
from ixproxy.core.routing import BY_CODE, Route
from ixproxy.core.state import ProxyState
from ixproxy.values import rendezvous
from ixproxy.wire.prefix import Flag, Frame, readdress


def relay(state: ProxyState, peer: Peer, frame: Frame) -> None:
    """An event came from a client."""
    state.counters["events from clients"] += 1
    client = peer.clients.get(frame.client)
    row = BY_CODE.get(frame.name)
    if (
        client is None
        or client.gone
        or row is None
        or row.route is not Route.RELAY
        or frame.name not in client.allowed
        or frame.flags & (Flag.COMPRESSED | Flag.MORE)
        or frame.tenant not in state.deployment.tenants
        or not client.may_use(frame.tenant)
        or not frame.agent
    ):
        state.counters["events refused"] += 1
        return
    links = {link.name: link for link in state.links_of(frame.tenant)}
    for name in rendezvous(f"{frame.tenant}/{frame.agent}", links):
        link = links[name]
        if link.linked and name in client.numbers:
            if link.full or len(frame.raw) - 4 > link.max_frame:
                break
            link.send(readdress(frame.raw, client.numbers[name], 0))
            return
    state.counters["events without a way"] += 1
