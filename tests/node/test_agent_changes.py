from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventForcedAgentStateChange,
    Reason,
    RequestAgentLogin,
    RequestCancelNotReadyForMedia,
    RequestChangeAgentStateReason,
    RequestChangeMediaStateReason,
    RequestConfirmSession,
    RequestDoNotDisturbOff,
    RequestDoNotDisturbOn,
    RequestNotReadyForMedia,
    RequestRemoveMedia,
)
from ixproxy.messages.agents import REPLAYED, AgentRequest
from ixproxy.node.agent_changes import media_reasons, reason_of, with_media
from ixproxy.node.rows import AgentRow
from ixproxy.node.turn import Cause
from ixproxy.node.work import Sender, Tell
from tests.node.tried import TriedNode

LUNCH, TRAINING = Reason(reason_system_name="Lunch"), Reason(reason_system_name="Training")


def of(kind: type[AgentRequest], **more: Any) -> AgentRequest:
    return kind(tenant_id=1, agent_id="Ann", **more)


def logged_in(node: TriedNode, name: str = "desk-1", **more: Any) -> Sender:
    desk = node.desktop(name, **more)
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Ann", media_list={"email": 1}))
    node.reported()
    return desk


def kept(node: TriedNode) -> AgentRow:
    (row,) = [row for row in node.agents() if row.confirmed]
    return row


def test_a_state_comes_with_its_reason_and_the_reason_ends_with_it(node: TriedNode) -> None:
    desk = logged_in(node)
    not_ready = of(RequestNotReadyForMedia, media_type_name="email", reason=LUNCH)
    node.ask(desk, not_ready)
    assert reason_of(kept(node), "email") == LUNCH
    assert [(type(event).__name__, event.reason) for event in node.reported()] == [
        ("EventNotReadyForMedia", LUNCH)
    ]
    node.ask(desk, not_ready)
    assert node.reported() == []
    node.ask(desk, of(RequestCancelNotReadyForMedia, media_type_name="email"))
    assert reason_of(kept(node), "email") is None
    assert [(type(event).__name__, event.reason) for event in node.reported()] == [
        ("EventReadyForMedia", None)
    ]


def test_the_same_state_for_another_reason_is_a_change_of_the_reason(node: TriedNode) -> None:
    desk = logged_in(node)
    for reason in (LUNCH, TRAINING, None):
        node.ask(desk, of(RequestNotReadyForMedia, media_type_name="email", reason=reason))
    assert [(type(event).__name__, event.reason) for event in node.reported()] == [
        ("EventNotReadyForMedia", LUNCH),
        ("EventMediaStateReasonChanged", TRAINING),
        ("EventMediaStateReasonChanged", None),
    ]


def test_reasons_change_alone_of_a_medium_and_of_the_agent(node: TriedNode) -> None:
    desk = logged_in(node)
    changes = (
        (of(RequestChangeMediaStateReason, media_type_name="email", reason=LUNCH), "email"),
        (of(RequestChangeAgentStateReason, reason=TRAINING), ""),
    )
    for request, media in changes:
        node.ask(desk, request)
        (event,) = node.reported()
        assert event.reason == request.reason == reason_of(kept(node), media)
        node.ask(desk, request)
        assert node.reported() == []
    assert media_reasons(kept(node)) == {"email": LUNCH}
    node.restart()
    assert media_reasons(kept(node)) == {"email": LUNCH}
    assert reason_of(kept(node)) == TRAINING


def test_a_removed_medium_takes_its_reason_with_it(node: TriedNode) -> None:
    desk = logged_in(node)
    media = {"media_type_name": "email"}
    node.ask(desk, of(RequestChangeMediaStateReason, **media, reason=LUNCH))
    node.ask(desk, of(RequestRemoveMedia, **media))
    assert kept(node).reasons == {}
    change = of(RequestChangeMediaStateReason, **media, reason=LUNCH)
    assert node.refusal(desk, change) == Code.MEDIA_NOT_ADDED


def test_do_not_disturb_goes_on_and_off_once_each(node: TriedNode) -> None:
    desk = logged_in(node)
    for kind, state in ((RequestDoNotDisturbOn, 1), (RequestDoNotDisturbOff, 0)):
        for _ in range(2):
            node.ask(desk, of(kind, reason=LUNCH))
            assert kept(node).donot_disturb == state
        (event,) = node.reported()
        assert type(event).__name__ == kind.__name__.replace("Request", "Event")
        assert event.reason == LUNCH


@pytest.mark.parametrize(
    ("request_", "operation", "media"),
    [
        (of(RequestDoNotDisturbOn), "DoNotDisturbOn", ""),
        (of(RequestChangeAgentStateReason, reason=LUNCH), "AgentStateReasonChanged", ""),
        (
            of(RequestChangeMediaStateReason, media_type_name="email", reason=LUNCH),
            "MediaStateReasonChanged",
            "email",
        ),
        (of(RequestNotReadyForMedia, media_type_name="email"), "NotReadyForMedia", "email"),
    ],
)
def test_the_other_connections_hear_of_every_change_with_the_state_as_it_is_then(
    node: TriedNode, request_: AgentRequest, operation: str, media: str
) -> None:
    first, second = logged_in(node, "desk-1"), logged_in(node, "desk-2")
    node.ask(first, request_)
    assert node.told(first) == []
    (event,) = node.told(second)
    assert isinstance(event, EventForcedAgentStateChange)
    row = kept(node)
    assert (event.agent_state_change_operation, event.media_type_name) == (operation, media)
    assert (event.media_list, event.donot_disturb) == (row.media, row.donot_disturb)
    assert (event.reason, event.by_server) == (request_.reason, False)


def test_what_the_node_changes_is_said_to_be_so_for_its_own_reason(node: TriedNode) -> None:
    desk = logged_in(node)
    turn = node.turn()
    changed = with_media(turn, kept(node), "email", 0, Cause(None, LUNCH))
    assert reason_of(changed, "email") == LUNCH
    (tell,) = [each for each in turn.tells if isinstance(each, Tell)]
    assert tell.session == desk.session
    told = tell.event
    assert isinstance(told, EventForcedAgentStateChange)
    assert told.by_server
    assert told.reason == LUNCH


def test_who_joins_is_told_what_the_client_did_not_say(node: TriedNode) -> None:
    first = logged_in(node, "desk-1")
    node.ask(first, of(RequestDoNotDisturbOn))
    node.ask(first, of(RequestChangeAgentStateReason, reason=TRAINING))
    node.ask(first, of(RequestNotReadyForMedia, media_type_name="email", reason=LUNCH))
    second = node.desktop("desk-2")
    node.ask(second, of(RequestAgentLogin, media_list={"chat": 1}))
    told: list[Any] = node.told(second)
    assert [(event.agent_state_change_operation, event.reason) for event in told] == [
        ("NotReadyForMedia", LUNCH),
        ("DoNotDisturbOn", None),
        ("AgentStateReasonChanged", TRAINING),
    ]
    assert all(event.media_list == {"email": 0, "chat": 1} for event in told)
    assert not any(event.by_server for event in told)
    node.ask(second, of(RequestAgentLogin))
    assert node.told(second) == []


WHOLE = st.builds(
    RequestConfirmSession,
    tenant_id=st.just(1),
    agent_id=st.just("Ann"),
    media_list=st.dictionaries(st.sampled_from(["email", "chat"]), st.integers(0, 2)),
    donot_disturb=st.integers(0, 1),
    media_reasons=st.dictionaries(
        st.sampled_from(["email", "chat"]), st.sampled_from([LUNCH, TRAINING, Reason()])
    ),
    state_reason=st.sampled_from([None, LUNCH, TRAINING]),
)


@given(st.lists(WHOLE, min_size=1, max_size=5))
def test_a_replayed_session_makes_the_nodes_equal_and_its_events_tell_how(
    wholes: list[RequestConfirmSession],
) -> None:
    """Whoever follows the events has what the node has, and a repeat has none."""
    node = TriedNode()
    try:
        desk = node.desktop("desk", through_proxy=True)
        media: dict[str, int] = {}
        reasons: dict[str, Reason | None] = {}
        disturb = 0
        for whole in wholes:
            stamped = replace(whole, agent_session=(5, 102))
            node.ask(desk, stamped)
            row = kept(node)
            assert row.media == {name: int(bool(ready)) for name, ready in whole.media_list.items()}
            assert row.donot_disturb == whole.donot_disturb
            assert reason_of(row) == whole.state_reason
            for event in node.reported():
                name = getattr(event, "media_type_name", "")
                match type(event).__name__:
                    case "EventAgentLogin":
                        media, disturb = dict(event.media_list), event.donot_disturb
                        reasons = {"": event.state_reason, **event.media_reasons}
                    case "EventMediaAdded":
                        media[name] = 0
                    case "EventMediaRemoved":
                        del media[name]
                        reasons.pop(name, None)
                    case "EventReadyForMedia" | "EventNotReadyForMedia" as kind:
                        media[name] = int(kind == "EventReadyForMedia")
                        reasons[name] = event.reason
                    case "EventMediaStateReasonChanged" | "EventAgentStateReasonChanged":
                        reasons[name] = event.reason
                    case "EventDoNotDisturbOn" | "EventDoNotDisturbOff" as kind:
                        disturb = int(kind == "EventDoNotDisturbOn")
                    case other:
                        raise AssertionError(other)
            assert (media, disturb) == (row.media, row.donot_disturb)
            # A reason that says nothing is none.
            said = {name: each for name, each in reasons.items() if each not in (None, Reason())}
            assert said == {name: reason_of(row, name) for name in row.reasons}
            node.ask(desk, stamped)
            assert node.reported() == []
    finally:
        node.discard()


def test_a_confirmation_that_follows_a_login_adds_and_one_that_does_not_replays(
    node: TriedNode,
) -> None:
    first = logged_in(node, "desk-1", through_proxy=True)
    node.ask(first, of(RequestDoNotDisturbOn))
    stamp = (kept(node).number, kept(node).dbid)
    node.reported()
    second = node.desktop("desk-2", through_proxy=True)
    login = of(RequestAgentLogin, agent_session=stamp, media_list={"chat": 0}, provisional=True)
    confirm = of(RequestConfirmSession, agent_session=stamp, media_list={"chat": 0})
    node.ask(second, login)
    node.ask(second, confirm)
    assert node.names_reported() == ["EventMediaAdded"]
    operations = [event.agent_state_change_operation for event in node.told(second)]  # type: ignore[attr-defined]
    assert operations == ["ReadyForMedia", "DoNotDisturbOn"]
    assert (kept(node).media, kept(node).donot_disturb) == ({"email": 1, "chat": 0}, 1)
    node.ask(second, confirm)
    assert node.names_reported() == ["EventMediaRemoved", "EventDoNotDisturbOff"]
    assert node.turn().memory.logging_in == {}


def test_a_replay_says_that_it_is_one_where_a_login_before_it_was_never_confirmed(
    node: TriedNode,
) -> None:
    desk = logged_in(node, "desk-1", through_proxy=True)
    stamp = (kept(node).number, kept(node).dbid)
    why = Reason(reason_system_name="Why")
    node.ask(desk, of(RequestAgentLogin, agent_session=stamp, provisional=True))
    replay = of(
        RequestConfirmSession,
        agent_session=stamp,
        media_list={"email": 1},
        media_reasons={"email": why},
    )
    node.ask(desk, replace(replay, extension={REPLAYED: 1}))
    assert media_reasons(kept(node)) == {"email": why}
    assert node.turn().memory.logging_in == {}


def test_who_comes_back_is_told_once_what_the_client_did_not_say(node: TriedNode) -> None:
    desk = logged_in(node)
    node.ask(desk, of(RequestDoNotDisturbOn))
    node.ask(desk, of(RequestAgentLogin))
    assert node.told(desk) == []
    desk = node.desktop("desk-1")
    login = of(RequestAgentLogin, agent_session=(kept(node).number, kept(node).dbid))
    node.ask(desk, login)
    told: list[Any] = node.told(desk)
    operations = [event.agent_state_change_operation for event in told]
    assert operations == ["ReadyForMedia", "DoNotDisturbOn"]
    node.ask(desk, login)
    assert node.told(desk) == []
    assert node.turn().memory.returned == {}
