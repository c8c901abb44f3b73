"""Agent sessions that a node refused, or did not answer for, told to it again."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.lacking import FIRST_PAUSE, TRIES
from ixproxy.effects import Note
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventForcedAgentStateChange,
    Reason,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConfirmSession,
    RequestDoNotDisturbOff,
    RequestDoNotDisturbOn,
    RequestRegisterClient,
    RequestSubscribe,
)
from ixproxy.messages.agents import NO_SEAT
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_replaying import with_agents
from tests.core.test_standing import subscribe

ON = RequestDoNotDisturbOn(tenant_id=TENANT, agent_id="a0")
OFF = RequestDoNotDisturbOff(tenant_id=TENANT, agent_id="a0")
SESSION = b"s" * 16


def lacking() -> tuple[Rig, int]:
    """East is back, and has refused the one session that there is."""
    rig = with_agents(1)
    rig.lose(EAST)
    rig.link(EAST)
    rig.refuse(EAST, only(rig.sent(EAST)), Code.PLACE_OCCUPIED)
    return rig, next(iter(rig.to_peer))


def others_do_it(rig: Rig) -> None:
    """The nodes that have the session do what they are asked."""
    for _ in range(2):
        for node in (NORTH, WEST):
            for frame in rig.sent(node):
                rig.answer(node, frame, EventAck())


def noted(rig: Rig, text: str) -> list[Note]:
    return [each for each in rig.effects if isinstance(each, Note) and text in each.format]


def test_a_session_that_a_node_refused_does_not_keep_its_agent_from_working() -> None:
    rig, peer = lacking()
    rig.ask(peer, ON)
    others_do_it(rig)
    assert only(rig.got(peer)) == EventAck()
    assert not rig.sent(EAST)


def test_it_is_told_again_as_it_is_by_then_and_the_node_counts_when_it_has_it() -> None:
    rig, peer = lacking()
    rig.ask(peer, ON)
    others_do_it(rig)
    rig.tick(FIRST_PAUSE)
    again = only(rig.sent(EAST))
    assert isinstance(decode(again), RequestConfirmSession)
    assert decode(again).donot_disturb == 1
    rig.tick(FIRST_PAUSE)
    assert not rig.sent(EAST), "it is told once at a time"
    rig.answer(EAST, again, EventAck())
    rig.got(peer)
    rig.ask(peer, OFF)
    asked = [node for node in (EAST, NORTH, WEST) for _ in range(2) if answer_one(rig, node)]
    asked += [node for node in (EAST, NORTH, WEST) if answer_one(rig, node)]
    assert set(asked) == {EAST, NORTH, WEST}
    assert only(rig.got(peer)) == EventAck()


def answer_one(rig: Rig, node: Any) -> bool:
    frames = rig.sent(node)
    for frame in frames:
        rig.answer(node, frame, EventAck())
    return bool(frames)


def test_what_changed_while_it_was_told_is_told_before_the_node_counts() -> None:
    rig, peer = lacking()
    rig.tick(FIRST_PAUSE)
    again = only(rig.sent(EAST))
    rig.ask(peer, ON)
    others_do_it(rig)
    assert only(rig.got(peer)) == EventAck()
    rig.answer(EAST, again, EventAck())
    once_more = only(rig.sent(EAST))
    assert decode(once_more).donot_disturb == 1
    rig.answer(EAST, once_more, EventAck())
    assert not len(rig.core._agents.sessions.lacking)
    assert not rig.core._agents.retelling._awaited


def test_nothing_is_told_while_a_change_is_under_way() -> None:
    rig, peer = lacking()
    rig.ask(peer, ON)
    rig.tick(FIRST_PAUSE)
    assert not rig.sent(EAST)
    others_do_it(rig)
    rig.tick(0.25)
    assert decode(only(rig.sent(EAST))).donot_disturb == 1


@pytest.mark.parametrize("silent", [False, True])
def test_a_node_that_never_takes_it_is_told_a_few_times_and_that_is_said_once(
    silent: bool,
) -> None:
    rig, _ = lacking()
    told = 0
    for _ in range(600):
        rig.tick(1.0)
        for frame in rig.sent(EAST):
            told += frame.kind == Kind.REQUEST
            if not silent:
                rig.refuse(EAST, frame, Code.PLACE_OCCUPIED)
    assert told == TRIES
    note = only(noted(rig, "goes without the session"))
    assert note.fields["agent"] == "a0"
    assert note.fields["why"] == ("it does not answer" if silent else str(Code.PLACE_OCCUPIED))


@pytest.mark.parametrize(("code", "why"), [(Code.STALE_SESSION, None), (Code.NO_LICENCE, NO_SEAT)])
def test_one_that_knows_a_newer_session_by_now_or_has_no_seat_ends_it_everywhere(
    code: int, why: Reason | None
) -> None:
    rig, peer = lacking()
    rig.tick(FIRST_PAUSE)
    rig.refuse(EAST, only(rig.sent(EAST)), code)
    told = only(rig.got(peer))
    assert (told.agent_state_change_operation, told.reason) == ("Logout", why)
    for node in (NORTH, WEST):
        assert isinstance(decode(only(rig.sent(node))), RequestAgentLogout)
    assert not len(rig.core._agents.sessions)
    assert not len(rig.core._agents.sessions.lacking)


@pytest.mark.parametrize("how", ["logout", "hang up", "lose"])
def test_nothing_is_kept_when_the_session_the_client_or_the_node_is_gone(how: str) -> None:
    rig, peer = lacking()
    rig.tick(FIRST_PAUSE)
    again = only(rig.sent(EAST))
    if how == "logout":
        rig.ask(peer, RequestAgentLogout(tenant_id=TENANT, agent_id="a0"))
        for _ in range(2):
            for node in (NORTH, WEST, EAST):
                answer_one(rig, node)
    elif how == "hang up":
        rig.hang_up(peer)
    else:
        rig.lose(EAST)
    if how != "lose":
        rig.answer(EAST, again, EventAck())
    assert not rig.core._agents.sessions.lacking._of_node
    assert not rig.core._agents.retelling._awaited


def test_the_word_of_a_node_without_the_session_is_not_waited_for() -> None:
    """East gave the stamp, and lacks the session: another node is its authority."""
    rig, peer = lacking()
    event = EventForcedAgentStateChange(
        tenant_id=TENANT,
        agent_id="a0",
        agent_session=(1, 101),
        agent_state_change_operation="DoNotDisturbOn",
    )
    heard = 0
    for node in (NORTH, WEST):
        (number,) = rig.core.link(node).clients
        rig.from_node(node, encode(event, client=number))
        heard += len(rig.got(peer))
    assert heard == 1


def test_a_node_that_did_not_answer_a_change_in_time_is_told_the_whole_session() -> None:
    rig = with_agents(1)
    peer = next(iter(rig.to_peer))
    rig.ask(peer, ON)
    home = only([node for node in (EAST, NORTH, WEST) if rig.to_node[node]])
    rig.answer(home, only(rig.sent(home)), EventAck())
    slow, other = (node for node in (EAST, NORTH, WEST) if node != home)
    rig.answer(other, only(rig.sent(other)), EventAck())
    rig.sent(slow)
    rig.tick(31.0)
    assert only(rig.got(peer)) == EventAck()
    rig.sent(slow)
    rig.tick(FIRST_PAUSE)
    assert decode(only(rig.sent(slow))).donot_disturb == 1


def test_a_node_that_did_not_answer_a_logout_in_time_is_told_once_more() -> None:
    rig = with_agents(1)
    peer = next(iter(rig.to_peer))
    rig.ask(peer, RequestAgentLogout(tenant_id=TENANT, agent_id="a0"))
    for _ in range(2):
        for node in (NORTH, WEST):
            answer_one(rig, node)
    rig.sent(EAST)
    rig.tick(31.0)
    for _ in range(2):
        for node in (NORTH, WEST):
            answer_one(rig, node)
    assert only(rig.got(peer)) == EventAck()
    rig.tick(0.25)
    again = only([frame for frame in rig.sent(EAST) if frame.kind == Kind.REQUEST])
    assert decode(again).agent_session == (1, 101)
    assert not len(rig.core._agents.sessions.absences)


def known_late() -> tuple[Rig, int, Any]:
    """A client that has registered without West, which has not answered yet."""
    rig = Rig()
    peer = rig.peer()
    rig.ask(
        peer,
        RequestRegisterClient(
            client_name="desk-1", client_type="AgentApplication", session=SESSION
        ),
    )
    for node in (EAST, NORTH):
        rig.answer(node, only(rig.sent(node)), EventAck(proxy_client_id=9))
    waiting = only(rig.sent(WEST))
    rig.tick(31.0)
    assert isinstance(only(rig.got(peer)), EventAck)
    return rig, peer, waiting


def test_a_node_that_registers_a_client_late_is_told_what_it_has_done_meanwhile() -> None:
    rig, peer, waiting = known_late()
    rig.ask(peer, subscribe("1@p1"))
    for node in (EAST, NORTH):
        answer_one(rig, node)
    rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id="ann"))
    for _ in range(4):
        for node in (EAST, NORTH):
            for frame in rig.sent(node):
                rig.answer(node, frame, EventAck(agent_session=(7, 101)))
    assert len(rig.got(peer)) == 2
    rig.answer(WEST, waiting, EventAck(proxy_client_id=4))
    frame = only(rig.sent(WEST))
    assert (frame.client, type(decode(frame))) == (4, RequestSubscribe)
    rig.tick(FIRST_PAUSE)
    frame = only(rig.sent(WEST))
    assert (frame.client, type(decode(frame))) == (4, RequestConfirmSession)


def test_a_node_that_registers_a_client_late_that_has_left_is_told_so() -> None:
    rig, peer, waiting = known_late()
    rig.hang_up(peer)
    rig.answer(WEST, waiting, EventAck(proxy_client_id=4))
    assert decode(only(rig.sent(WEST))).clients == [4]


def test_a_node_that_refuses_a_client_late_goes_without_it() -> None:
    rig, peer, waiting = known_late()
    rig.refuse(WEST, waiting, Code.TOO_MANY_CLIENTS)
    assert only(noted(rig, "late")).fields["code"] == Code.TOO_MANY_CLIENTS
    assert not rig.got(peer)
