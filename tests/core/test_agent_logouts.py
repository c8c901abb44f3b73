"""Logouts: done where they can be, and remembered where they cannot."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestAgentLogout
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_agents import HOME, OTHERS, STAMP, logged_in, login, step

LOGOUT = RequestAgentLogout(tenant_id=TENANT, agent_id="ann")
NAMED = RequestAgentLogout(tenant_id=TENANT, agent_id="ann", agent_session=STAMP)


def with_agent() -> tuple[Rig, int]:
    rig = Rig()
    peer = rig.client()
    logged_in(rig, peer)
    return rig, peer


def test_a_node_that_was_away_is_told_when_it_returns() -> None:
    """Test idea 30: logout while a node is away, which returns and believes the agent there."""
    rig, peer = with_agent()
    rig.lose(OTHERS[0])
    rig.ask(peer, LOGOUT)
    step(rig, [HOME], RequestAgentLogout)
    step(rig, OTHERS[1:], RequestAgentLogout)
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.link(OTHERS[0])
    assert not rig.core.link(OTHERS[0]).linked, "it is not offered before it has heard of it"
    frame = only(rig.sent(OTHERS[0]))
    assert (decode(frame), frame.client) == (NAMED, 2), "in the client's name alone"
    rig.refuse(OTHERS[0], frame, Code.STALE_SESSION)
    assert rig.core.link(OTHERS[0]).linked
    rig.lose(OTHERS[0])
    rig.link(OTHERS[0])
    assert rig.core.link(OTHERS[0]).linked, "it is told once"


def test_the_logout_goes_before_the_sessions_that_began_since() -> None:
    """The agent's place may be another one's by now."""
    rig, peer = with_agent()
    rig.lose(OTHERS[0])
    rig.ask(peer, LOGOUT)
    step(rig, [HOME], RequestAgentLogout)
    step(rig, OTHERS[1:], RequestAgentLogout)
    newer = (9, 102)
    rig.got(peer)
    rig.ask(peer, login())
    for _ in range(4):
        for node in (EAST, NORTH, WEST):
            for frame in rig.sent(node):
                rig.answer(node, frame, EventAck(agent_session=newer))
    rig.link(OTHERS[0])
    told = []
    while frames := rig.sent(OTHERS[0]):
        for frame in frames:
            told.append(decode(frame))
            rig.answer(OTHERS[0], frame, EventAck())
    assert [each.agent_session for each in told] == [STAMP, newer]


@pytest.mark.parametrize("gone", [HOME, *OTHERS])
def test_a_node_lost_on_the_way_is_told_too(gone: str) -> None:
    rig, peer = with_agent()
    rig.ask(peer, LOGOUT)
    for node in (HOME, *OTHERS):
        frame = only(rig.sent(node))
        if node == gone:
            rig.lose(node)
        else:
            rig.answer(node, frame, EventAck())
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.link(gone)  # type: ignore[arg-type]
    assert decode(only(rig.sent(gone))) == NAMED  # type: ignore[arg-type]


def test_with_all_nodes_lost_it_is_in_doubt_and_done_when_they_return() -> None:
    rig, peer = with_agent()
    rig.ask(peer, LOGOUT)
    for node in (EAST, NORTH, WEST):
        rig.lose(node)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    assert not len(rig.core._agents.sessions)
    rig.link(EAST)
    assert decode(only(rig.sent(EAST))) == NAMED


@pytest.mark.parametrize("code", [Code.NOT_LOGGED_IN_FOR_LOGOUT, Code.STALE_SESSION])
@pytest.mark.parametrize("node", [HOME, *OTHERS])
def test_a_node_that_does_not_know_the_session_has_nothing_to_do(node: str, code: int) -> None:
    rig, peer = with_agent()
    rig.ask(peer, LOGOUT)
    for each in (HOME, *OTHERS):
        frame = only(rig.sent(each))
        if each == node:
            rig.refuse(each, frame, code)
        else:
            rig.answer(each, frame, EventAck())
    assert isinstance(only(rig.got(peer)), EventAck)
    assert not len(rig.core._agents.sessions)
    assert not len(rig.core._agents.sessions.absences)


def test_what_a_node_refuses_for_another_reason_is_noted_and_told_again() -> None:
    rig, peer = with_agent()
    rig.ask(peer, LOGOUT)
    for each in (HOME, *OTHERS):
        frame = only(rig.sent(each))
        if each == HOME:
            rig.refuse(each, frame, Code.STORE_FAILED)
        else:
            rig.answer(each, frame, EventAck())
    assert isinstance(only(rig.got(peer)), EventAck)
    assert any("did not follow" in getattr(effect, "format", "") for effect in rig.effects)
    rig.lose(HOME)
    rig.link(HOME)
    assert decode(only(rig.sent(HOME))) == NAMED


def test_who_is_not_logged_in_here_gets_what_the_home_node_says() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, LOGOUT)
    rig.refuse(HOME, only(rig.sent(HOME)), Code.NOT_LOGGED_IN_FOR_LOGOUT)
    assert only(rig.got(peer)).error_code == Code.NOT_LOGGED_IN_FOR_LOGOUT
    assert not any(rig.to_node.values())


def test_a_node_that_is_away_is_told_also_where_only_the_home_node_knew_the_session() -> None:
    """The client came from another proxy, and has not logged in again here."""
    rig = Rig()
    peer = rig.client()
    rig.lose(OTHERS[-1])
    rig.ask(peer, LOGOUT)
    for each in (HOME, *OTHERS[:-1]):
        rig.answer(each, only(rig.sent(each)), EventAck(agent_session=STAMP))
    assert only(rig.got(peer)) == EventAck(agent_session=STAMP)
    rig.link(OTHERS[-1])
    assert decode(only(rig.sent(OTHERS[-1]))) == NAMED


def test_a_late_logout_of_the_old_session_does_not_touch_the_new_one() -> None:
    """Test idea 38: late logout from the old session after the new login."""
    rig, peer = with_agent()
    rig.ask(peer, RequestAgentLogout(tenant_id=TENANT, agent_id="ann", agent_session=(6, 101)))
    assert only(rig.got(peer)).error_code == Code.STALE_SESSION
    assert not any(rig.to_node.values())
    other = rig.client()
    rig.ask(other, RequestAgentLogout(tenant_id=TENANT, agent_id="ann", agent_session=(6, 101)))
    rig.refuse(HOME, only(rig.sent(HOME)), Code.STALE_SESSION)
    assert only(rig.got(other)).error_code == Code.STALE_SESSION
    assert only(list(rig.core._agents.sessions)).stamp == STAMP


def test_a_client_that_goes_meanwhile_leaves_nothing_behind() -> None:
    rig, peer = with_agent()
    rig.ask(peer, LOGOUT)
    rig.sent(HOME)
    rig.hang_up(peer)
    rig.lose(HOME)
    assert not rig.core._agents.busy
    assert not len(rig.core._agents.sessions.absences)
