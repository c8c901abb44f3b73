"""Clients go, whatever the way, and leave no trace."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    RequestClientsGone,
    RequestGetInteractionProperties,
    RequestRegisterClient,
    RequestUnregisterClient,
)
from ixproxy.wire.names import Kind
from tests.core.chained import Inner
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

SESSION = b"s" * 16
ASK = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")


def test_a_lost_connection_is_told_to_every_node_in_one_message_for_all_its_clients() -> None:
    rig = Rig()
    peer = rig.client(client_name="desk")
    rig.hang_up(peer)
    for node in (EAST, NORTH, WEST):
        message = decode(only(rig.sent(node)))
        assert isinstance(message, RequestClientsGone)
        assert message.application_name == "desk"
        assert not rig.core.link(node).clients


def test_requests_of_a_lost_client_are_cancelled_where_they_are() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, ASK)
    sent = only(rig.sent(EAST))
    rig.hang_up(peer)
    kinds = [(frame.kind, frame.reference) for frame in rig.sent(EAST)]
    assert (Kind.CANCEL, sent.reference) in kinds


def test_a_goodbye_answers_what_was_in_flight_and_reaches_the_nodes() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, ASK)
    rig.sent(EAST)
    rig.ask(peer, RequestUnregisterClient())
    codes = [message.error_code for message in rig.got(peer) if hasattr(message, "error_code")]
    assert codes == [Code.CANCELLED]
    for node in (EAST, NORTH, WEST):
        names = [type(decode(f)) for f in rig.sent(node) if f.kind == Kind.REQUEST]
        assert names == [RequestUnregisterClient]
    assert len(rig.core.state.clients) == 0


@pytest.mark.parametrize("again", ["same peer", "other peer"])
def test_a_client_that_comes_again_takes_the_place_of_its_older_self(again: str) -> None:
    rig = Rig()
    old = rig.client(session=SESSION, incarnation=1)
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(old, ASK)
    rig.sent(EAST)
    if again == "other peer":
        new = rig.client(session=SESSION, incarnation=2)
        assert only(rig.got(old)).error_code == Code.SUPERSEDED
        rig.ask(old, ASK)
        assert only(rig.got(old)).error_code == Code.SUPERSEDED
        rig.hang_up(old)
        rig.ask(new, ASK)
        assert len([f for f in rig.sent(EAST) if f.kind == Kind.REQUEST]) >= 1
    else:
        rig.hang_up(old)
        rig.client(session=SESSION, incarnation=2)
    assert only(list(rig.core.state.clients)).generation == (2,)


def test_many_clients_are_told_in_frames_that_every_node_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.core.leaving.MOST_AT_ONCE", 2)
    rig = Rig()
    peer = rig.client("Proxy", client_name="proxy-2")
    for number in range(5):
        message = RequestRegisterClient(client_name=f"{number}", client_type="AgentApplication")
        rig.ask(peer, message)
        for node in rig.to_node:
            rig.accept(node)
    rig.hang_up(peer)
    gone = [decode(frame) for frame in rig.sent(EAST)]
    assert [message.clients for message in gone] == [[1, 2], [3, 4], [5]]
    assert all(not link.clients for link in rig.core.state.links.values())


def test_a_node_that_is_only_being_greeted_hears_of_nobody_who_left() -> None:
    rig = Rig()
    peer = rig.client()
    rig.lose(WEST)
    rig.core.node_connected(WEST, rig.now)
    rig.pump()
    rig.sent(WEST)
    rig.hang_up(peer)
    assert not rig.sent(WEST)


def test_a_lost_downstream_proxy_is_one_message_for_each_node_with_its_name() -> None:
    """Test idea 55: the loss of a proxy reaches a node as one ClientsGone."""
    rig = Inner(clients=3)
    rig.hang_up(rig.edge)
    for node in (EAST, NORTH, WEST):
        message = decode(only(rig.sent(node)))
        assert message == RequestClientsGone(clients=[1, 2, 3], application_name="edge")


def test_of_proxies_behind_one_another_the_lost_ones_name_is_told() -> None:
    """Test idea 55, over two levels: the proxy between says which one it lost."""
    rig = Inner(clients=3)
    lost = RequestClientsGone(clients=rig.numbers_at_edge[:2], application_name="outermost")
    rig.ask(rig.edge, lost)
    for node in (EAST, NORTH, WEST):
        told = decode(only(rig.sent(node)))
        assert told == RequestClientsGone(clients=[1, 2], application_name="outermost")
    rig.hang_up(rig.edge)
    for node in (EAST, NORTH, WEST):
        told = decode(only(rig.sent(node)))
        assert told == RequestClientsGone(clients=[3], application_name="edge")


def test_several_clients_that_go_together_are_one_line_of_the_log() -> None:
    rig = Inner(clients=3)
    rig.effects.clear()
    rig.ask(rig.edge, RequestClientsGone(clients=rig.numbers_at_edge[:2]))
    (note,) = rig.effects
    assert note.format.format(**note.fields) == "2 clients through edge are lost"
