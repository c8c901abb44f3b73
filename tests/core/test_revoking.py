"""What clients are told that they hold no longer."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.link_states import State
from ixproxy.messages import EventAck, EventPulledInteractions, EventRevoked, RequestPull
from ixproxy.messages.message import Message
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_registering import registration

GRACE = 30.0


def holding(rig: Rig) -> dict[str, Any]:
    """What the proxy has of its only client."""
    return dict(only(list(rig.core.state.clients)).holding)


def took(rig: Rig, peer: int, *identifiers: str) -> None:
    """The client pulls, and EAST gives."""
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="In/All"))
    answer = EventPulledInteractions(
        interactions={each: {} for each in identifiers}, take_numbers=dict.fromkeys(identifiers, 7)
    )
    rig.answer(EAST, only(rig.sent(EAST)), answer)
    rig.got(peer)


def comes_back(rig: Rig, node: Any, held: dict[str, int]) -> None:
    """A node comes back, and says what the only client holds there."""
    rig.core.node_connected(node, rig.now)
    rig.pump()
    frame = only(rig.sent(node))
    rig.answer(node, frame, rig._registered(node, decode(frame)))
    rig.answer(node, only(rig.sent(node)), EventAck(proxy_client_id=77, held=held))


def revoked(messages: list[Message]) -> dict[str, str]:
    """Ids that were revoked, and for what reason."""
    return {
        each.interaction_id: each.reason.reason_system_name if each.reason else ""
        for each in messages
        if isinstance(each, EventRevoked)
    }


@pytest.fixture
def rig() -> Rig:
    return Rig(node_loss_grace=GRACE)


def test_what_a_node_no_longer_knows_when_it_is_back_is_revoked(rig: Rig) -> None:
    # A stop that was in flight when the node went may have been carried out.
    peer = rig.client()
    took(rig, peer, "kept", "stopped")
    rig.lose(EAST)
    comes_back(rig, EAST, {"kept": 7})
    assert revoked(rig.got(peer)) == {"stopped": "NotConfirmed"}
    assert holding(rig) == {"kept": (7, EAST)}
    rig.tick(2 * GRACE)
    assert revoked(rig.got(peer)) == {}


def test_what_another_node_owns_is_none_of_its_business(rig: Rig) -> None:
    peer = rig.client()
    took(rig, peer, "kept")
    rig.lose(WEST)
    comes_back(rig, WEST, {})
    assert revoked(rig.got(peer)) == {}
    assert holding(rig) == {"kept": (7, EAST)}


def test_a_node_away_for_the_whole_grace_takes_what_it_owns_with_it(rig: Rig) -> None:
    peer = rig.client()
    took(rig, peer, "a")
    rig.lose(EAST)
    rig.tick(GRACE - 1)
    assert revoked(rig.got(peer)) == {}
    rig.tick(1)
    assert revoked(rig.got(peer)) == {"a": "NodeLost"}
    assert holding(rig) == {}
    comes_back(rig, EAST, {})
    assert revoked(rig.got(peer)) == {}


def test_so_does_one_that_is_lost_before_it_is_linked_again(rig: Rig) -> None:
    """What a client has is confirmed there on the way, so nothing else would ever end it."""
    peer = registered_without(rig, WEST)
    comes_back(rig, WEST, {"listed": 4})
    link = rig.core.link(WEST)
    assert holding(rig) == {"listed": (4, WEST)}
    link.lost_at = None
    link.state = State.JOINING
    rig.lose(WEST)
    rig.tick(GRACE)
    assert revoked(rig.got(peer)) == {"listed": "NodeLost"}


def registered_without(rig: Rig, *away: Any) -> int:
    """A client that lists an id comes while nodes are away."""
    for node in away:
        rig.lose(node)
    peer = rig.peer()
    rig.ask(peer, registration(holding={"listed": 4}))
    for node in rig.to_node:
        if node not in away:
            rig.answer(node, only(rig.sent(node)), EventAck(proxy_client_id=9))
    assert only(rig.got(peer)).held == {"listed": 4}, "it is not decided yet"
    return peer


def test_what_was_listed_is_revoked_when_the_last_node_denies_it(rig: Rig) -> None:
    peer = registered_without(rig, NORTH, WEST)
    comes_back(rig, NORTH, {})
    assert revoked(rig.got(peer)) == {}
    comes_back(rig, WEST, {})
    assert revoked(rig.got(peer)) == {"listed": "NotConfirmed"}
    assert holding(rig) == {}
    assert not rig.core.state.unconfirmed


def test_what_was_listed_stays_when_a_node_confirms_it(rig: Rig) -> None:
    peer = registered_without(rig, WEST)
    comes_back(rig, WEST, {"listed": 4})
    rig.tick(2 * GRACE)
    assert revoked(rig.got(peer)) == {}
    assert holding(rig) == {"listed": (4, WEST)}


def test_what_was_listed_and_never_confirmed_is_revoked_after_the_grace(rig: Rig) -> None:
    peer = registered_without(rig, WEST)
    rig.tick(GRACE - 1)
    assert revoked(rig.got(peer)) == {}
    rig.tick(1)
    assert revoked(rig.got(peer)) == {"listed": "NodeLost"}
    assert holding(rig) == {}
