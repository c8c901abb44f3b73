"""Reporting through the proxy: who gets which stream, from when on, and with what in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy import messages as m
from ixproxy.core.clients import Peer
from ixproxy.core.streams import NOTE_SPACING
from ixproxy.core.upstream_streams import SPACING
from ixproxy.effects import ResetLink
from ixproxy.errors import Code
from ixproxy.messages.message import Party
from ixproxy.values import TenantFacts
from ixproxy.wire.codec import encode
from ixproxy.wire.names import BY_MESSAGE, Kind
from ixproxy.wire.prefix import write_frame
from tests.core.reporting import (
    ALL,
    ANNA,
    NO_MORE,
    NODES,
    STARTS,
    STOPS,
    Reporting,
    names,
    numbers,
    submitted,
)
from tests.core.rig import EAST, MEDIA, NORTH, TENANT, WEST, apart, only

OTHER = 2


def test_a_stream_is_granted_at_once_and_begins_when_every_node_has_told_its_agents() -> None:
    rig = Reporting()
    peer = rig.reporter()
    rig.ask(peer, ALL)
    assert names(rig.got(peer)) == ["EventAck"]
    rig.grant(EAST, ANNA)
    rig.grant(NORTH)
    rig.grant(WEST, end=False)
    assert not rig.got(peer), "one node is still telling"
    rig.end(WEST)
    begin, state, end = rig.got(peer)
    assert (begin.activity, begin.number_of_agents, begin.reporting_event_sequence_number) == (
        "Begin", 1, 0,
    )  # fmt: skip
    assert (state.agent_id, state.agent_session) == ("anna", ANNA.agent_session)
    assert not state.reporting_event_sequence_number
    assert end.activity == "End"
    rig.happen(EAST, submitted("one"), submitted("two"))
    rig.happen(WEST, submitted("three"))
    frames = rig.got_frames(peer)
    assert {frame.client for frame in frames} == {0}
    assert [frame.interaction for frame in frames] == ["one", "two", "three"]


def test_the_nodes_are_asked_with_the_first_client_and_told_with_the_last() -> None:
    """Test idea 44: the last subscriber gone means the upstream dropped."""
    rig = Reporting()
    one, other = rig.reporter(), rig.reporter()
    assert not rig.asked(EAST), "nobody reports"
    rig.ask(one, ALL)
    for node in NODES:
        frame = only(rig.asked(node))
        assert frame.client == 0
        rig.to_node[node].append(frame)
        rig.grant(node)
    rig.ask(other, ALL)
    assert not any(rig.asked(node) for node in NODES), "it is had already"
    assert names(rig.got(other)) == ["EventAck", "EventActivityReport", "EventActivityReport"]
    rig.ask(one, NO_MORE)
    assert not any(rig.asked(node, STOPS) for node in NODES)
    rig.hang_up(other)
    assert all(only(rig.asked(node, STOPS)).client == 0 for node in NODES)
    rig.got(one)
    rig.happen(EAST, submitted("late"))
    assert not rig.got(one)
    assert rig.core.state.counters["events of no stream"] == 1
    rig.ask(one, ALL)
    rig.grant(EAST, ANNA)
    rig.grant(NORTH)
    rig.grant(WEST)
    assert "EventPlaceAgentState" in names(rig.got(one)), "all is asked for anew"


@pytest.mark.parametrize("way", ["all", "unregister", "connection", "registered anew"])
def test_a_client_that_leaves_has_no_stream_any_more(way: str) -> None:
    rig = Reporting()
    peer = rig.reporting()
    match way:
        case "all":
            rig.ask(peer, NO_MORE)
        case "unregister":
            rig.ask(peer, m.RequestUnregisterClient())
        case "connection":
            rig.hang_up(peer)
        case _:
            rig.ask(
                peer,
                m.RequestRegisterClient(client_name="again", client_type="ReportingEngine"),
            )
    assert all(rig.asked(node, STOPS) for node in NODES)
    rig.got(peer)
    rig.happen(EAST, submitted("one"))
    assert not rig.got(peer)
    rig.ask(rig.reporter(), NO_MORE)
    assert not any(rig.asked(node, STOPS) for node in NODES), "there is nothing to end"


@given(st.lists(st.sampled_from(["happen", "join", "leave", "tick"]), max_size=40))
def test_who_comes_in_mid_flight_gets_a_state_that_fits_what_follows(steps: list[str]) -> None:
    """Test idea 43: no gap, no repeat."""
    rig = Reporting()
    keeper = rig.reporting(ANNA)
    heard: dict[int, list[Any]] = {keeper: []}
    joined_at: dict[int, int] = {keeper: 0}
    happened = 0
    for step in steps:
        if step == "happen":
            happened += 1
            node = NODES[happened % 3]
            rig.happen(node, submitted(f"i{happened}"))
        elif step == "join":
            peer = rig.reporter()
            rig.ask(peer, ALL)
            heard[peer], joined_at[peer] = [], happened
        elif step == "leave" and len(heard) > 1:
            peer = max(heard)
            rig.ask(peer, NO_MORE)
            rig.got(peer)
            del heard[peer]
        else:
            rig.tick(0.25)
    for peer in heard:
        events = rig.got(peer)
        if peer != keeper:
            assert names(events[:4]) == [
                "EventAck", "EventActivityReport", "EventPlaceAgentState", "EventActivityReport",
            ]  # fmt: skip
            assert events[1].reporting_event_sequence_number == joined_at[peer]
            events = events[4:]
        assert numbers(events) == list(range(joined_at[peer] + 1, happened + 1))
        assert [event.interaction_id for event in events] == [
            f"i{number}" for number in range(joined_at[peer] + 1, happened + 1)
        ]


def test_all_that_want_the_same_get_the_same_bytes() -> None:
    rig = Reporting()
    peers = [rig.reporting(), *(rig.reporter() for _ in range(3))]
    for peer in peers[1:]:
        rig.ask(peer, ALL)
    raws = [rig.next(EAST, submitted(f"i{number}")) for number in range(3)]
    rig.core.node_frames_received(EAST, raws, rig.now)
    outputs = [one for one in rig.core.take_outputs() if isinstance(one, Peer)]
    entries = [only(destination.take()) for destination in outputs]
    assert len(entries) == 4
    assert len({id(entry) for entry in entries}) == 1, "one object, shared"
    assert len(apart(entries[0])) == 3


def test_a_filter_leaves_events_out_and_says_which_came_before() -> None:
    rig = Reporting()
    whole, chats = rig.reporting(ANNA), rig.reporter()
    rig.happen(EAST, submitted("i1"))
    rig.ask(chats, STARTS(filter={"MediaTypes": {"chat": 1}}))
    assert rig.got(chats)[1].reporting_event_sequence_number == 1
    rig.happen(EAST, submitted("i2"), submitted("i3", media_type="chat"), submitted("i4"))
    rig.happen(WEST, submitted("i5", media_type="chat"))
    late = rig.reporter()
    rig.ask(late, STARTS(filter={"MediaTypes": {"chat": 1}}))
    assert rig.got(late)[1].reporting_event_sequence_number == 5
    rig.happen(EAST, submitted("i6"), submitted("i7", media_type="chat"))
    assert [
        (event.reporting_event_sequence_number, event.previous_sequence_number)
        for event in rig.got(chats)
    ] == [(3, 1), (5, 3), (7, 5)]
    assert [
        (event.reporting_event_sequence_number, event.previous_sequence_number)
        for event in rig.got(late)
    ] == [(7, 5)]
    assert numbers(rig.got(whole)) == [1, 2, 3, 4, 5, 6, 7]


def test_named_places_add_up_and_end_one_by_one() -> None:
    """Test idea 44: one place, another, and the end of each."""
    rig = Reporting()
    rig.reporting(ANNA)
    peer = rig.reporter()

    def hears(place: str) -> bool:
        rig.tick(SPACING)
        rig.got(peer)
        party = Party(agent_id="anna", place_id=place)
        rig.happen(
            EAST,
            m.EventTakenFromQueue(
                tenant_id=TENANT, media_type="email", interaction_id="x", party=party
            ),
        )
        return bool(rig.got(peer))

    start, stop = m.RequestStartPlaceAgentStateReporting, m.RequestStopPlaceAgentStateReporting
    rig.ask(peer, start(tenant_id=TENANT, places=["desk"]))
    assert names(rig.got(peer)) == [
        "EventAck", "EventActivityReport", "EventPlaceAgentState", "EventActivityReport",
    ]  # fmt: skip
    assert (hears("desk"), hears("hall")) == (True, False)
    rig.ask(peer, start(tenant_id=TENANT, places=["hall"]))
    assert (hears("desk"), hears("hall")) == (True, True)
    rig.ask(peer, stop(tenant_id=TENANT, places=["desk"]))
    assert (hears("desk"), hears("hall")) == (False, True)
    rig.ask(peer, stop(tenant_id=TENANT, places=["hall"]))
    assert (hears("desk"), hears("hall")) == (False, False)


def test_a_stream_that_begins_anew_does_so_once_a_second() -> None:
    rig = Reporting()
    peer = rig.reporting()
    for _ in range(3):
        rig.ask(peer, ALL)
    assert names(rig.got(peer)) == ["EventAck"] * 3
    rig.happen(EAST, submitted("one"))
    assert not rig.got(peer), "its state will tell"
    rig.tick(SPACING)
    begin, _ = rig.got(peer)
    assert begin.reporting_event_sequence_number == 0, "nobody had a stream meanwhile"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (STARTS(filter={"Colour": {}}), "Filter['Colour']"),
        (STARTS(filter={"Agents": 1}), "Filter['Agents']"),
        (STARTS(tenants={"T": "x"}), "Tenants['T']"),
        (STARTS(tenants={"T": 9}), "tenant 9 is not known"),
        (STARTS(tenants={"T": OTHER}), "does not work for tenant 2"),
        (m.RequestStartPlaceAgentStateReporting(tenant_id=TENANT), "Places"),
        (m.RequestStartPlaceAgentStateReporting(tenant_id=9, places=["x"]), "tenant 9"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_key(message: Any, text: str) -> None:
    tenants = {TENANT: TenantFacts(TENANT, "A", MEDIA), OTHER: TenantFacts(OTHER, "B", MEDIA)}
    rig = Reporting(tenants=tenants)
    peer = rig.reporter(tenants=[TENANT])
    rig.ask(peer, message)
    assert text in only(rig.got(peer)).error_description
    assert not rig.asked(EAST)


def test_a_stream_has_the_tenants_of_its_client_and_no_others() -> None:
    tenants = {TENANT: TenantFacts(TENANT, "A", MEDIA), OTHER: TenantFacts(OTHER, "B", MEDIA)}
    rig = Reporting(tenants=tenants)
    rig.reporting()
    mine, both, named = (rig.reporter(tenants=[TENANT]), rig.reporter(), rig.reporter())
    rig.ask(mine, STARTS(tenants={"a": TENANT, "b": OTHER}))
    rig.ask(both, ALL)
    rig.ask(named, STARTS(tenants={"b": OTHER}))
    for peer in (mine, both, named):
        rig.got(peer)
    rig.happen(EAST, submitted("ours"), submitted("theirs", tenant_id=OTHER))
    assert [numbers(rig.got(peer)) for peer in (mine, both, named)] == [[1], [1, 2], [1]]


def test_a_client_behind_a_proxy_has_its_stream_of_that_proxy() -> None:
    rig = Reporting()
    edge = rig.client("Proxy", client_name="edge", path=["edge"])
    rig.ask(
        edge,
        m.RequestRegisterClient(client_name="stat", client_type="ReportingEngine", path=["edge"]),
    )
    for node in NODES:
        rig.accept(node)
    number = only(rig.got(edge)).proxy_client_id
    rig.ask(edge, ALL, client=number)
    assert only(rig.got(edge)).error_code == Code.NOT_ALLOWED
    rig.ask(edge, ALL)
    assert names(rig.got(edge)) == ["EventAck"], "the proxy itself may"
    assert all(rig.asked(node) for node in NODES)


def test_a_desktop_may_not() -> None:
    rig = Reporting()
    desk = rig.client()
    rig.ask(desk, ALL)
    assert only(rig.got(desk)).error_code == Code.NOT_ALLOWED


def test_a_proxy_that_does_not_keep_up_loses_its_stream_and_may_begin_anew() -> None:
    rig = Reporting()
    keeper = rig.reporting()
    edge = rig.client("Proxy", client_name="edge", path=["edge"])
    rig.ask(edge, ALL)
    rig.got(edge)
    rig.core.stream_outrun(edge, rig.now)
    rig.pump()
    assert only(rig.got(edge)).activity == "Lost"
    rig.happen(EAST, submitted("one"))
    assert not rig.got(edge)
    assert len(rig.got(keeper)) == 1
    rig.ask(edge, ALL)
    assert rig.got(edge)[1].reporting_event_sequence_number == 1
    rig.core.stream_outrun(99, rig.now)


def test_what_is_about_no_agent_that_is_known_is_dropped_counted_and_logged_now_and_then() -> None:
    """Test idea 42."""
    rig = Reporting()
    peer = rig.reporting()
    unknown = m.EventPartyAdded(
        tenant_id=TENANT,
        media_type="email",
        interaction_id="x",
        agent_id="ghost",
        agent_session=(3, 101),
        party=Party(agent_id="ghost"),
    )
    rig.happen(EAST, unknown, unknown)
    assert not rig.got(peer)
    rig.tick(0.25)
    assert only(rig.noted("not logged in")).fields == {"number": 2}
    rig.happen(EAST, unknown)
    rig.tick(0.25)
    assert len(rig.noted("not logged in")) == 1, "not each by itself"
    rig.tick(NOTE_SPACING)
    assert [note.fields["number"] for note in rig.noted("not logged in")] == [2, 1]


@pytest.mark.parametrize("fast_path", [True, False])
def test_a_bad_event_breaks_the_link_as_any_other_breach_does(fast_path: bool) -> None:
    rig = Reporting(fast_path=fast_path)
    peer = rig.reporting()
    good = rig.next(EAST, submitted("good"))
    bad = write_frame(Kind.EVENT, BY_MESSAGE[m.EventAgentLogin].code, body=b"\xc1")
    rig.core.node_frames_received(EAST, [good, bad], rig.now)
    rig.pump()
    assert names(rig.got(peer)) == ["EventInteractionSubmitted"], "what came before it counts"
    assert any(isinstance(effect, ResetLink) for effect in rig.effects)


@pytest.mark.parametrize("fast_path", [True, False])
def test_what_follows_an_event_for_the_same_client_stays_behind_it(fast_path: bool) -> None:
    rig = Reporting(fast_path=fast_path)
    peer = rig.reporting()
    number = next(iter(rig.core.link(EAST).clients))
    raws = [
        rig.next(EAST, submitted("first")),
        encode(m.EventPropertiesChanged(tenant_id=TENANT, interaction_id="second"), client=number),
        rig.next(EAST, submitted("third")),
    ]
    rig.core.node_frames_received(EAST, raws, rig.now)
    rig.pump()
    assert [event.interaction_id for event in rig.got(peer)] == ["first", "second", "third"]


def test_both_paths_put_out_the_same_bytes() -> None:
    seen = []
    for fast_path in (True, False):
        rig = Reporting(fast_path=fast_path)
        peer = rig.reporting(ANNA)
        rig.happen(EAST, submitted("one"), submitted("two"))
        rig.happen(NORTH, submitted("three", media_type="chat"))
        seen.append([frame.raw for frame in rig.got_frames(peer)])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 3


def test_what_is_no_event_of_a_stream_is_ignored() -> None:
    rig = Reporting()
    peer = rig.reporting()
    rig.from_node(EAST, write_frame(Kind.EVENT, 999))
    rig.from_node(EAST, write_frame(Kind.EVENT, BY_MESSAGE[m.EventAck].code))
    assert not rig.got(peer)
    assert rig.core.link(EAST).linked


def test_the_status_says_how_many_streams_and_readers_there_are() -> None:
    rig = Reporting()
    for peer in (rig.reporting(), rig.reporter(), rig.reporter()):
        rig.ask(peer, ALL if peer % 2 else STARTS(filter={"Events": {"EventAgentLogin": 1}}))
    rig.happen(EAST, submitted("one"))
    rig.effects.clear()
    rig.ask(rig.client(), m.RequestServerStatus())
    status = next(each.status for each in rig.effects if hasattr(each, "status"))
    assert status.proxy_status.streams == 2
    assert status.proxy_status.subscribers == 3
    assert status.counters["composed events"] == 1
