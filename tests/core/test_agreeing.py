"""Whether all nodes tell the same of an agent, and what is done about those that do not."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.agreeing import MOST, SETTLED
from ixproxy.core.lacking import AT_ONCE
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAgentLogout,
    RequestConfirmSession,
    RequestNotReadyForMedia,
)
from ixproxy.values import NodeName
from ixproxy.wire.names import Kind
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_agents import HOME, OTHERS, STAMP
from tests.core.test_forced_changes import AUTHORITY, change, rig_with_agent, table, tell

ANN = TENANT, "ann"
FIRST, LAST = (node for node in (EAST, NORTH, WEST) if node != AUTHORITY)
NOT_READY = change("NotReadyForMedia", "email", media_list={"email": 0})
READY = change("ReadyForMedia", "email", media_list={"email": 1})


def asked(rig: Rig) -> dict[NodeName, list[Any]]:
    """What the nodes are asked, by node, when nothing more is to be told."""
    found: dict[NodeName, list[Any]] = {}
    for node in (EAST, NORTH, WEST):
        for frame in rig.sent(node):
            if frame.kind == Kind.REQUEST:
                found.setdefault(node, []).append(decode(frame))
                rig.answer(node, frame, EventAck(agent_session=STAMP))
    return found


def noted(rig: Rig) -> int:
    return len(rig.core._agents.forced.agreeing)


def test_a_node_that_does_not_tell_what_the_others_do_is_told_the_whole_session() -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, FIRST, NOT_READY)
    tell(rig, AUTHORITY, NOT_READY)
    assert only(rig.got(peer)) == NOT_READY
    rig.tick(SETTLED - 0.1)
    assert not asked(rig)
    rig.tick(0.2)
    (told,) = asked(rig).pop(LAST)
    assert (type(told), told.media_list) == (RequestConfirmSession, {"email": 0})
    rig.tick(10 * SETTLED)
    assert not asked(rig)
    assert not noted(rig)
    assert not len(rig.core._agents.sessions.lacking)


@pytest.mark.parametrize(
    "order", [(FIRST, LAST, AUTHORITY), (AUTHORITY, FIRST, LAST), (LAST, AUTHORITY, FIRST)]
)
def test_where_all_tell_the_same_nobody_is_told_anything(order: tuple[NodeName, ...]) -> None:
    rig, _ = rig_with_agent()
    for node in order:
        tell(rig, node, READY)
        tell(rig, node, NOT_READY)
    rig.tick(SETTLED)
    assert not asked(rig)
    assert not noted(rig)


def test_where_all_others_tell_it_the_authority_is_the_one_that_has_not_done_it() -> None:
    rig, (peer,) = rig_with_agent()
    on = change("DoNotDisturbOn", media_list={"email": 0}, donot_disturb=1)
    for node in (FIRST, LAST):
        tell(rig, node, NOT_READY)
        tell(rig, node, on)
    assert rig.got(peer) == []
    rig.tick(SETTLED)
    assert rig.got(peer) == [NOT_READY, on]
    assert (table(rig).media, table(rig).donot_disturb) == ({"email": 0}, 1)
    found = asked(rig)
    assert found.keys() == {AUTHORITY}
    assert found[AUTHORITY][0].donot_disturb == 1


def test_what_only_some_tell_without_the_authority_is_taken_back_on_those() -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, FIRST, NOT_READY)
    rig.tick(SETTLED)
    assert rig.got(peer) == []
    assert table(rig).media == {"email": 1}
    found = asked(rig)
    assert found.keys() == {FIRST}
    (told,) = found[FIRST]
    assert (type(told), told.media_list) == (RequestConfirmSession, {"email": 1})
    rig.tick(10 * SETTLED)
    assert not asked(rig)
    assert not noted(rig)
    assert not len(rig.core._agents.sessions.lacking)


def test_where_the_others_tell_different_things_all_that_told_are_told_the_session() -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, FIRST, NOT_READY)
    tell(rig, LAST, change("DoNotDisturbOn", media_list={"email": 1}, donot_disturb=1))
    rig.tick(SETTLED)
    assert rig.got(peer) == []
    found = asked(rig)
    assert found.keys() == {FIRST, LAST}
    for (told,) in found.values():
        assert (told.media_list, told.donot_disturb) == ({"email": 1}, 0)
    rig.tick(10 * SETTLED)
    assert not asked(rig)


def test_who_told_before_it_became_the_authority_is_told_the_session_likewise() -> None:
    rig, (peer,) = rig_with_agent()
    heir = next(node for node in (HOME, *OTHERS) if node != AUTHORITY)
    tell(rig, heir, NOT_READY)
    rig.lose(AUTHORITY)
    rig.tick(SETTLED)
    assert NOT_READY not in rig.got(peer)
    (told,) = asked(rig)[heir]
    assert (type(told), told.media_list) == (RequestConfirmSession, {"email": 1})


def test_what_is_taken_back_is_as_the_client_has_changed_it_meanwhile() -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, FIRST, change("DoNotDisturbOn", media_list={"email": 1}, donot_disturb=1))
    rig.ask(
        peer, RequestNotReadyForMedia(tenant_id=TENANT, agent_id="ann", media_type_name="email")
    )
    for node in (HOME, *OTHERS):
        rig.answer(node, only(rig.sent(node)), EventAck(agent_session=STAMP))
    rig.tick(SETTLED)
    (told,) = asked(rig).pop(FIRST)
    assert (told.media_list, told.donot_disturb) == ({"email": 0}, 0)


def test_a_node_that_was_told_the_session_meanwhile_has_told_nothing_since() -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, FIRST, NOT_READY)
    tell(rig, LAST, NOT_READY)
    rig.core._agents.sessions.lacking.note(LAST, ANN, _client(rig, peer), AT_ONCE)
    rig.tick(0.1)
    (old,) = asked(rig)[LAST]
    assert old.media_list == {"email": 1}
    tell(rig, AUTHORITY, NOT_READY)
    rig.tick(SETTLED)
    assert {node: told[0].media_list for node, told in asked(rig).items()} == {LAST: {"email": 0}}


def test_what_a_node_did_by_itself_is_passed_on_and_expected_of_nobody() -> None:
    rig, _ = rig_with_agent()
    tell(rig, FIRST, change("NotReadyForMedia", "email", by_server=True))
    assert asked(rig).keys() == {AUTHORITY, LAST}
    assert not noted(rig)
    rig.tick(SETTLED)
    assert not asked(rig)


def test_nothing_is_kept_of_a_session_that_has_ended_meanwhile() -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, AUTHORITY, NOT_READY)
    rig.hang_up(peer)
    rig.tick(SETTLED)
    assert not noted(rig)
    assert not len(rig.core._agents.sessions.lacking)


def test_of_what_a_node_tells_without_end_no_more_than_so_much_is_kept() -> None:
    rig, (peer,) = rig_with_agent()
    for _ in range(MOST):
        for event in (READY, NOT_READY):
            tell(rig, FIRST, event)
            tell(rig, LAST, event)
    (heard,) = rig.core._agents.forced.agreeing._heard.values()
    assert [len(told) for told in heard.by.values()] == [MOST, MOST]
    rig.tick(SETTLED)
    assert rig.got(peer)[-1] == NOT_READY


def test_a_node_lacks_the_session_also_when_whoever_knew_it_has_left() -> None:
    rig, (one, other) = rig_with_agent(2)
    unable = OTHERS[-1]
    rig.core._agents.sessions.lacking.note(unable, ANN, _client(rig, one), rig.now)
    rig.ask(one, RequestAgentLogout(tenant_id=TENANT, agent_id="ann"))
    for node in (HOME, *OTHERS):
        frame = only(rig.sent(node))
        if node == unable:
            rig.refuse(node, frame, Code.STORE_FAILED)
        else:
            rig.answer(node, frame, EventAck())
    rig.tick(SETTLED)
    frames = [frame for frame in rig.sent(unable) if frame.kind == Kind.REQUEST]
    told = {frame.client: type(decode(frame)) for frame in frames}
    assert told == {one: RequestAgentLogout, other: RequestConfirmSession}


def _client(rig: Rig, peer: int) -> Any:
    return rig.core.state.clients.peers[peer].clients[0]
