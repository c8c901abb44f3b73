"""Workbins through a proxy: it listens once on each node, and tells all who wish."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestClientsGone,
    RequestRegisterClient,
    RequestUnregisterClient,
    RequestWorkbinCancelNotifications,
    RequestWorkbinNotifications,
)
from ixproxy.wire.codec import encode
from tests.core.chained import Inner
from tests.core.rig import EAST, NORTH, Rig, decode, only
from tests.core.workbins import (
    BOTH,
    CHANGES,
    NODES,
    STOPS,
    TEAM,
    accept,
    begin,
    cancel,
    changed,
    listen,
    listeners,
    listening,
    nothing,
    tell,
)


def test_the_first_listener_is_asked_for_on_all_nodes_the_second_is_answered_here() -> None:
    rig, first = listening()
    second = rig.client()
    rig.ask(second, listen())
    assert only(rig.got(second)) == EventAck()
    assert nothing(rig)
    tell(rig, changed())
    for peer in (first, second):
        assert only(rig.got(peer)) == changed()


def test_an_event_is_the_same_bytes_for_all_who_listen() -> None:
    rig, first = listening()
    second = rig.client()
    rig.ask(second, listen())
    rig.got(second)
    raw = encode(changed(interaction={"k": "v"}))
    rig.from_node(EAST, raw)
    assert [only(rig.got_frames(peer)).raw for peer in (first, second)] == [raw, raw]


def test_wishes_differ_and_nodes_are_asked_for_all_of_them_together() -> None:
    rig, plain = listening()
    curious, last = rig.client(), rig.client()
    rig.ask(curious, listen(CHANGES))
    accept(rig, listen(CHANGES))
    rig.got(curious)
    rig.ask(last, listen(STOPS))
    accept(rig, listen(BOTH))
    rig.got(last)
    for operation in ("PlacedIn", "TakenOut", "PropertiesChanged", "ProcessingStopped"):
        tell(rig, changed(operation))

    def heard(peer: int) -> list[str]:
        return [event.workbin_content_operation for event in rig.got(peer)]

    assert heard(plain) == ["PlacedIn", "TakenOut"]
    assert heard(curious) == ["PlacedIn", "TakenOut", "PropertiesChanged"]
    assert heard(last) == ["PlacedIn", "TakenOut", "ProcessingStopped"]
    rig.hang_up(curious)
    for node in NODES:
        frames = {type(decode(frame)): frame for frame in rig.sent(node)}
        assert decode(frames[RequestWorkbinNotifications]) == listen(STOPS)


def test_who_asks_again_has_the_wishes_of_the_last_time() -> None:
    rig, peer = listening(BOTH)
    rig.ask(peer, listen())
    assert only(rig.got(peer)) == EventAck()
    accept(rig, listen())
    tell(rig, changed("PropertiesChanged"))
    assert rig.got(peer) == []


def test_the_last_one_that_leaves_ends_it_upstream() -> None:
    rig, first = listening()
    second = rig.client()
    rig.ask(second, listen())
    rig.got(second)
    rig.ask(first, cancel())
    assert only(rig.got(first)) == EventAck()
    assert nothing(rig)
    tell(rig, changed())
    assert rig.got(first) == []
    assert only(rig.got(second)) == changed()
    rig.ask(second, cancel())
    assert only(rig.got(second)) == EventAck(), "it need not wait for the nodes"
    accept(rig, cancel())
    assert listeners(rig) == 0
    tell(rig, changed())
    assert rig.got(second) == []
    assert rig.core.state.counters["events for nobody"] == 1


@pytest.mark.parametrize("how", ["hang up", "unregister", "again", "elsewhere"])
def test_a_client_that_goes_listens_no_more(how: str) -> None:
    rig = Rig()
    session = b"s" * 16
    peer = rig.client(session=session, incarnation=1)
    begin(rig, peer)
    newer = RequestRegisterClient(
        client_name="a", client_type="AgentApplication", session=session, incarnation=2
    )
    if how == "hang up":
        rig.hang_up(peer)
    elif how == "unregister":
        rig.ask(peer, RequestUnregisterClient())
    else:
        rig.ask(peer if how == "again" else rig.peer(), newer)
    for node in NODES:
        sent = [decode(frame) for frame in rig.sent(node)]
        assert cancel() in sent
    assert listeners(rig) == 0


def test_the_end_of_what_was_never_begun_is_for_a_node_to_refuse() -> None:
    rig, _ = listening()
    stranger = rig.client()
    rig.ask(stranger, cancel())
    frame = only(rig.sent(EAST))
    assert frame.client != 0, "in the client's own name"
    rig.refuse(EAST, frame, Code.NOT_SUBSCRIBED)
    assert only(rig.got(stranger)).error_code == Code.NOT_SUBSCRIBED
    for node in NODES:
        rig.lose(node)
    rig.ask(stranger, cancel())
    assert only(rig.got(stranger)).error_code == Code.NOT_ACCESSIBLE


@pytest.mark.parametrize("what", ["MOST_OF_CLIENT", "MOST_OF_PROXY", "MOST_IN_ALL"])
def test_too_many_are_refused_here(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"ixproxy.core.workbin_listeners.{what}", 1)
    rig, peer = listening()
    rig.ask(peer, listen(CHANGES))
    accept(rig, listen(CHANGES))
    assert only(rig.got(peer)) == EventAck()
    rig.ask(peer, listen(workbin=TEAM))
    assert only(rig.got(peer)).error_code == Code.LIMIT_REACHED
    assert nothing(rig)


def test_an_event_that_is_too_long_for_a_hop_says_what_it_is_about() -> None:
    rig = Rig(min_peer_frame=300)
    short, tiny, whole = rig.client(max_frame=400), rig.client(max_frame=300), rig.client()
    for peer in (short, tiny, whole):
        rig.ask(peer, listen())
    for node in NODES:
        for frame in rig.sent(node):
            rig.answer(node, frame, EventAck())
    for peer in (short, tiny, whole):
        rig.got(peer)
    event = changed(interaction={"k": "v" * 150, "UserData": {"x": "y" * 500}})
    tell(rig, event)
    assert only(rig.got(whole)) == event
    less = only(rig.got(short))
    assert less.extension == {"Shortened": 1}
    assert less.interaction == {"k": "v" * 150}
    assert rig.got(tiny) == []
    assert rig.core.state.counters["events too long"] == 1


def test_whoever_hears_that_something_is_there_is_led_to_it() -> None:
    rig, _ = listening()
    tell(rig, changed("TakenOut"), NORTH)
    assert rig.core.state.owners.of(b"i1") is None
    tell(rig, changed("PlacedIn"), NORTH)
    assert rig.core.state.owners.of(b"i1") == NORTH


def test_an_event_of_no_workbin_is_for_nobody() -> None:
    rig, peer = listening()
    tell(rig, changed(workbin=None))
    tell(rig, changed(workbin=TEAM))
    assert rig.got(peer) == []
    assert rig.core.state.counters["events for nobody"] == 2


def test_a_proxy_behind_this_one_listens_for_all_its_clients() -> None:
    rig = Inner()
    rig.ask(rig.edge, listen())
    accept(rig, listen())
    assert only(rig.got(rig.edge)) == EventAck()
    tell(rig, changed())
    frame = only(rig.got_frames(rig.edge))
    assert (frame.client, decode(frame)) == (0, changed())
    rig.ask(rig.edge, cancel(TEAM))
    assert only(rig.got(rig.edge)).error_code == Code.NOT_SUBSCRIBED
    rig.hang_up(rig.edge)
    for node in NODES:
        gone, ended = (decode(frame) for frame in rig.sent(node))
        assert {type(gone), type(ended)} == {
            RequestClientsGone,
            RequestWorkbinCancelNotifications,
        }


def test_a_client_of_another_kind_of_proxy_is_told_under_its_number() -> None:
    """A multiplexer of the field's subscribes for each of its clients."""
    rig = Inner(clients=2)
    for number in rig.numbers_at_edge:
        rig.ask(rig.edge, listen(), client=number)
    for node in NODES:
        for frame in rig.sent(node):
            rig.answer(node, frame, EventAck())
    assert rig.got(rig.edge) == [EventAck(), EventAck()]
    tell(rig, changed())
    assert [frame.client for frame in rig.got_frames(rig.edge)] == rig.numbers_at_edge
