"""Agent sessions told to a node that came back."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.agent_sessions import AgentSession
from ixproxy.core.agent_states import AgentState
from ixproxy.core.unanswered import PAUSE
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConfirmSession,
    RequestDoNotDisturbOn,
)
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame
from tests.core.chained import UPSTREAM, Outer
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_standing import subscribe


def with_agents(count: int, **settings: Any) -> Rig:
    rig = Rig(**settings)
    peer = rig.client()
    for number in range(count):
        rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id=f"a{number}"))
        for _ in range(4):
            for node in (EAST, NORTH, WEST):
                for frame in rig.sent(node):
                    rig.answer(node, frame, EventAck(agent_session=(number + 1, 101)))
    assert len(rig.got(peer)) == count
    return rig


def test_a_node_is_offered_only_when_it_knows_every_session() -> None:
    rig = with_agents(3, replay_window=2)
    rig.lose(EAST)
    rig.link(EAST)
    told = 0
    while frames := rig.sent(EAST):
        assert not rig.core.link(EAST).linked
        assert len(frames) <= 2
        for frame in frames:
            assert isinstance(decode(frame), RequestConfirmSession)
            rig.answer(EAST, frame, EventAck())
            told += 1
    assert told == 3
    assert rig.core.link(EAST).linked


def test_a_session_that_the_node_refuses_is_noted_and_does_not_keep_it_out() -> None:
    rig = with_agents(1)
    rig.lose(EAST)
    rig.link(EAST)
    rig.refuse(EAST, only(rig.sent(EAST)), Code.PLACE_OCCUPIED)
    assert rig.core.link(EAST).linked
    assert any("refused a replayed" in getattr(effect, "format", "") for effect in rig.effects)


def test_a_node_lost_in_the_middle_begins_again() -> None:
    rig = with_agents(2, replay_window=1)
    rig.lose(EAST)
    rig.link(EAST)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    rig.lose(EAST)
    rig.link(EAST)
    for _ in range(2):
        rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    assert rig.core.link(EAST).linked


def test_a_node_that_keeps_silent_in_the_middle_is_not_waited_for_for_ever() -> None:
    rig = with_agents(1)
    rig.lose(EAST)
    rig.link(EAST)
    rig.tick(31.0)
    assert rig.core.link(EAST).linked


def test_each_client_of_a_session_is_told_and_it_outlasts_the_first_of_them() -> None:
    rig = Rig()
    peers = [rig.client(), rig.client()]
    for peer in peers:
        rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id="ann"))
        for _ in range(4):
            for node in (EAST, NORTH, WEST):
                for frame in rig.sent(node):
                    rig.answer(node, frame, EventAck(agent_session=(7, 101)))
    rig.lose(EAST)
    rig.link(EAST)
    assert [frame.client for frame in rig.sent(EAST)] == [3, 4]


def test_a_session_that_began_meanwhile_is_told_before_the_node_is_offered() -> None:
    """Test idea 29: a login is decided while the node is being told of others."""
    rig = with_agents(1)
    peer = next(iter(rig.to_peer))
    rig.lose(EAST)
    rig.link(EAST)
    waiting = only(rig.sent(EAST))
    rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id="late"))
    for _ in range(4):
        for node in (NORTH, WEST):
            for frame in rig.sent(node):
                rig.answer(node, frame, EventAck(agent_session=(9, 102)))
    assert only(rig.got(peer)).agent_session == (9, 102)
    rig.answer(EAST, waiting, EventAck())
    assert not rig.core.link(EAST).linked
    late = only(rig.sent(EAST))
    assert decode(late).agent_id == "late"
    rig.answer(EAST, late, EventAck())
    assert rig.core.link(EAST).linked


def test_a_node_that_joins_while_a_login_is_decided_is_told_of_it_like_the_others() -> None:
    rig = with_agents(0)
    peer = rig.client()
    rig.lose(EAST)
    rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id="ann"))
    frames = {}
    for node in (NORTH, WEST):
        for frame in rig.sent(node):
            frames[node] = frame
    rig.link(EAST)
    assert rig.core.link(EAST).linked
    for node, frame in frames.items():
        rig.answer(node, frame, EventAck(agent_session=(9, 102)))
    told = []
    for _ in range(4):
        for node in (EAST, NORTH, WEST):
            for frame in rig.sent(node):
                told.append((node, type(decode(frame))))
                rig.answer(node, frame, EventAck(agent_session=(9, 102)))
    assert (EAST, RequestConfirmSession) in told
    assert only(rig.got(peer)).agent_session == (9, 102)


def outer_with_agent() -> tuple[Outer, int]:
    rig = Outer()
    peer = rig.client()
    rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id="ann", media_list={"email": 1}))
    for _ in range(2):
        rig.answer(UPSTREAM, only(rig.sent(UPSTREAM)), EventAck(agent_session=(7, 101)))
    rig.got(peer)
    rig.lose(UPSTREAM)
    rig.link(UPSTREAM)
    return rig, peer


def test_an_agent_that_an_upstream_proxy_has_undone_is_told_that_it_is_logged_out() -> None:
    rig, peer = outer_with_agent()
    rig.refuse(UPSTREAM, only(rig.sent(UPSTREAM)), Code.STALE_SESSION)
    event = only(rig.got(peer))
    assert (event.agent_id, event.agent_session) == ("ann", (7, 101))
    assert (event.agent_state_change_operation, event.extension) == ("Logout", {"Proxy": "edge"})
    assert not len(rig.core._agents.sessions)
    assert rig.core.link(UPSTREAM).linked


@pytest.mark.parametrize("code", [Code.BUSY, Code.STOPPING, Code.NOT_ACCESSIBLE])
def test_an_upstream_proxy_that_cannot_be_asked_now_has_undone_nothing(code: int) -> None:
    rig, peer = outer_with_agent()
    rig.refuse(UPSTREAM, only(rig.sent(UPSTREAM)), code)
    assert not rig.got(peer)
    assert len(rig.core._agents.sessions) == 1


def test_a_node_that_knows_a_newer_session_ends_the_older_everywhere() -> None:
    """The newer session wins, whichever node knew of it first."""
    rig = with_agents(1)
    peer = next(iter(rig.to_peer))
    rig.lose(EAST)
    rig.link(EAST)
    rig.refuse(EAST, only(rig.sent(EAST)), Code.STALE_SESSION)
    event = only(rig.got(peer))
    assert (event.agent_id, event.agent_session) == ("a0", (1, 101))
    assert event.agent_state_change_operation == "Logout"
    for node in (NORTH, WEST):
        assert decode(only(rig.sent(node))) == RequestAgentLogout(
            tenant_id=TENANT, agent_id="a0", agent_session=(1, 101), extension={"ByServer": 1}
        )
    assert not len(rig.core._agents.sessions)
    assert rig.core.link(EAST).linked


def test_what_changes_while_a_node_is_told_is_told_again() -> None:
    """A session told already, and changed before the node is offered for work."""
    rig = with_agents(2, replay_window=1)
    peer = next(iter(rig.to_peer))
    rig.lose(EAST)
    rig.link(EAST)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    second = only(rig.sent(EAST))
    rig.ask(peer, RequestDoNotDisturbOn(tenant_id=TENANT, agent_id="a0"))
    for _ in range(2):
        for node in (NORTH, WEST):
            for frame in rig.sent(node):
                rig.answer(node, frame, EventAck(agent_session=(1, 101)))
    rig.answer(EAST, second, EventAck())
    again = only(rig.sent(EAST))
    assert (decode(again).agent_id, decode(again).donot_disturb) == ("a0", 1)
    rig.answer(EAST, again, EventAck())
    assert rig.core.link(EAST).linked


def test_who_logs_out_while_a_node_is_told_is_out_there_too() -> None:
    """Test idea 30, with the node half back."""
    rig = with_agents(2, replay_window=1)
    peer = next(iter(rig.to_peer))
    rig.lose(EAST)
    rig.link(EAST)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    second = only(rig.sent(EAST))
    rig.ask(peer, RequestAgentLogout(tenant_id=TENANT, agent_id="a0"))
    for _ in range(2):
        for node in (NORTH, WEST):
            for frame in rig.sent(node):
                rig.answer(node, frame, EventAck())
    rig.answer(EAST, second, EventAck())
    logout = only(rig.sent(EAST))
    assert isinstance(decode(logout), RequestAgentLogout)
    rig.answer(EAST, logout, EventAck())
    assert rig.core.link(EAST).linked


def test_five_thousand_agents_are_told_a_window_at_a_time() -> None:
    """Test idea 36: the node never has more than a window of replays to answer."""
    rig = Rig(replay_window=50)
    rig.client()
    (client,) = rig.core.state.clients
    for number in range(5000):
        state = AgentState({"email": 1})
        session = AgentSession(TENANT, f"a{number}", (1, 101), "", state, {client: state})
        rig.core._agents.sessions.keep(session)
    rig.lose(EAST)
    rig.link(EAST)
    told = 0
    while frames := rig.sent(EAST):
        assert rig.core.link(EAST).pending.count <= 50
        assert not rig.core.link(EAST).linked
        told += len(frames)
        for frame in frames:
            rig.answer(EAST, frame, EventAck())
    assert told == 5000
    assert rig.core.link(EAST).linked


def test_a_topic_that_a_node_refuses_is_noted_and_does_not_keep_it_out() -> None:
    rig = with_agents(0)
    peer = rig.client()
    rig.ask(peer, subscribe("1@p1"))
    for node in (EAST, NORTH, WEST):
        rig.answer(node, only(rig.sent(node)), EventAck())
    rig.lose(EAST)
    rig.link(EAST)
    rig.refuse(EAST, only(rig.sent(EAST)), Code.LIMIT_REACHED)
    assert rig.core.link(EAST).linked
    assert any("which other nodes took" in getattr(e, "format", "") for e in rig.effects)


def logged_out_while_away() -> Rig:
    """An agent logs out while one node is away, which is back and is told."""
    rig = with_agents(1)
    peer = next(iter(rig.to_peer))
    rig.lose(EAST)
    rig.ask(peer, RequestAgentLogout(tenant_id=TENANT, agent_id="a0"))
    for _ in range(2):
        for node in (NORTH, WEST):
            for frame in rig.sent(node):
                rig.answer(node, frame, EventAck())
    rig.link(EAST)
    return rig


def told_to_log_out(rig: Rig) -> Frame:
    frame: Frame = only([each for each in rig.sent(EAST) if each.kind == Kind.REQUEST])
    assert isinstance(decode(frame), RequestAgentLogout)
    return frame


def test_a_logout_is_told_again_to_a_node_that_goes_before_it_answers() -> None:
    rig = logged_out_while_away()
    told_to_log_out(rig)
    rig.lose(EAST)
    rig.link(EAST)
    rig.answer(EAST, told_to_log_out(rig), EventAck())
    assert not len(rig.core._agents.sessions.absences)


@pytest.mark.parametrize("how", ["refuses", "is silent"])
def test_a_logout_that_a_node_does_not_do_keeps_it_not_out_and_is_told_later(how: str) -> None:
    rig = logged_out_while_away()
    frame = told_to_log_out(rig)
    if how == "refuses":
        rig.refuse(EAST, frame, Code.STORE_FAILED)
    else:
        rig.tick(31.0)
    assert rig.core.link(EAST).linked
    rig.sent(EAST)
    rig.tick(2 * PAUSE)
    rig.answer(EAST, told_to_log_out(rig), EventAck())
    assert not len(rig.core._agents.sessions.absences)
