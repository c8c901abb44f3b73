from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import (
    EventForcedAgentStateChange,
    RequestAddMedia,
    RequestAgentLogin,
    RequestCancelNotReadyForMedia,
    RequestNotReadyForMedia,
    RequestRemoveMedia,
)
from ixproxy.messages.agents import BY_SERVER, MediaRequest
from ixproxy.node.work import Sender
from tests.node.tried import TriedNode

KINDS: dict[str, type[MediaRequest]] = {
    "add": RequestAddMedia,
    "remove": RequestRemoveMedia,
    "ready": RequestCancelNotReadyForMedia,
    "not ready": RequestNotReadyForMedia,
}


def on(kind: str, media: str = "email", **more: Any) -> MediaRequest:
    return KINDS[kind](tenant_id=1, agent_id="Ann", media_type_name=media, **more)


def logged_in(node: TriedNode, name: str = "desk-1", **media: int) -> Sender:
    desk = node.desktop(name)
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Ann", media_list=media))
    node.reported()
    return desk


def test_media_are_added_not_ready_made_ready_and_removed(node: TriedNode) -> None:
    desk = logged_in(node)
    for kind, name, media in (
        ("add", "EventMediaAdded", {"email": 0}),
        ("ready", "EventReadyForMedia", {"email": 1}),
        ("not ready", "EventNotReadyForMedia", {"email": 0}),
        ("remove", "EventMediaRemoved", {}),
    ):
        ack = node.ask(desk, on(kind))
        (row,) = node.agents()
        assert row.media == media
        assert ack.agent_session == (row.number, row.dbid)
        (event,) = node.reported()
        assert (type(event).__name__, event.media_type_name) == (name, "email")
        assert (event.agent_id, event.agent_session) == ("Ann", ack.agent_session)
        assert node.ask(desk, on(kind)) == ack if kind != "remove" else True
        assert node.reported() == []


def test_removing_what_is_not_there_is_acknowledged(node: TriedNode) -> None:
    desk = logged_in(node)
    node.ask(desk, on("remove"))
    assert node.reported() == []


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_logged_in_agents_own_client_may(node: TriedNode, kind: str) -> None:
    stranger = node.desktop("stranger")
    assert node.refusal(stranger, on(kind)) == Code.AGENT_NOT_LOGGED_IN
    logged_in(node, email=0)
    assert node.refusal(stranger, on(kind)) == Code.AGENT_NOT_LOGGED_IN


@pytest.mark.parametrize("kind", KINDS)
def test_a_provisional_login_has_no_media_to_change(node: TriedNode, kind: str) -> None:
    desk = node.desktop(through_proxy=True)
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Ann", provisional=True))
    assert node.refusal(desk, on(kind)) == Code.AGENT_NOT_LOGGED_IN


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [-1, 1])
def test_a_request_that_names_another_session_is_stale(
    node: TriedNode, kind: str, step: int
) -> None:
    desk = logged_in(node, email=0)
    (row,) = node.agents()
    other = (row.number + step, row.dbid)
    assert node.refusal(desk, on(kind, agent_session=other)) == Code.STALE_SESSION
    node.ask(desk, on(kind, agent_session=(row.number, row.dbid)))


def test_media_must_be_known_added_and_named(node: TriedNode) -> None:
    desk = logged_in(node)
    assert node.refusal(desk, on("add", "letter")) == Code.UNKNOWN_MEDIA_TYPE
    for kind in ("ready", "not ready"):
        assert node.refusal(desk, on(kind)) == Code.MEDIA_NOT_ADDED
    for kind in KINDS:
        assert node.refusal(desk, on(kind, "")) == Code.MISSING_VALUE


def test_the_agents_other_connections_hear_of_it(node: TriedNode) -> None:
    first, second = logged_in(node, "desk-1"), logged_in(node, "desk-2")
    node.ask(first, on("add"))
    node.ask(first, on("ready"))
    (event,) = node.told(second)
    assert isinstance(event, EventForcedAgentStateChange)
    assert event.agent_state_change_operation == "ReadyForMedia"
    assert (event.media_type_name, event.media_list) == ("email", {"email": 1})
    assert node.told(first) == []
    node.ask(second, on("remove"))
    (event,) = node.told(first)
    assert isinstance(event, EventForcedAgentStateChange)
    assert (event.agent_state_change_operation, event.media_list) == ("MediaRemoved", {})


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(["email", "chat"])), max_size=12
    )
)
def test_the_reported_events_tell_the_media_that_the_agent_has(
    steps: list[tuple[str, str]],
) -> None:
    node = TriedNode()
    try:
        desk = logged_in(node)
        media: dict[str, int] = {}
        for kind, name in steps:
            effect = node.perform(desk, on(kind, name))
            assert (type(effect).__name__ == "Refuse") == ("ready" in kind and name not in media)
            for event in node.reported():
                match type(event).__name__:
                    case "EventMediaAdded":
                        assert event.media_type_name not in media
                        media[event.media_type_name] = 0
                    case "EventMediaRemoved":
                        del media[event.media_type_name]
                    case "EventReadyForMedia":
                        assert media[event.media_type_name] == 0
                        media[event.media_type_name] = 1
                    case "EventNotReadyForMedia":
                        assert media[event.media_type_name] == 1
                        media[event.media_type_name] = 0
            assert node.agents()[0].media == media
    finally:
        node.discard()


@pytest.mark.parametrize("through_proxy", [False, True])
def test_that_nobody_asked_for_a_change_is_believed_of_proxies_only(
    node: TriedNode, through_proxy: bool
) -> None:
    other = logged_in(node, "desk-2", email=1)
    desk = node.desktop("desk-1", through_proxy=through_proxy)
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Ann"))
    node.ask(desk, on("not ready", extension={BY_SERVER: 1}))
    (told,) = node.told(other)
    assert isinstance(told, EventForcedAgentStateChange)
    assert told.by_server == through_proxy
