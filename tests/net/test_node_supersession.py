"""Sessions that come back, move, or are lost: on a whole node."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventPulledInteractions,
    RequestClientsGone,
    RequestPull,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.testing.faults import Fault
from tests.net.node_rig import NodeRig

ONE = b"1" * 16
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
PULL = RequestPull(tenant_id=1, view_id="In/All")


def submitted(rig: NodeRig, number: int = 1) -> list[str]:
    media = rig.client("MediaServer", client_name="mail")
    return [media.ask(SUBMIT).interaction_id for _ in range(number)]


def taken(answer: Any) -> dict[str, int]:
    assert isinstance(answer, EventPulledInteractions), answer
    return answer.take_numbers


def test_a_newer_registration_supersedes_the_older_one(rig: NodeRig) -> None:
    ids = submitted(rig, 2)
    older = rig.client("RoutingEngine", session=ONE)
    number = taken(older.ask(PULL))
    newer = rig.peer()
    newer.register("RoutingEngine", session=ONE, incarnation=2, holding=number)
    refused = older.ask(PULL)
    assert refused.error_code == Code.SUPERSEDED
    assert not refused.in_doubt
    assert not older.closed
    assert older.ask(RequestUnregisterClient()).error_code == Code.SUPERSEDED
    older.lose()
    rig.run(120)
    assert [row["interaction_id"] for row in rig.rows("parties")] == [ids[0]]
    assert list(taken(newer.ask(PULL))) == [ids[1]]


def test_a_lower_incarnation_is_refused_and_the_newer_one_stays(rig: NodeRig) -> None:
    newer = rig.client("RoutingEngine", session=ONE, incarnation=3)
    older = rig.peer()
    assert older.register("RoutingEngine", session=ONE, incarnation=2).error_code == Code.SUPERSEDED
    assert older.closed
    assert isinstance(newer.ask(PULL), EventPulledInteractions)


def test_a_lower_incarnation_than_the_stored_one_is_refused_too(rig: NodeRig) -> None:
    rig.client("RoutingEngine", session=ONE, incarnation=3).lose()
    proxy = rig.proxy()
    refused = proxy.register("RoutingEngine", session=ONE, incarnation=2)
    assert refused.error_code == Code.SUPERSEDED
    assert proxy.ask(PULL, client=1).error_code == Code.NOT_REGISTERED
    assert len(rig.server.state.sessions) == 1


def test_a_session_moves_between_proxies(rig: NodeRig) -> None:
    submitted(rig, 1)
    one, two = rig.proxy("p1"), rig.proxy("p2")
    old = one.number("RoutingEngine", session=ONE)
    takes = taken(one.ask(PULL, client=old))
    new = two.number("RoutingEngine", session=ONE, incarnation=2, holding=takes)
    assert one.ask(PULL, client=old).error_code == Code.SUPERSEDED
    assert isinstance(one.ask(RequestClientsGone(clients=[old])), EventAck)
    one.lose()
    rig.run(120)
    assert len(rig.rows("parties")) == 1
    assert isinstance(two.ask(PULL, client=new), EventPulledInteractions)


def test_a_lost_session_keeps_its_holdings_for_a_while(rig: NodeRig) -> None:
    submitted(rig)
    router = rig.client("RoutingEngine", session=ONE)
    router.ask(PULL)
    router.lose()
    rig.run(59)
    assert len(rig.rows("parties")) == 1
    rig.run(2)
    assert rig.rows("parties") == []
    assert rig.rows("interactions")[0]["state"] == 0


def test_a_session_whose_new_registration_cannot_be_stored_is_lost_as_any_other(
    rig: NodeRig,
) -> None:
    submitted(rig)
    older = rig.client("RoutingEngine", session=ONE)
    taken(older.ask(PULL))
    rig.store.broken["begin"] = Fault.REFUSED
    assert rig.peer().register("RoutingEngine", session=ONE).error_code == Code.STORE_FAILED
    del rig.store.broken["begin"]
    older.lose()
    rig.run(120)
    assert [row["state"] for row in rig.rows("interactions")] == [0]
    assert ONE not in [row["session"] for row in rig.rows("sessions")]


@pytest.mark.parametrize("way", ["lost", "unregistered", "lost by the proxy", "came back"])
def test_sessions_that_go_while_nothing_can_be_stored_hold_nothing_in_the_end(
    rig: NodeRig, way: str
) -> None:
    submitted(rig)
    peer, number = rig.client("RoutingEngine", session=ONE), 0
    if way == "lost by the proxy":
        peer = rig.proxy()
        number = peer.number("RoutingEngine", session=ONE, incarnation=2)
    takes = taken(peer.ask(PULL, client=number))
    rig.store.broken["begin"] = Fault.REFUSED
    if way == "unregistered":
        assert peer.ask(RequestUnregisterClient()).error_code == Code.STORE_FAILED
    elif way == "lost by the proxy":
        gone = RequestClientsGone(clients=[number])
        assert peer.ask(gone).error_code == Code.STORE_FAILED
    else:
        peer.lose()
    rig.run(5)
    del rig.store.broken["begin"]
    if way == "came back":
        other = rig.client("RoutingEngine", session=ONE, incarnation=3, holding=takes)
        rig.run(120)
        assert isinstance(other.ask(PULL), EventPulledInteractions)
        assert [row["state"] for row in rig.rows("interactions")] == [2]
    else:
        rig.run(120)
        assert [row["state"] for row in rig.rows("interactions")] == [0]
        assert ONE not in [row["session"] for row in rig.rows("sessions")]
