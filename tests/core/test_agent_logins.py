"""Logins: decided by the home node, and undone where a newer session is known."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventForcedAgentStateChange,
    Reason,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConfirmSession,
    RequestRegisterClient,
)
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from tests.core.rig import TENANT, Rig, decode, only
from tests.core.test_agents import HOME, OTHERS, STAMP, logged_in, login, step

WHY = Reason(reason_system_name="shift")
UNDONE = RequestAgentLogout(tenant_id=TENANT, agent_id="ann", agent_session=STAMP)


def decided(rig: Rig, peer: int, **more: Any) -> None:
    """The home node has confirmed a login; the others are asked to follow."""
    rig.ask(peer, login(**more))
    step(rig, [HOME], RequestAgentLogin)
    step(rig, OTHERS, RequestAgentLogin)
    step(rig, [HOME], RequestConfirmSession)


def test_the_confirmation_carries_the_reason_of_the_login() -> None:
    """So that the events that nodes report have it."""
    rig = Rig()
    peer = rig.client()
    decided(rig, peer, reason=WHY)
    for node in OTHERS:
        assert decode(only(rig.sent(node))).reason == WHY


@pytest.mark.parametrize("code", [Code.STALE_SESSION, Code.NO_LICENCE])
def test_a_node_that_knows_a_newer_session_or_has_no_seat_ends_this_one_everywhere(
    code: int,
) -> None:
    """Test idea 32: of two logins through two proxies the newer stands."""
    rig = Rig()
    peer = rig.client()
    decided(rig, peer)
    rig.refuse(OTHERS[0], only(rig.sent(OTHERS[0])), code)
    rig.answer(OTHERS[1], only(rig.sent(OTHERS[1])), EventAck(agent_session=STAMP))
    assert only(rig.got(peer)).error_code == code
    assert not len(rig.core._agents.sessions)
    for node in (HOME, OTHERS[1]):
        assert UNDONE in [decode(frame) for frame in rig.sent(node)]


def test_any_other_refusal_after_the_decision_is_noted_and_changes_nothing() -> None:
    rig = Rig()
    peer = rig.client()
    decided(rig, peer)
    rig.refuse(OTHERS[0], only(rig.sent(OTHERS[0])), Code.PLACE_OCCUPIED)
    rig.answer(OTHERS[1], only(rig.sent(OTHERS[1])), EventAck(agent_session=STAMP))
    assert only(rig.got(peer)).agent_session == STAMP
    assert any("did not follow" in getattr(effect, "format", "") for effect in rig.effects)


def test_a_home_node_lost_while_it_decides_is_told_that_it_was_undone() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    step(rig, [HOME], RequestAgentLogin)
    step(rig, OTHERS, RequestAgentLogin)
    rig.lose(HOME)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.link(HOME)
    assert decode(only(rig.sent(HOME))) == UNDONE


def test_a_repeated_login_that_is_refused_takes_nothing_away() -> None:
    rig = Rig()
    peer = rig.client()
    logged_in(rig, peer)
    rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id="ann", media_list={"chat": 1}))
    step(rig, [HOME], RequestAgentLogin)
    rig.refuse(OTHERS[0], only(rig.sent(OTHERS[0])), Code.UNKNOWN_MEDIA_TYPE)
    rig.answer(OTHERS[1], only(rig.sent(OTHERS[1])), EventAck(agent_session=STAMP))
    assert only(rig.got(peer)).error_code == Code.UNKNOWN_MEDIA_TYPE
    assert not any(rig.to_node.values())
    session = only(list(rig.core._agents.sessions))
    assert (session.stamp, session.state.media) == (STAMP, {"email": 1})


def test_a_client_that_hears_of_its_end_before_its_login_is_answered_hears_it_after() -> None:
    rig = Rig()
    peer = rig.client()
    decided(rig, peer)
    ended = EventForcedAgentStateChange(
        tenant_id=TENANT,
        agent_id="ann",
        agent_session=STAMP,
        agent_state_change_operation="Logout",
    )
    rig.from_node(HOME, encode(ended, client=1))
    assert not rig.got(peer)
    step(rig, OTHERS, RequestConfirmSession)
    ack, told = rig.got(peer)
    assert (ack.agent_session, told) == (STAMP, ended)
    assert not len(rig.core._agents.sessions)
    assert not rig.sent(HOME)
    for node in OTHERS:
        assert decode(only(rig.sent(node))) == replace(UNDONE, extension={"ByServer": 2})


@pytest.mark.parametrize("phase", ["others", "confirm"])
def test_a_login_whose_client_registered_anew_meanwhile_is_undone_in_its_name(phase: str) -> None:
    """The session is the newer registration's by now, and with it what nodes have done."""
    rig = Rig()
    session = b"s" * 16
    peer = rig.client(session=session, incarnation=1)
    rig.ask(peer, login())
    step(rig, [HOME], RequestAgentLogin)
    if phase == "confirm":
        step(rig, OTHERS, RequestAgentLogin)
    waiting = {node: rig.sent(node) for node in (HOME, *OTHERS)}
    newer = rig.peer()
    again = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", session=session, incarnation=2
    )
    rig.ask(newer, again)
    for node in (HOME, *OTHERS):
        rig.accept(node)
    for node, frames in waiting.items():
        for frame in frames:
            rig.answer(node, frame, EventAck(agent_session=STAMP))
    assert only(rig.got(peer)).error_code == Code.SUPERSEDED
    assert not rig.core._agents.busy
    undone = [(f.client, decode(f)) for f in rig.sent(HOME)]
    assert (2, UNDONE) in undone


def test_a_login_that_joins_keeps_the_place_and_the_state_of_the_session() -> None:
    rig = Rig()
    first, second = rig.client(), rig.client()
    logged_in(rig, first)
    rig.ask(second, RequestAgentLogin(tenant_id=TENANT, agent_id="ann", media_list={"chat": 1}))
    step(rig, [HOME], RequestAgentLogin)
    step(rig, OTHERS, RequestAgentLogin)
    step(rig, [HOME], RequestConfirmSession)
    step(rig, OTHERS, RequestConfirmSession)
    session = only(list(rig.core._agents.sessions))
    assert session.place == "p1"
    assert session.state.media == {"email": 1, "chat": 1}
    assert len(session.clients) == 2


def test_a_login_that_is_undone_is_undone_on_a_node_that_was_silent() -> None:
    """It may take the login yet, when it goes on."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login())
    step(rig, [HOME], RequestAgentLogin)
    slow, other = OTHERS
    step(rig, [other], RequestAgentLogin)
    rig.sent(slow)
    rig.tick(31.0)
    rig.tick(0.25)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.tick(0.25)
    told = only([frame for frame in rig.sent(slow) if frame.kind == Kind.REQUEST])
    assert decode(told) == UNDONE


def resumed_and_refused(code: int) -> tuple[Rig, int]:
    """A client that was on another proxy names its session, and the home node refuses it."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login(agent_session=STAMP))
    rig.refuse(HOME, only(rig.sent(HOME)), code)
    assert only(rig.got(peer)).error_code == code
    return rig, peer


@pytest.mark.parametrize("code", [Code.NO_LICENCE, Code.PLACE_OCCUPIED, Code.ALREADY_LOGGED_IN])
def test_who_is_refused_the_session_that_it_had_is_out_on_all_nodes(code: int) -> None:
    """Nodes that were cut from the others may still have it."""
    rig, _ = resumed_and_refused(code)
    for node in (HOME, *OTHERS):
        frame = only(rig.sent(node))
        logout = decode(frame)
        assert (type(logout), logout.agent_session) == (RequestAgentLogout, STAMP)
        rig.answer(node, frame, EventAck())
    assert not len(rig.core._agents.sessions.absences)


def test_a_refusal_that_says_nothing_of_the_session_leaves_it() -> None:
    rig, _ = resumed_and_refused(Code.STORE_FAILED)
    assert not any(rig.to_node.values())
