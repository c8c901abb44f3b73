"""
What clients hold and can hold no longer: taken off them, and they are told.

Theory of operation: a listed holding is the client's until nobody can have it
for the client. A node that was away for the whole grace takes what it owns
with it; a node that comes back and does not confirm what it owned has it for
the client no more; and what no node ever confirmed is gone when all have
answered, or else after the grace.
"""

from __future__ import annotations

from collections.abc import Container

from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.state import ProxyState
from ixproxy.messages import EventRevoked, Reason
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode

NODE_LOST = Reason(
    reason_system_name="NodeLost",
    reason_description="The node that holds the interaction is not accessible",
)
NOT_CONFIRMED = Reason(
    reason_system_name="NotConfirmed",
    reason_description="The node does not confirm that the client holds the interaction",
)


def revoke_lost(state: ProxyState, node: NodeName) -> None:
    """A node was away for the whole grace: clients drop what they hold there."""
    for client in list(state.clients):
        for identifier, (_, owner) in list(client.holding.items()):
            if owner == node:
                _revoke(state, client, identifier, NODE_LOST)


def owner_unknown(state: ProxyState, node: NodeName) -> None:
    """A node's name means another one: who has what clients hold there is to be confirmed anew."""
    for client in state.clients:
        for identifier, (take, owner) in client.holding.items():
            if owner == node:
                client.holding[identifier] = take, None
                state.unconfirmed.setdefault(client, state.now)


def revoke_unconfirmed(state: ProxyState) -> None:
    """Some time passed: what was listed and not confirmed for the whole grace is gone."""
    for client, since in list(state.unconfirmed.items()):
        if state.now - since < state.settings.node_loss_grace:
            break
        del state.unconfirmed[client]
        for identifier, (_, owner) in list(client.holding.items()):
            if owner is None:
                _revoke(state, client, identifier, NODE_LOST)


def revoke_denied(state: ProxyState, client: Client, link: Link, held: Container[str]) -> None:
    """
    A node that came back knows a client again.

    :param held: what it says that the client holds there.
    """
    all_know = all(name in client.numbers for name in state.links)
    for identifier, (_, owner) in list(client.holding.items()):
        if identifier not in held and (owner == link.name or (owner is None and all_know)):
            _revoke(state, client, identifier, NOT_CONFIRMED)
    if all_know:
        state.unconfirmed.pop(client, None)


def _revoke(state: ProxyState, client: Client, identifier: str, reason: Reason) -> None:
    client.gave_back(identifier)
    event = EventRevoked(
        interaction_id=identifier, reason=reason, extension={"Proxy": state.settings.name}
    )
    if not client.gone:
        state.answer_raw(client, 0, encode(event))
