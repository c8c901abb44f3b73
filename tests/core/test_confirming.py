"""Sessions that a downstream proxy replays: on all nodes, or undone."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.confirming import confirmed
from ixproxy.core.lacking import FIRST_PAUSE
from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestAgentLogout, RequestConfirmSession
from ixproxy.values import NodeName, rendezvous
from ixproxy.wire.names import Kind
from tests.core.chained import Inner
from tests.core.rig import EAST, NORTH, TENANT, WEST, decode, only

STAMP = (7, 101)
HOME, *OTHERS = rendezvous(f"{TENANT}/ann", (EAST, NORTH, WEST))


def confirmation(**more: Any) -> RequestConfirmSession:
    values: dict[str, Any] = {
        "tenant_id": TENANT, "agent_id": "ann", "place_id": "p1", "agent_session": STAMP,
        "media_list": {"email": 1}, **more,
    }  # fmt: skip
    return RequestConfirmSession(**values)


TOLD_AGAIN = confirmation(extension={"Replayed": 1})
"""What a node is told that did not hear it, or is back."""


def replayed(**more: Any) -> Inner:
    """A downstream proxy that came from another inner proxy replays a session."""
    rig = Inner(**more)
    rig.ask(rig.edge, confirmation(), client=rig.numbers_at_edge[0])
    return rig


def accept_all(rig: Inner, *nodes: NodeName) -> None:
    for node in nodes:
        rig.answer(node, only(rig.sent(node)), EventAck(agent_session=STAMP))


def test_an_unknown_session_goes_to_the_home_node_and_then_to_all_others() -> None:
    rig = replayed()
    assert {node for node, frames in rig.to_node.items() if frames} == {HOME}
    assert decode(rig.to_node[HOME][0]) == confirmation()
    accept_all(rig, HOME)
    assert not rig.got(rig.edge)
    accept_all(rig, *OTHERS)
    assert only(rig.got(rig.edge)).agent_session == STAMP
    session = only(list(rig.core._agents.sessions))
    assert (session.stamp, session.place, session.state.media) == (STAMP, "p1", {"email": 1})
    assert not rig.core._agents.busy


def test_it_is_told_to_a_node_that_returns() -> None:
    rig = replayed()
    accept_all(rig, HOME, *OTHERS)
    rig.lose(OTHERS[0])
    rig.link(OTHERS[0])
    assert decode(only(rig.sent(OTHERS[0]))) == TOLD_AGAIN


@pytest.mark.parametrize("refusing", [HOME, *OTHERS])
def test_what_one_node_refuses_is_undone_on_all_that_had_taken_it(refusing: NodeName) -> None:
    rig = replayed()
    asked = [HOME] if refusing == HOME else [HOME, *OTHERS]
    for node in asked:
        frame = only(rig.sent(node))
        if node == refusing:
            rig.refuse(node, frame, Code.STALE_SESSION)
        else:
            rig.answer(node, frame, EventAck(agent_session=STAMP))
    assert only(rig.got(rig.edge)).error_code == Code.STALE_SESSION
    undone = {node: decode(only(frames)) for node, frames in rig.to_node.items() if frames}
    assert undone.keys() == set(asked) - {refusing}
    for logout in undone.values():
        assert isinstance(logout, RequestAgentLogout)
        assert logout.agent_session == STAMP
    assert not len(rig.core._agents.sessions)


@pytest.mark.parametrize("how", ["lost", "stopping"])
@pytest.mark.parametrize("gone", [HOME, *OTHERS])
def test_a_node_that_goes_on_the_way_is_told_when_it_returns(gone: NodeName, how: str) -> None:
    rig = replayed()
    for node in (HOME, *OTHERS):
        frame = only(rig.sent(node))
        if node != gone:
            rig.answer(node, frame, EventAck(agent_session=STAMP))
        elif how == "stopping":
            rig.refuse(node, frame, Code.STOPPING)
        else:
            rig.lose(node)
    assert only(rig.got(rig.edge)).agent_session == STAMP
    if how == "lost":
        rig.link(gone)
        assert decode(only(rig.sent(gone))) == TOLD_AGAIN


@pytest.mark.parametrize("code", [Code.STORE_FAILED, Code.STORE_UNCERTAIN, Code.BUSY])
@pytest.mark.parametrize("unable", [HOME, *OTHERS])
def test_one_that_cannot_do_it_now_logs_nobody_out_and_is_told_once_more(
    unable: NodeName, code: int
) -> None:
    rig = replayed()
    for node in (HOME, *OTHERS):
        frame = only(rig.sent(node))
        if node == unable:
            rig.refuse(node, frame, code)
        else:
            rig.answer(node, frame, EventAck(agent_session=STAMP))
    assert only(rig.got(rig.edge)).agent_session == STAMP
    assert not any(rig.sent(node) for node in (HOME, *OTHERS)), "nothing is undone"
    rig.tick(FIRST_PAUSE)
    assert decode(only(rig.sent(unable))) == TOLD_AGAIN


def test_a_client_that_goes_meanwhile_leaves_nothing_behind() -> None:
    rig = replayed()
    frame = only(rig.sent(HOME))
    rig.hang_up(rig.edge)
    rig.answer(HOME, frame, EventAck(agent_session=STAMP))
    assert not rig.core._agents.busy
    assert not len(rig.core._agents.sessions)


def test_a_confirmation_adds_its_client_to_the_session_that_it_names_and_carries_it_whole() -> None:
    rig = Inner(clients=2)
    one, two = (rig.core.state.clients.peers[rig.edge].clients[n] for n in rig.numbers_at_edge)
    first = confirmed(None, confirmation(), one)
    joined = confirmed(first, confirmation(media_list={"chat": 0}), two)
    assert (joined.state.media, set(joined.clients)) == ({"chat": 0}, {one, two})
    newer = confirmed(first, confirmation(agent_session=(8, 101)), two)
    assert set(newer.clients) == {two}


def test_a_node_that_is_silent_is_told_it_once_more() -> None:
    rig = replayed()
    accept_all(rig, HOME, OTHERS[0])
    slow = OTHERS[1]
    rig.sent(slow)
    rig.tick(31.0)
    assert only(rig.got(rig.edge)).agent_session == STAMP
    rig.sent(slow)
    rig.tick(FIRST_PAUSE)
    assert decode(only(rig.sent(slow))) == TOLD_AGAIN


def test_one_that_another_node_refuses_is_undone_on_a_node_that_is_silent() -> None:
    rig = replayed()
    accept_all(rig, HOME)
    newer, slow = OTHERS
    rig.sent(slow)
    rig.refuse(newer, only(rig.sent(newer)), Code.STALE_SESSION)
    rig.tick(31.0)
    assert only(rig.got(rig.edge)).error_code == Code.STALE_SESSION
    told = only([frame for frame in rig.sent(slow) if frame.kind == Kind.REQUEST])
    assert isinstance(decode(told), RequestAgentLogout)
