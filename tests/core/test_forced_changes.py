"""What nodes say was changed of an agent: heard once, passed on once, echoed never."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.core.agent_logins import LEARNING
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventForcedAgentStateChange,
    Reason,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestCancelNotReadyForMedia,
    RequestChangeMediaStateReason,
    RequestConfirmSession,
    RequestDoNotDisturbOff,
    RequestDoNotDisturbOn,
    RequestNotReadyForMedia,
)
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_agents import HOME, OTHERS, STAMP, logged_in, login, step

AUTHORITY = EAST
"""Its dbid, 101, is that of the stamp."""
NOT_ANSWERED = Reason(reason_system_name="NotAnswered")


def rig_with_agent(clients: int = 1) -> tuple[Rig, list[int]]:
    """Each client is logged in; its number on every node is its peer's."""
    rig = Rig()
    peers = [rig.client() for _ in range(clients)]
    logged_in(rig, peers[0])
    for peer in peers[1:]:
        rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id="ann"))
        for _ in range(4):
            for node in (EAST, NORTH, WEST):
                for frame in rig.sent(node):
                    rig.answer(node, frame, EventAck(agent_session=STAMP))
        rig.got(peer)
    return rig, peers


def change(operation: str, media: str = "", **more: Any) -> EventForcedAgentStateChange:
    return EventForcedAgentStateChange(
        tenant_id=TENANT,
        agent_id="ann",
        agent_session=more.pop("agent_session", STAMP),
        agent_state_change_operation=operation,
        media_type_name=media,
        **more,
    )


def tell(rig: Rig, node: NodeName, event: EventForcedAgentStateChange, client: int = 1) -> None:
    rig.from_node(node, encode(event, client=client))


def sent(rig: Rig) -> dict[str, list[Any]]:
    """What the nodes were sent, by node."""
    found = {node: [decode(frame) for frame in rig.sent(node)] for node in list(rig.to_node)}
    return {node: messages for node, messages in found.items() if messages}


def table(rig: Rig) -> Any:
    return only(list(rig.core._agents.sessions)).state


def test_what_several_nodes_tell_is_heard_once_from_the_one_that_gave_the_stamp() -> None:
    rig, (peer,) = rig_with_agent()
    event = change("NotReadyForMedia", "email")
    for node in (WEST, NORTH, AUTHORITY, AUTHORITY):
        tell(rig, node, event)
    assert only(rig.got(peer)) == event
    assert table(rig).media == {"email": 0}
    assert not sent(rig), "another client's request reaches all nodes by itself"


def test_with_that_node_away_the_first_in_order_counts() -> None:
    rig, (peer,) = rig_with_agent()
    rig.lose(AUTHORITY)
    first, second = (node for node in (HOME, *OTHERS) if node != AUTHORITY)
    event = change("DoNotDisturbOn")
    tell(rig, second, event)
    assert not rig.got(peer)
    tell(rig, first, event)
    assert only(rig.got(peer)) == event
    assert table(rig).donot_disturb == 1


def test_what_a_node_did_by_itself_reaches_the_others_once_and_does_not_echo() -> None:
    """Test idea 35: node-made not-ready reaches the other nodes, once, without an echo."""
    rig, (peer,) = rig_with_agent()
    event = change("NotReadyForMedia", "email", by_server=True, reason=NOT_ANSWERED)
    tell(rig, WEST, event)
    assert only(rig.got(peer)) == event
    asked = sent(rig)
    assert asked.keys() == {EAST, NORTH}
    for messages in asked.values():
        request = only(messages)
        assert isinstance(request, RequestNotReadyForMedia)
        assert (request.media_type_name, request.reason) == ("email", NOT_ANSWERED)
        assert request.agent_session == STAMP
    # What other nodes tell of it, and the same again, is nothing new.
    for node in (EAST, NORTH, WEST):
        tell(rig, node, event)
        tell(rig, node, change("NotReadyForMedia", "email", reason=NOT_ANSWERED))
    assert not rig.got(peer)
    assert not sent(rig)


def test_each_client_of_an_agent_hears_it_and_the_nodes_only_once() -> None:
    rig, peers = rig_with_agent(2)
    event = change("NotReadyForMedia", "email", by_server=True)
    for peer in peers:
        tell(rig, WEST, event, client=peer)
    assert [only(rig.got(peer)) for peer in peers] == [event, event]
    assert all(len(messages) == 1 for messages in sent(rig).values())


def test_a_client_hears_what_another_one_of_the_same_proxy_changed() -> None:
    rig, (one, other) = rig_with_agent(2)
    rig.ask(one, RequestNotReadyForMedia(tenant_id=TENANT, agent_id="ann", media_type_name="email"))
    event = change("NotReadyForMedia", "email")
    for node in (HOME, *OTHERS):
        rig.answer(node, only(rig.sent(node)), EventAck(agent_session=STAMP))
        tell(rig, node, event, client=other)
    assert isinstance(only(rig.got(one)), EventAck)
    assert only(rig.got(other)) == event
    assert not sent(rig)


@pytest.mark.parametrize("by_server", [True, False])
def test_a_logout_counts_whoever_says_it_and_ends_the_session_everywhere(by_server: bool) -> None:
    """Test idea 33: a node that takes a seat back takes the agent off all nodes, with one event."""
    rig, (peer,) = rig_with_agent()
    rig.lose(NORTH)
    event = change("Logout", by_server=by_server)
    for node in (WEST, WEST, EAST):
        tell(rig, node, event)
    assert only(rig.got(peer)) == event
    assert not len(rig.core._agents.sessions)
    logout = RequestAgentLogout(tenant_id=TENANT, agent_id="ann", agent_session=STAMP)
    # Others are to say who has caused it, as the first one does.
    extension = {"ByServer": 1 if by_server else 2}
    assert sent(rig) == {EAST: [replace(logout, extension=extension)]}
    rig.link(NORTH)
    assert decode(only(rig.sent(NORTH))) == logout, "also on the one that was away"


@pytest.mark.parametrize(
    "event",
    [
        change("Logout", agent_session=(6, 101)),
        change("Logout", agent_session=(6, 101), by_server=True),
        change("NotReadyForMedia", "email", agent_session=(8, 101)),
    ],
)
def test_what_is_of_another_session_is_not_for_this_one(event: EventForcedAgentStateChange) -> None:
    rig, (peer,) = rig_with_agent()
    tell(rig, AUTHORITY, event)
    assert not rig.got(peer)
    assert not sent(rig)
    assert len(rig.core._agents.sessions) == 1
    assert rig.core.state.counters["agent events of no session"] == 1


@pytest.mark.parametrize("what", [("Dance", ""), ("MediaAdded", "telex")])
def test_what_is_not_understood_is_handed_on_and_no_more(what: tuple[str, str]) -> None:
    rig, (peer,) = rig_with_agent()
    event = change(*what, by_server=True)
    tell(rig, WEST, event)
    assert only(rig.got(peer)) == event
    assert not sent(rig)
    assert table(rig).media == {"email": 1}


def test_what_a_node_does_while_a_change_is_under_way_waits_and_goes_to_all_behind_it() -> None:
    rig, (peer,) = rig_with_agent()
    rig.ask(peer, RequestDoNotDisturbOn(tenant_id=TENANT, agent_id="ann"))
    for node in (HOME, OTHERS[0]):
        rig.answer(node, only(rig.sent(node)), EventAck(agent_session=STAMP))
    event = change("NotReadyForMedia", "email", by_server=True)
    tell(rig, OTHERS[1], event)
    assert not rig.got(peer)
    rig.answer(OTHERS[1], only(rig.sent(OTHERS[1])), EventAck(agent_session=STAMP))
    ack, heard = rig.got(peer)
    assert (type(ack), heard) == (EventAck, event)
    asked = sent(rig)
    assert asked.keys() == {EAST, NORTH, WEST}
    assert all(isinstance(only(each), RequestNotReadyForMedia) for each in asked.values())
    assert (table(rig).media, table(rig).donot_disturb) == ({"email": 0}, 1)


def test_a_contrary_change_of_another_client_wins_on_all_nodes_if_it_did_on_the_home_node() -> None:
    rig, (peer,) = rig_with_agent()
    media = {"tenant_id": TENANT, "agent_id": "ann", "media_type_name": "email"}
    rig.ask(peer, RequestNotReadyForMedia(**media))  # type: ignore[arg-type]
    rig.answer(HOME, only(rig.sent(HOME)), EventAck(agent_session=STAMP))
    tell(rig, AUTHORITY, change("ReadyForMedia", "email"))
    for node in OTHERS:
        rig.answer(node, only(rig.sent(node)), EventAck(agent_session=STAMP))
    # Its own change came to these nodes behind the other one, perhaps.
    ack, *heard = rig.got(peer)
    assert isinstance(ack, EventAck)
    assert heard == [change("ReadyForMedia", "email")]
    for messages in sent(rig).values():
        assert isinstance(only(messages), RequestCancelNotReadyForMedia)


def test_no_more_events_wait_than_are_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.forced_changes.MOST_WAITING", 1)
    rig, (peer,) = rig_with_agent()
    rig.ask(peer, RequestDoNotDisturbOn(tenant_id=TENANT, agent_id="ann"))
    for _ in range(3):
        tell(rig, WEST, change("NotReadyForMedia", "email", by_server=True))
    assert rig.core.state.counters["agent events dropped"] == 2
    rig.hang_up(peer)
    rig.answer(HOME, next(f for f in rig.sent(HOME) if f.reference), EventAck())
    assert not len(rig.core._agents.forced)


def test_an_undone_change_is_undone_in_the_table_too() -> None:
    rig, (peer,) = rig_with_agent()
    rig.ask(peer, RequestDoNotDisturbOn(tenant_id=TENANT, agent_id="ann"))
    rig.answer(HOME, only(rig.sent(HOME)), EventAck(agent_session=STAMP))
    for node in OTHERS:
        rig.refuse(node, only(rig.sent(node)), Code.STORE_FAILED)
    assert only(rig.got(peer)).error_code == Code.STORE_FAILED
    assert isinstance(only(sent(rig)[HOME]), RequestDoNotDisturbOff)
    assert table(rig).donot_disturb == 0


def test_a_frame_that_is_no_such_event_breaks_the_link() -> None:
    rig, _ = rig_with_agent()
    raw = encode(change("Logout"), client=1)
    rig.from_node(WEST, raw[:-3])
    assert not rig.core.link(WEST).linked


def test_whom_a_newer_session_ousts_is_out_on_nodes_that_are_away_too() -> None:
    rig, (older,) = rig_with_agent()
    newer, stamp = rig.client(), (STAMP[0] + 1, STAMP[1])
    rig.lose(WEST)
    rig.ask(newer, RequestAgentLogin(tenant_id=TENANT, agent_id="ann"))
    for _ in range(4):
        for node in (EAST, NORTH):
            for frame in rig.sent(node):
                rig.answer(node, frame, EventAck(agent_session=stamp))
    rig.got(newer)
    tell(rig, EAST, change("Logout"))
    assert only(rig.got(older)).agent_session == STAMP
    frame = only(rig.sent(NORTH))
    assert (frame.client, decode(frame).agent_session) == (1, STAMP)
    (missed,) = rig.core._agents.sessions.absences.take(WEST)
    assert missed[1:] == ((TENANT, "ann"), STAMP)


@pytest.mark.parametrize("node", [EAST, NORTH, WEST])
def test_what_one_node_alone_knows_of_a_resumed_session_is_told_to_all(node: NodeName) -> None:
    """The client was on another proxy, and not all nodes were reached from there."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, login(agent_session=STAMP))
    step(rig, [HOME], RequestAgentLogin)
    step(rig, OTHERS, RequestAgentLogin)
    step(rig, [HOME], RequestConfirmSession)
    step(rig, OTHERS, RequestConfirmSession)
    rig.got(peer)
    tell(rig, node, change("ReadyForMedia", "email", reason=NOT_ANSWERED))
    assert table(rig).media_reasons == {"email": NOT_ANSWERED}
    for requests in sent(rig).values():
        (request,) = requests
        assert (type(request), request.reason) == (RequestChangeMediaStateReason, NOT_ANSWERED)
    assert len(rig.got(peer)) == 1
    rig.tick(2 * LEARNING)
    sent(rig)
    tell(rig, AUTHORITY, change("NotReadyForMedia", "email"))
    assert not any(sent(rig).values()), "somebody else's change, which all nodes have heard"
