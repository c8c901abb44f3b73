"""The states with which a reporting stream begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import StorageError
from ixproxy.messages import (
    EventAgentLogout,
    EventPlaceAgentState,
    RequestAddMedia,
    RequestAgentLogin,
    RequestCancelNotReadyForMedia,
)
from ixproxy.messages.message import Reason
from ixproxy.node import initial_states
from ixproxy.node.initial_states import Head, StatesWanted, states_of
from ixproxy.node.rows import AgentRow
from ixproxy.node.work import ConnectionLost
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import read_frame
from ixproxy.wire.shortening import SHORTENED
from ixproxy.wire.streams import StreamKey, filter_of
from tests.node.tried import TriedNode

MAX_FRAME = 1 << 20
BOTH = StreamKey(frozenset([filter_of({1, 2}, {})]))


def wanted(key: StreamKey = BOTH, max_frame: int = MAX_FRAME) -> StatesWanted:
    return StatesWanted(key, 5.0, 101, 3, max_frame)


def read(node: TriedNode, what: StatesWanted) -> tuple[Head, list[EventPlaceAgentState]]:
    """The head, and the states, which have to come in parts."""
    reader = node.store.reader()
    head, *parts = list(states_of(reader, what))
    assert isinstance(head, Head)
    frames = [read_frame(raw) for part in parts if isinstance(part, list) for raw in part]
    assert all(frame.client == what.client for frame in frames)
    assert all(len(frame.raw) - 4 <= what.max_frame for frame in frames)
    states: list[Any] = [decode(frame) for frame in frames]
    assert head.agents == len(states)
    reader.close()
    return head, states


def key(given: dict[str, Any] | None = None, **more: Any) -> StreamKey:
    return StreamKey(frozenset([filter_of({1, 2}, given or {}, **more)]))


def test_nobody_is_logged_in(node: TriedNode) -> None:
    head, states = read(node, wanted())
    assert head == Head(node.core.last_event_number, 0)
    assert states == []


def test_an_agent_is_shown_with_all_that_is_in_hand(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    add = RequestAddMedia(tenant_id=1, agent_id="Ann", media_type_name="email")
    node.ask(ann, add)
    node.ask(
        ann,
        RequestCancelNotReadyForMedia(tenant_id=1, agent_id="Ann", media_type_name="email"),
    )
    ids = [node.submit(mail, user_data={"n": number}) for number in range(3)]
    node.pull_ids(ann, *ids[:2])
    head, (state,) = read(node, wanted())
    assert head.as_of == node.core.last_event_number
    assert (state.event_number, state.dbid, state.event_time) == (head.as_of, 101, 5.0)
    assert (state.tenant_id, state.agent_id, state.place_id) == (1, "Ann", "P-Ann")
    assert state.agent_session is not None
    assert state.media_list == {"email": 1}
    assert state.logged_in_at == node.now
    assert state.interactions.keys() == state.parties.keys() == set(ids[:2])
    assert state.interactions[ids[1]]["UserData"] == {"n": 1}
    assert state.interactions[ids[1]]["AgentId"] == "Ann"
    assert state.parties[ids[0]].agent_id == "Ann"
    assert state.reporting_event_sequence_number == 0


def test_reasons_and_do_not_disturb_are_shown(node: TriedNode) -> None:
    row = AgentRow(
        tenant_id=1,
        agent_id="Ann",
        number=7,
        dbid=102,
        confirmed=True,
        media={"email": 0, "chat": 1},
        donot_disturb=1,
        reasons={"": {"ReasonSystemName": "lunch"}, "email": {"Reason": 4}},
    )
    node.store.begin()
    node.store.write([row], [])
    node.store.commit(50)
    head, (state,) = read(node, wanted())
    assert head.as_of == 50
    assert state.donot_disturb == 1
    assert state.state_reason == Reason(reason_system_name="lunch")
    assert state.media_reasons == {"email": Reason(reason=4)}
    assert state.agent_session == (7, 102)
    _, (narrow,) = read(node, wanted(key({"MediaTypes": {"chat": 1}})))
    assert (narrow.media_list, narrow.media_reasons) == ({"chat": 1}, {})
    assert narrow.state_reason is not None


def test_what_strategies_have_and_who_is_only_provisional_is_not_shown(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    node.submit(mail)
    node.pull(router)
    proxied = node.desktop(through_proxy=True)
    node.ask(proxied, RequestAgentLogin(tenant_id=1, agent_id="Bob", provisional=True))
    assert read(node, wanted())[1] == []


def test_who_is_out_but_not_reported_so_is_shown_until_that_is_told(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(delayed_logout_timeout=30)
    ann = node.agent("Ann")
    node.run(ConnectionLost(ann.session, lasting=False))
    assert node.agents() == []
    _, (state,) = read(node, wanted())
    assert (state.agent_id, state.place_id, state.media_list) == ("Ann", "P-Ann", {})
    stamp = state.agent_session
    node.reported()
    node.wait(31)
    (out,) = node.reported()
    assert (type(out), out.agent_session) == (EventAgentLogout, stamp)
    assert read(node, wanted())[1] == []


def test_a_filter_leaves_out_agents_and_other_media(node: TriedNode) -> None:
    mail = node.media_server()
    ann = node.agent("Ann")
    node.agent("Bob")
    mails, chats = node.submit(mail), node.submit(mail, media_type="chat")
    node.pull_ids(ann, mails, chats)

    def shown(key: StreamKey) -> dict[str, set[str]]:
        return {state.agent_id: set(state.interactions) for state in read(node, wanted(key))[1]}

    assert shown(BOTH) == {"Ann": {mails, chats}, "Bob": set()}
    assert shown(key(agents=["Ann"])) == {"Ann": {mails, chats}}
    assert shown(key(places=["P-Bob"])) == {"Bob": set()}
    assert shown(key({"MediaTypes": ["chat"]})) == {"Ann": {chats}, "Bob": set()}
    assert shown(key({"Events": ["EventAgentLogin"]})) == {"Ann": {mails, chats}, "Bob": set()}
    assert shown(StreamKey(frozenset([filter_of({2}, {})]))) == {}


def test_states_are_of_one_moment_whatever_happens_between_their_parts(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    reader = node.store.reader()
    states = states_of(reader, wanted())
    head = next(states)
    node.pull_ids(ann, id)
    node.agent("Bob")
    (part,) = states
    assert isinstance(head, Head)
    assert isinstance(part, list)
    (state,) = (decode(read_frame(raw)) for raw in part)
    assert isinstance(state, EventPlaceAgentState)
    assert (head.agents, state.interactions) == (1, {})
    reader.close()


def test_many_agents_come_in_parts_of_a_bounded_size(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initial_states, "PART_BYTES", 1000)
    desk = node.desktop()
    for number in range(150):
        node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id=f"a{number:03}"))
    reader = node.store.reader()
    head, *parts = list(states_of(reader, wanted()))
    assert head == Head(node.core.last_event_number, 150)
    sizes = [sum(map(len, part)) for part in parts if isinstance(part, list)]
    assert len(parts) > 10
    assert all(1000 <= size < 1500 for size in sizes[:-1])
    reader.close()


def test_a_state_that_fits_no_frame_is_shown_without_user_data(node: TriedNode) -> None:
    mail, ann, bob = node.media_server(), node.agent("Ann"), node.agent("Bob")
    ids = [node.submit(mail, user_data={"text": "x" * 5000}) for _ in range(30)]
    node.pull_ids(ann, *ids[:29])
    node.pull_ids(bob, ids[29])
    _, (long, short) = read(node, wanted(max_frame=40_000))
    assert long.extension == {SHORTENED: 1}
    assert long.interactions.keys() == long.parties.keys() == set(ids[:29])
    assert all("UserData" not in each for each in long.interactions.values())
    assert all(each["Queue"] == "Inbound" for each in long.interactions.values())
    assert short.interactions[ids[29]]["UserData"] == {"text": "x" * 5000}
    assert short.extension == {}


def test_user_data_that_only_just_does_not_fit_is_left_out_too(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail, user_data={"text": "x" * 5000})
    node.pull_ids(ann, id)
    _, (state,) = read(node, wanted(max_frame=5100))
    assert state.extension == {SHORTENED: 1}
    assert "UserData" not in state.interactions[id]


def test_a_state_of_too_many_interactions_keeps_what_fits(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    ids = [node.submit(mail) for _ in range(30)]
    node.pull_ids(ann, *ids)
    _, (bare,) = read(node, wanted(max_frame=4000))
    assert bare.interactions == {id: {} for id in ids}
    assert set(bare.parties) == set(ids)
    _, (barest,) = read(node, wanted(max_frame=400))
    assert (barest.interactions, barest.parties) == ({}, {})
    assert barest.extension == {SHORTENED: 1}
    assert barest.agent_id == "Ann"


def test_a_reader_that_fails_ends_its_moment(node: TriedNode) -> None:
    node.agent("Ann")
    reader: Any = node.store.reader()

    def broken(*_: object) -> list[Any]:
        raise StorageError("gone")

    reader.fetch_by = broken
    with pytest.raises(StorageError):
        list(states_of(reader, wanted()))
    assert reader.begin() == node.core.last_event_number
    reader.close()
