"""Clients with very much on the way are left unread until answers came."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from ixproxy.messages import (
    EventAck,
    RequestChangeProperties,
    RequestLocate,
    RequestPull,
    RequestSubmit,
)
from ixproxy.wire.prefix import Flag
from tests.core.rig import EAST, TENANT
from tests.net.listener_house import House

WINDOW = 4
CHANGE = RequestChangeProperties(tenant_id=TENANT, interaction_id="e")
HELD = RequestPull(tenant_id=TENANT, view_id="In/All", extension={"pull-for-strategy": 1})


def test_a_client_is_left_unread_above_its_window_and_read_when_half_is_answered() -> None:
    house = House()
    house.ask(WINDOW, CHANGE)
    assert house.reads()
    house.ask(1, CHANGE)
    assert not house.reads()
    house.nodes[EAST].answer(2, EventAck())
    assert not house.reads()
    house.nodes[EAST].answer(1, EventAck())
    assert house.reads()


def test_held_pulls_do_not_close_the_window_of_a_router() -> None:
    house = House()
    house.ask(50, HELD)
    assert house.reads()
    for node in house.nodes.values():
        node.frames.clear()
    house.ask(WINDOW + 1, CHANGE)
    assert not house.reads()
    house.nodes[EAST].answer(WINDOW + 1, EventAck())
    assert house.reads()
    assert (len(house.client.inflight), house.client.on_the_way) == (50, 0)


def test_requests_without_a_reply_open_the_window_too() -> None:
    house = House("MediaServer")
    submit = RequestSubmit(tenant_id=TENANT, media_type="email", queue="In")
    house.ask(3 * WINDOW, submit, flags=int(Flag.NO_REPLY))
    assert not house.reads()
    for node in house.nodes.values():
        node.answer(3 * WINDOW, EventAck())
    assert house.reads()


def test_a_proxy_is_always_read_for_it_has_many_clients() -> None:
    house = House("Proxy")
    house.ask(5 * WINDOW, RequestLocate(tenant_id=TENANT, interaction_id="x"))
    assert house.client.on_the_way == 5 * WINDOW
    assert house.reads()


def test_nobody_stays_unread_when_its_requests_were_given_up() -> None:
    house = House()
    house.ask(WINDOW + 1, CHANGE)
    house.core.node_lost(EAST, 1000.0)
    for destination in house.core.take_outputs():
        destination.take()
    assert not house.reads(), "its answers got lost on the way to the socket"
    house.listener.ticked()
    assert house.reads()
    assert house.performer.windows.closed == {}


def test_a_peer_that_is_gone_is_forgotten() -> None:
    house = House()
    house.ask(WINDOW + 1, CHANGE)
    house.connection.connectionLost(Failure(ConnectionDone()))
    assert house.performer.windows.closed == {}
    house.nodes[EAST].answer(WINDOW + 1, EventAck())
