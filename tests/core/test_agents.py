"""Agent sessions: on all nodes or undone."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestAddMedia,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestCancelNotReadyForMedia,
    RequestConfirmSession,
    RequestRemoveMedia,
    RequestUnregisterClient,
)
from ixproxy.messages.agents import AgentRequest
from ixproxy.values import NodeName, rendezvous
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

STAMP = (7, 101)
HOME, *OTHERS = rendezvous(f"{TENANT}/ann", (EAST, NORTH, WEST))


def login(**more: Any) -> RequestAgentLogin:
    return RequestAgentLogin(
        tenant_id=TENANT, agent_id="ann", place_id="p1", media_list={"email": 1}, **more
    )


def step(rig: Rig, nodes: list[NodeName], expected: type[AgentRequest]) -> None:
    """Each of `nodes` was asked one thing, and does it."""
    for node in nodes:
        frame = only(rig.sent(node))
        assert isinstance(decode(frame), expected)
        rig.answer(node, frame, EventAck(agent_session=STAMP))


def logged_in(rig: Rig, peer: int) -> None:
    rig.ask(peer, login())
    step(rig, [HOME], RequestAgentLogin)
    step(rig, OTHERS, RequestAgentLogin)
    step(rig, [HOME], RequestConfirmSession)
    step(rig, OTHERS, RequestConfirmSession)
    assert only(rig.got(peer)).agent_session == STAMP


def test_a_login_is_provisional_everywhere_before_the_home_node_confirms_it() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    frame = only(rig.sent(HOME))
    assert decode(frame) == login(provisional=True)
    assert not any(rig.to_node.values()), "the home node is asked alone"
    rig.answer(HOME, frame, EventAck(agent_session=STAMP))
    for node in OTHERS:
        request = decode(rig.to_node[node][0])
        assert request == login(provisional=True, agent_session=STAMP)
    step(rig, OTHERS, RequestAgentLogin)
    assert not rig.got(peer)
    confirmation = decode(rig.to_node[HOME][0])
    assert confirmation.agent_session == STAMP
    assert confirmation.media_list == {"email": 1}
    step(rig, [HOME], RequestConfirmSession)
    assert not rig.got(peer), "all nodes know the session before its client does"
    step(rig, OTHERS, RequestConfirmSession)
    assert only(rig.got(peer)) == EventAck(agent_session=STAMP)


@pytest.mark.parametrize("refusing", [HOME, *OTHERS])
def test_a_refusal_anywhere_undoes_all_and_gives_one_error(refusing: NodeName) -> None:
    """Test idea 27, the proxy's half: one error, and every node that accepted is told."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    if refusing != HOME:
        step(rig, [HOME], RequestAgentLogin)
    for node in [HOME] if refusing == HOME else OTHERS:
        frame = only(rig.sent(node))
        if node == refusing:
            rig.refuse(node, frame, Code.NO_LICENCE)
        else:
            rig.answer(node, frame, EventAck(agent_session=STAMP))
    assert only(rig.got(peer)).error_code == Code.NO_LICENCE
    undone = {node for node, frames in rig.to_node.items() if frames}
    accepted = {HOME, *OTHERS} - {refusing} if refusing != HOME else set()
    assert undone == accepted
    for node in undone:
        logout = decode(only(rig.to_node[node]))
        assert isinstance(logout, RequestAgentLogout)
        assert logout.agent_session == STAMP
    for node in undone:
        rig.answer(node, only(rig.sent(node)), EventAck())
    logged_in(rig, peer)


def test_a_second_login_under_way_is_in_progress() -> None:
    """Test idea 28: 2004, and the first goes on."""
    rig = Rig()
    peer, other = rig.client(), rig.client()
    rig.ask(peer, login())
    rig.ask(other, login())
    assert only(rig.got(other)).error_code == Code.IN_PROGRESS
    step(rig, [HOME], RequestAgentLogin)
    step(rig, OTHERS, RequestAgentLogin)
    step(rig, [HOME], RequestConfirmSession)
    step(rig, OTHERS, RequestConfirmSession)
    assert only(rig.got(peer)).agent_session == STAMP


def test_a_node_lost_in_the_middle_counts_as_away_and_is_told_when_it_returns() -> None:
    """Test idea 29: node drops in mid-login, and comes back."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    step(rig, [HOME], RequestAgentLogin)
    gone, left = OTHERS
    rig.lose(gone)
    step(rig, [left], RequestAgentLogin)
    step(rig, [HOME], RequestConfirmSession)
    step(rig, [left], RequestConfirmSession)
    assert only(rig.got(peer)).agent_session == STAMP
    rig.link(gone)
    assert not rig.core.link(gone).linked, "it is not offered before it knows the agents"
    step(rig, [gone], RequestConfirmSession)
    assert rig.core.link(gone).linked


@pytest.mark.parametrize("phase", ["login", "others", "confirm"])
def test_the_home_node_lost_is_in_doubt_and_undone_elsewhere(phase: str) -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    if phase != "login":
        step(rig, [HOME], RequestAgentLogin)
    if phase == "confirm":
        step(rig, OTHERS, RequestAgentLogin)
    if phase == "others":
        step(rig, OTHERS[:1], RequestAgentLogin)
    rig.lose(HOME)
    if phase == "others":
        step(rig, OTHERS[1:], RequestAgentLogin)
    error = only(rig.got(peer))
    assert isinstance(error, EventError)
    assert error.error_code == Code.LOST_CONNECTION
    if phase != "login":
        for node in OTHERS:
            assert isinstance(decode(only(rig.sent(node))), RequestAgentLogout)


def test_media_go_to_the_home_node_and_then_to_all() -> None:
    rig = Rig()
    peer = rig.client()
    logged_in(rig, peer)
    request = RequestAddMedia(tenant_id=TENANT, agent_id="ann", media_type_name="chat")
    rig.ask(peer, request)
    step(rig, [HOME], RequestAddMedia)
    step(rig, OTHERS, RequestAddMedia)
    assert only(rig.got(peer)) == EventAck(agent_session=STAMP)
    rig.lose(OTHERS[0])
    rig.link(OTHERS[0])
    replayed = decode(only(rig.sent(OTHERS[0])))
    assert replayed.media_list == {"email": 1, "chat": 0}


def test_a_change_that_one_node_refuses_is_undone_by_its_opposite() -> None:
    rig = Rig()
    peer = rig.client()
    logged_in(rig, peer)
    rig.ask(peer, RequestAddMedia(tenant_id=TENANT, agent_id="ann", media_type_name="chat"))
    step(rig, [HOME], RequestAddMedia)
    step(rig, OTHERS[:1], RequestAddMedia)
    rig.refuse(OTHERS[1], only(rig.sent(OTHERS[1])), Code.UNKNOWN_MEDIA_TYPE)
    assert only(rig.got(peer)).error_code == Code.UNKNOWN_MEDIA_TYPE
    for node in (HOME, OTHERS[0]):
        assert isinstance(decode(only(rig.sent(node))), RequestRemoveMedia)


def test_a_logout_ends_the_session_everywhere() -> None:
    rig = Rig()
    peer = rig.client()
    logged_in(rig, peer)
    rig.ask(peer, RequestAgentLogout(tenant_id=TENANT, agent_id="ann"))
    assert decode(rig.to_node[HOME][0]).agent_session == STAMP
    step(rig, [HOME], RequestAgentLogout)
    step(rig, OTHERS, RequestAgentLogout)
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.lose(WEST)
    rig.link(WEST)
    assert rig.core.link(WEST).linked, "nothing is left to be replayed"


def test_an_agent_whose_client_goes_in_the_middle_can_log_in_again() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    frame = only(rig.sent(HOME))
    rig.hang_up(peer)
    rig.answer(HOME, frame, EventAck(agent_session=STAMP))
    for node in (HOME, *OTHERS):
        rig.accept(node)
        rig.sent(node)
    logged_in(rig, rig.client())


def test_a_change_without_any_node_is_not_accessible() -> None:
    rig = Rig(link=False)
    peer = rig.client()
    rig.ask(
        peer,
        RequestCancelNotReadyForMedia(tenant_id=TENANT, agent_id="ann", media_type_name="chat"),
    )
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


def test_sessions_are_replayed_some_at_a_time() -> None:
    """Test idea 36, the pace: a returning node has at most a window of replays to answer."""
    rig = Rig(replay_window=2)
    peer = rig.client()
    for number in range(5):
        rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id=f"a{number}"))
        for _ in range(4):
            for node in (EAST, NORTH, WEST):
                for frame in rig.sent(node):
                    rig.answer(node, frame, EventAck(agent_session=(number + 1, 101)))
    assert len(rig.got(peer)) == 5
    rig.lose(WEST)
    rig.link(WEST)
    replayed = 0
    while frames := rig.sent(WEST):
        assert len(frames) <= 2
        replayed += len(frames)
        for frame in frames:
            rig.answer(WEST, frame, EventAck())
    assert replayed == 5
    assert rig.core.link(WEST).linked


def test_a_login_that_the_home_node_does_not_stamp_breaks_its_link_and_is_in_doubt() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    rig.answer(HOME, only(rig.sent(HOME)), EventAck())
    assert not rig.core.link(HOME).linked
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.link(HOME)
    logged_in(rig, peer)


def test_a_change_is_undone_only_where_its_client_is_still_known() -> None:
    rig = Rig()
    peer = rig.client()
    logged_in(rig, peer)
    rig.ask(peer, RequestAddMedia(tenant_id=TENANT, agent_id="ann", media_type_name="chat"))
    step(rig, [HOME], RequestAddMedia)
    rig.lose(HOME)
    rig.core.node_connected(HOME, rig.now)
    rig.pump()
    greeting = only(rig.sent(HOME))
    rig.answer(HOME, greeting, rig._registered(HOME, decode(greeting)))
    rig.refuse(HOME, only(rig.sent(HOME)), Code.NOT_ALLOWED)
    assert rig.core.link(HOME).linked, "the client is refused there, the node is not"
    rig.refuse(OTHERS[0], only(rig.sent(OTHERS[0])), Code.NO_LICENCE)
    rig.answer(OTHERS[1], only(rig.sent(OTHERS[1])), EventAck())
    assert only(rig.got(peer)).error_code == Code.NO_LICENCE
    assert not rig.sent(HOME)
    assert isinstance(decode(only(rig.sent(OTHERS[1]))), RequestRemoveMedia)


@pytest.mark.parametrize("how", ["goodbye", "hang up"])
def test_no_session_is_kept_for_a_client_that_left(how: str) -> None:
    rig = Rig()
    peer = rig.client()
    logged_in(rig, peer)
    if how == "goodbye":
        rig.ask(peer, RequestUnregisterClient())
    else:
        rig.hang_up(peer)
    assert len(rig.core._agents.sessions) == 0
    for node in (HOME, *OTHERS):
        rig.accept(node)
    rig.lose(WEST)
    rig.link(WEST)
    assert rig.core.link(WEST).linked, "there is nothing to replay"


@pytest.mark.parametrize("lost", [True, False])
def test_a_change_whose_client_left_ends_with_the_next_word_of_a_node(lost: bool) -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    frame = only(rig.sent(HOME))
    rig.hang_up(peer)
    for node in (HOME, *OTHERS):
        rig.accept(node)
        rig.sent(node)
    if lost:
        rig.lose(HOME)
    else:
        rig.answer(HOME, frame, EventAck(agent_session=STAMP))
    assert not any(rig.to_node.values())
    assert not rig.core._agents.busy
    assert len(rig.core._agents.sessions) == 0


def test_a_login_that_takes_too_long_is_in_doubt_and_can_be_repeated() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    rig.sent(HOME)
    rig.tick(31.0)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.sent(HOME)
    logged_in(rig, peer)


def test_who_joins_a_session_adds_to_its_media_and_a_node_that_was_away_learns_them_all() -> None:
    rig = Rig()
    first, second = rig.client(), rig.client()
    rig.lose(OTHERS[0])
    for peer, media in ((first, {"email": 1}), (second, {"chat": 0})):
        rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id="ann", media_list=media))
        step(rig, [HOME], RequestAgentLogin)
        step(rig, OTHERS[1:], RequestAgentLogin)
        step(rig, [HOME], RequestConfirmSession)
        step(rig, OTHERS[1:], RequestConfirmSession)
        ack, *told = rig.got(peer)
        assert ack.agent_session == STAMP
        assert [each.media_type_name for each in told] == ([] if peer == first else ["email"])
    rig.link(OTHERS[0])
    frames = rig.sent(OTHERS[0])
    assert [frame.client for frame in frames] == [3, 4], "once for each of its clients"
    assert all(decode(frame).media_list == {"email": 1, "chat": 0} for frame in frames)
