"""What any node can do goes to one, and to the next only where nothing was done."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestDistributeEvent,
    RequestDistributeReportingEvent,
)
from ixproxy.values import NodeName
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, facts, only

KINDS = (RequestDistributeEvent, RequestDistributeReportingEvent)
Kind = type[RequestDistributeEvent | RequestDistributeReportingEvent]


def request(kind: Kind = RequestDistributeReportingEvent, **more: Any) -> Any:
    return kind(tenant_id=TENANT, event={"k": 1}, **more)


def where(rig: Rig) -> NodeName:
    """The one node that was asked."""
    node: NodeName = only([node for node, frames in rig.to_node.items() if frames])
    return node


@pytest.mark.parametrize("kind", KINDS)
def test_one_node_is_asked_and_another_the_next_time(kind: Kind) -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    asked = []
    for _ in range(6):
        rig.ask(peer, request(kind))
        node = where(rig)
        asked.append(node)
        frame = only(rig.sent(node))
        assert decode(frame) == request(kind)
        rig.answer(node, frame, EventAck())
        assert only(rig.got(peer)) == EventAck()
    assert sorted(asked) == [EAST, EAST, NORTH, NORTH, WEST, WEST]


@pytest.mark.parametrize("kind", KINDS)
def test_what_names_an_interaction_goes_to_its_owner(kind: Kind) -> None:
    rig = Rig()
    peer = rig.client("RoutingEngine")
    rig.ask(peer, request(kind, interaction_id="i1"))
    for node in (EAST, NORTH, WEST):
        rig.located(node, node == NORTH)
    assert where(rig) == NORTH
    frame = only(rig.sent(NORTH))
    assert decode(frame) == request(kind, interaction_id="i1")
    rig.answer(NORTH, frame, EventAck(interaction_id="i1"))
    assert only(rig.got(peer)) == EventAck(interaction_id="i1")


def test_it_goes_only_where_new_work_of_its_kind_goes() -> None:
    rig = Rig(
        [
            facts(EAST, media_types=frozenset({"chat"})),
            facts(NORTH, enable_submit=False),
            facts(WEST, media_types=frozenset({"email"})),
        ]
    )
    peer = rig.client()
    for _ in range(3):
        rig.ask(peer, request(media_type="email"))
        assert where(rig) == WEST
        rig.answer(WEST, only(rig.sent(WEST)), EventAck())
        rig.got(peer)
    anywhere = set()
    for _ in range(4):
        rig.ask(peer, request())
        node = where(rig)
        anywhere.add(node)
        rig.answer(node, only(rig.sent(node)), EventAck())
    assert anywhere == {EAST, WEST}


def test_where_no_node_takes_it_it_is_refused_and_a_disabled_medium_is() -> None:
    rig = Rig([facts(EAST, enable_submit=False)])
    peer = rig.client()
    for wrong in (request(), request(media_type="email"), request(media_type="fax")):
        rig.ask(peer, wrong)
        assert only(rig.got(peer)).error_code == Code.NO_SERVERS
    rig.ask(peer, request(media_type="pigeon"))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE
    assert not rig.sent(EAST)


def test_a_node_that_has_done_nothing_passes_it_on() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, request())
    tried = []
    for code in (Code.EVENT_LOG_FULL, Code.STOPPING):
        node = where(rig)
        tried.append(node)
        rig.refuse(node, only(rig.sent(node)), code)
    node = where(rig)
    tried.append(node)
    rig.answer(node, only(rig.sent(node)), EventAck())
    assert only(rig.got(peer)) == EventAck()
    assert len(set(tried)) == 3


def test_with_all_of_them_busy_it_is_busy() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, request())
    for _ in range(3):
        node = where(rig)
        rig.refuse(node, only(rig.sent(node)), Code.BUSY)
    assert only(rig.got(peer)).error_code == Code.BUSY
    for name in (EAST, NORTH, WEST):
        rig.core.link(name).full = True
    rig.ask(peer, request())
    assert only(rig.got(peer)).error_code == Code.BUSY


def test_any_other_refusal_is_the_answer() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, request())
    node = where(rig)
    rig.refuse(node, only(rig.sent(node)), Code.USER_DATA_TOO_LARGE)
    assert only(rig.got(peer)).error_code == Code.USER_DATA_TOO_LARGE


def test_one_that_goes_silent_or_away_may_have_done_it() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, request())
    rig.lose(where(rig))
    answer = only(rig.got(peer))
    assert (answer.error_code, answer.in_doubt) == (Code.LOST_CONNECTION, True)
    rig.to_node = {name: [] for name in rig.to_node}
    rig.ask(peer, request())
    where(rig)
    rig.tick(31.0)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION


def test_nobody_is_asked_for_who_has_gone() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, request())
    node = where(rig)
    frame = rig.sent(node)[0]
    rig.hang_up(peer)
    for name in rig.to_node:
        rig.sent(name)
    rig.refuse(node, frame, Code.BUSY)
    assert not any(rig.to_node.values())


class _Broken:
    def rank(self, draft: Any, nodes: Any) -> Any:
        raise ValueError("no idea")


def test_a_strategy_that_fails_is_named_and_the_request_is_refused() -> None:
    rig = Rig(routing=_Broken())
    peer = rig.client()
    rig.ask(peer, request())
    assert only(rig.got(peer)).error_code == Code.STRATEGY_FAILED
    assert any("no idea" in repr(effect) for effect in rig.effects)
