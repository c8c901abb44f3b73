"""What nodes were told of agents and did not answer for, told once more."""

from __future__ import annotations

from typing import Any

from ixproxy.core.lacking import FIRST_PAUSE
from ixproxy.core.unanswered import PAUSE
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAddMedia,
    RequestAgentLogout,
    RequestConfirmSession,
    RequestDoNotDisturbOn,
    RequestRegisterClient,
    RequestRemoveMedia,
)
from ixproxy.wire.names import Kind
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_agents import HOME, OTHERS, STAMP, logged_in, login, step
from tests.core.test_forced_changes import AUTHORITY, change, rig_with_agent, tell

SLOW = next(node for node in (EAST, NORTH, WEST) if node != AUTHORITY)
"""A node that does not answer."""
SESSION = b"s" * 16
ON = RequestDoNotDisturbOn(tenant_id=TENANT, agent_id="ann")
LOGOUT = RequestAgentLogout(tenant_id=TENANT, agent_id="ann")


def _requests(rig: Rig, node: Any = SLOW) -> list[Any]:
    """Of what a node was sent, without the cancellations of older ones."""
    return [frame for frame in rig.sent(node) if frame.kind == Kind.REQUEST]


def asked(rig: Rig, node: Any) -> list[Any]:
    """The same, read."""
    return [decode(frame) for frame in _requests(rig, node)]


def test_a_home_node_that_is_silent_may_yet_do_it_and_is_told_the_whole_session() -> None:
    rig, (peer,) = rig_with_agent()
    rig.ask(peer, RequestRemoveMedia(tenant_id=TENANT, agent_id="ann", media_type_name="email"))
    late = only(rig.sent(HOME))
    rig.tick(31.0)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.sent(HOME)
    rig.answer(HOME, late, EventAck(agent_session=STAMP))
    rig.tick(FIRST_PAUSE)
    (told,) = asked(rig, HOME)
    assert isinstance(told, RequestConfirmSession)
    assert told.media_list == {"email": 1}, "as the other nodes and the client have it"


def test_what_a_node_did_by_itself_is_told_again_to_one_that_keeps_silent() -> None:
    rig, _ = rig_with_agent()
    tell(rig, AUTHORITY, change("NotReadyForMedia", "email", by_server=True))
    assert len(asked(rig, SLOW)) == 1
    rig.tick(31.0)
    rig.sent(SLOW)
    rig.tick(FIRST_PAUSE)
    (told,) = asked(rig, SLOW)
    assert (type(told), told.media_list) == (RequestConfirmSession, {"email": 0})


def test_an_undoing_is_told_again_to_one_that_keeps_silent() -> None:
    rig, (peer,) = rig_with_agent()
    rig.ask(peer, RequestAddMedia(tenant_id=TENANT, agent_id="ann", media_type_name="chat"))
    step(rig, [HOME], RequestAddMedia)
    for node in OTHERS:
        rig.refuse(node, only(rig.sent(node)), Code.STORE_FAILED)
    assert [type(each) for each in asked(rig, HOME)] == [RequestRemoveMedia]
    rig.tick(31.0)
    rig.sent(HOME)
    rig.tick(FIRST_PAUSE)
    (told,) = asked(rig, HOME)
    assert (type(told), told.media_list) == (RequestConfirmSession, {"email": 1})


def test_a_logout_is_told_again_for_as_long_as_a_node_keeps_silent() -> None:
    rig, _ = rig_with_agent()
    tell(rig, AUTHORITY, change("Logout"))
    for _ in range(3):
        frame = only(_requests(rig))
        told = decode(frame)
        assert (type(told), told.agent_session) == (RequestAgentLogout, STAMP)
        rig.tick(31.0)
    rig.answer(SLOW, only(_requests(rig)), EventAck())
    rig.tick(31.0)
    assert asked(rig, SLOW) == []
    assert not len(rig.core._agents.sessions.absences)


def test_a_logout_that_a_store_refuses_is_told_again_after_a_pause() -> None:
    rig, _ = rig_with_agent()
    tell(rig, AUTHORITY, change("Logout"))
    for _ in range(2):
        rig.refuse(SLOW, only(_requests(rig)), Code.STORE_FAILED)
        rig.tick(PAUSE / 2)
        assert _requests(rig) == [], "its store is not asked all the time"
        rig.tick(PAUSE)
    told = only(_requests(rig))
    assert (type(decode(told)), decode(told).agent_session) == (RequestAgentLogout, STAMP)
    rig.answer(SLOW, told, EventAck())
    rig.tick(PAUSE)
    assert not len(rig.core._agents.sessions.absences)


def _log_in_again(rig: Rig, peer: int) -> None:
    """With the stamp that the home node has still, for it has missed the logout."""
    rig.got(peer)
    rig.ask(peer, login())
    while frames := [(node, frame) for node in (HOME, *OTHERS) for frame in rig.sent(node)]:
        for node, frame in frames:
            rig.answer(node, frame, EventAck(agent_session=STAMP))
    assert only(rig.got(peer)) == EventAck(agent_session=STAMP)


def test_who_is_in_the_session_again_is_not_logged_out_of_it_where_the_logout_was_missed() -> None:
    rig, (peer,) = rig_with_agent()
    rig.ask(peer, RequestAgentLogout(tenant_id=TENANT, agent_id="ann"))
    rig.refuse(HOME, only(rig.sent(HOME)), Code.STORE_FAILED)
    step(rig, OTHERS, RequestAgentLogout)
    _log_in_again(rig, peer)
    rig.tick(PAUSE)
    (told,) = asked(rig, HOME)
    assert (type(told), told.agent_session) == (RequestConfirmSession, STAMP), "it has it as it was"
    assert not len(rig.core._agents.sessions.absences)


def test_so_it_is_while_a_node_is_being_told_of_the_logout() -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, AUTHORITY, change("Logout"))
    for node in (HOME, *OTHERS):
        for frame in rig.sent(node):
            if node != SLOW:
                rig.answer(node, frame, EventAck())
    _log_in_again(rig, peer)
    rig.tick(31.0)
    rig.tick(PAUSE)
    assert not any(isinstance(each, RequestAgentLogout) for each in asked(rig, SLOW))
    assert not len(rig.core._agents.sessions.absences)


def test_a_logout_that_a_node_has_no_use_for_is_not_told_again() -> None:
    rig, _ = rig_with_agent()
    tell(rig, AUTHORITY, change("Logout"))
    rig.refuse(SLOW, only(_requests(rig)), Code.STALE_SESSION)
    rig.tick(2 * PAUSE)
    assert _requests(rig) == []


def test_of_a_change_that_a_store_refuses_the_whole_session_is_told() -> None:
    rig, _ = rig_with_agent()
    tell(rig, AUTHORITY, change("NotReadyForMedia", "email", by_server=True))
    rig.refuse(SLOW, only(_requests(rig)), Code.STORE_FAILED)
    rig.tick(FIRST_PAUSE)
    (told,) = asked(rig, SLOW)
    assert (type(told), told.media_list) == (RequestConfirmSession, {"email": 0})


def test_nothing_is_kept_of_what_was_told_in_the_name_of_a_client_that_has_left() -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, AUTHORITY, change("NotReadyForMedia", "email", by_server=True))
    rig.hang_up(peer)
    rig.tick(31.0)
    assert not len(rig.core._agents.sessions.lacking)
    assert not len(rig.core._agents.sessions.absences)


BACK, LAST = OTHERS
"""One that is lost and back while the other has not answered."""


def _back_too_early(request: Any) -> tuple[Rig, Any, Any]:
    """
    :return: what the last node has not answered, and what the one that is back is told first.
    """
    rig, (peer,) = rig_with_agent()
    rig.ask(peer, request)
    step(rig, [HOME, BACK], type(request))
    waiting = only(rig.sent(LAST))
    rig.lose(BACK)
    rig.link(BACK)
    return rig, waiting, only(rig.sent(BACK))


def _all_got(rig: Rig) -> list[Any]:
    return [each for peer in rig.core.state.clients.peers for each in rig.got(peer)]


def test_a_node_that_was_lost_and_is_back_before_all_have_answered_is_asked_again() -> None:
    """It was told how the session was before, for so the table has it until all have answered."""
    rig, waiting, told = _back_too_early(ON)
    assert decode(told).donot_disturb == 0
    rig.answer(BACK, told, EventAck())
    rig.answer(LAST, waiting, EventAck(agent_session=STAMP))
    assert _all_got(rig) == []
    step(rig, [BACK], RequestDoNotDisturbOn)
    assert only(_all_got(rig)) == EventAck(agent_session=STAMP)


def test_who_logs_out_is_logged_out_of_such_a_node_again() -> None:
    rig, waiting, told = _back_too_early(LOGOUT)
    assert isinstance(decode(told), RequestConfirmSession)
    rig.answer(BACK, told, EventAck())
    rig.answer(LAST, waiting, EventAck())
    step(rig, [BACK], RequestAgentLogout)
    assert isinstance(only(_all_got(rig)), EventAck)
    assert not len(rig.core._agents.sessions.absences)


def test_so_it_is_when_that_node_is_still_being_told_when_the_logout_is_over() -> None:
    rig, waiting, told = _back_too_early(LOGOUT)
    rig.answer(LAST, waiting, EventAck())
    assert isinstance(only(_all_got(rig)), EventAck)
    rig.answer(BACK, told, EventAck())
    assert not rig.core.link(BACK).linked
    step(rig, [BACK], RequestAgentLogout)
    assert rig.core.link(BACK).linked


def _logged_in() -> tuple[Rig, int]:
    """An agent is logged in by the first connection of its client."""
    rig = Rig()
    peer = rig.client(session=SESSION, incarnation=1)
    logged_in(rig, peer)
    return rig, peer


def _register_anew(rig: Rig) -> int:
    """The client registers on a newer connection."""
    newer = rig.peer()
    again = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", session=SESSION, incarnation=2
    )
    rig.ask(newer, again)
    for node in (HOME, *OTHERS):
        rig.accept(node)
        rig.sent(node)
    assert isinstance(only(rig.got(newer)), EventAck)
    return newer


def _registered_anew(request: Any) -> tuple[Rig, Any, int]:
    """
    :return: what the home node has not answered, and the newer connection.
    """
    rig, peer = _logged_in()
    rig.ask(peer, request)
    waiting = only(rig.sent(HOME))
    return rig, waiting, _register_anew(rig)


def test_what_a_client_asked_before_it_registered_anew_is_taken_back_where_it_is_not_known() -> (
    None
):
    rig, _, _ = _registered_anew(ON)
    rig.tick(31.0)
    rig.sent(HOME)
    rig.tick(FIRST_PAUSE)
    (told,) = asked(rig, HOME)
    assert (type(told), told.donot_disturb) == (RequestConfirmSession, 0)


def test_who_logged_out_before_it_registered_anew_is_out_everywhere() -> None:
    rig, waiting, newer = _registered_anew(LOGOUT)
    rig.answer(HOME, waiting, EventAck())
    for node in (HOME, *OTHERS):
        (told,) = asked(rig, node)
        assert (type(told), told.agent_session) == (RequestAgentLogout, STAMP)
    assert only(rig.got(newer)).agent_state_change_operation == "Logout"
    assert not len(rig.core._agents.sessions)
    assert not rig.core._agents.busy


def test_a_node_that_did_it_when_nobody_listened_any_more_is_told_so_too() -> None:
    rig, waiting, _ = _registered_anew(ON)
    rig.answer(HOME, waiting, EventAck(agent_session=STAMP))
    rig.tick(FIRST_PAUSE)
    frame = only(_requests(rig, HOME))
    told = decode(frame)
    assert (frame.client, type(told), told.donot_disturb) == (2, RequestConfirmSession, 0)


def test_a_logout_that_is_not_answered_is_told_on_the_clients_newest_connection() -> None:
    rig, _ = _logged_in()
    tell(rig, AUTHORITY, change("Logout"))
    rig.sent(SLOW)
    _register_anew(rig)
    rig.tick(31.0)
    frame = only(_requests(rig))
    assert (frame.client, type(decode(frame))) == (2, RequestAgentLogout)
