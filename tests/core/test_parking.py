"""Requests that wait for their node while its pair switches over."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestChangeProperties,
    RequestPlaceInQueue,
    RequestPull,
    RequestStopProcessing,
)
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, write_frame
from tests.core.parked import (
    ACCEPT,
    ASK,
    NAMED,
    WINDOW,
    asking,
    changed,
    codes,
    known,
    line_of,
    sent_ids,
)
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, facts, only


def test_a_request_waits_for_its_owner_and_is_answered_when_that_is_back() -> None:
    rig, peer = known()
    rig.lose(EAST)
    reference = rig.ask(peer, ASK)
    rig.tick(3)
    assert not rig.got(peer)
    rig.link(EAST)
    frame = only(rig.sent(EAST))
    rig.answer(EAST, frame, EventAck())
    assert only(rig.got_frames(peer)).reference == reference
    line = line_of(rig)
    assert (line.parked, line.handed_on, line.given_up, line.dropped) == (1, 1, 0, 0)
    assert rig.core.parking.count == rig.core.parking.size == rig.core.link(EAST).parked == 0


@pytest.mark.parametrize("window", [0.0, WINDOW])
def test_it_is_off_by_default_and_nothing_waits_for_a_node_that_never_was_there(
    window: float,
) -> None:
    rig = Rig(link=False, parking_window=window)
    for node in (NORTH, WEST):
        rig.link(node)
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, ASK)
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE]
    if not window:
        rig.link(EAST)
        rig.lose(EAST)
        rig.ask(peer, ASK)
        assert codes(rig, peer) == [Code.NOT_ACCESSIBLE]
    assert not rig.core.parking.lines


def test_nothing_waits_longer_than_the_window_after_the_loss() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.tick(WINDOW - 1)
    rig.ask(peer, ASK)
    rig.tick(1)
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE]
    rig.ask(peer, ASK)
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE], "it is not switching over any more"
    assert line_of(rig).given_up == 1


def test_a_node_that_comes_and_goes_gets_no_second_window() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, ASK)
    rig.tick(WINDOW / 2)
    rig.core.node_connected(EAST, rig.now)
    rig.lose(EAST)
    rig.tick(WINDOW / 2)
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE]


@pytest.mark.parametrize("fast_path", [True, False])
def test_what_comes_later_for_the_node_stays_behind(fast_path: bool) -> None:
    rig, peer = known(fast_path=fast_path, parking_rate=4)
    other = rig.client()
    rig.lose(EAST)
    for identifier in "abcab":
        rig.ask(peer, asking(identifier))
    rig.link(EAST)
    assert sent_ids(rig) == ["a"], "as much as the pace allows at once"
    rig.ask(other, RequestStopProcessing(**NAMED))
    assert sent_ids(rig) == ["b"], "each that comes moves another one on"
    rig.ask(peer, asking("w"))
    assert sent_ids(rig, WEST) == ["w"], "other nodes are not concerned"
    rig.tick(0.5)
    assert sent_ids(rig) == ["c", "a"]
    rig.tick(0.5)
    assert sent_ids(rig) == ["b", "a"]
    rig.ask(peer, asking("c"))
    assert sent_ids(rig) == ["c"]


def test_a_line_that_drains_never_grows() -> None:
    rig, peer = known(parking_rate=1, max_parked_per_node=3)
    rig.lose(EAST)
    for identifier in "abc":
        rig.ask(peer, asking(identifier))
    rig.link(EAST)
    for _ in range(20):
        rig.ask(peer, ASK)
    assert len(rig.sent(EAST)) == 21
    assert rig.core.link(EAST).parked == 2
    assert not rig.got(peer)
    assert line_of(rig).no_room == 0


def test_nothing_is_kept_back_behind_nothing() -> None:
    rig, peer = known(parking_rate=1)
    rig.lose(EAST)
    for identifier in "ab":
        rig.ask(peer, asking(identifier))
    rig.link(EAST)
    rig.ask(peer, asking("c"))
    assert sent_ids(rig) == ["a", "b", "c"]


def test_a_line_that_is_longer_than_it_may_be_by_now_still_drains() -> None:
    rig, peer = known(parking_rate=1)
    rig.lose(EAST)
    for identifier in "abc":
        rig.ask(peer, asking(identifier))
    rig.link(EAST)
    changed(rig, max_parked_per_node=1)
    rig.ask(peer, ASK)
    assert sent_ids(rig) == ["a", "b"]
    assert not rig.got(peer)


def test_whose_own_time_is_up_is_told_that_nothing_was_done() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, ASK, ttl=1000)
    rig.ask(peer, ASK)
    rig.tick(1)
    error = only(rig.got(peer))
    assert (error.error_code, error.in_doubt) == (Code.EXPIRED, False)
    assert rig.core.link(EAST).parked == 1


def test_the_node_is_told_how_much_time_is_left() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, ASK, ttl=5000)
    rig.tick(2)
    rig.link(EAST)
    assert only(rig.sent(EAST)).ttl == 3000
    rig.tick(3)
    assert codes(rig, peer) == [Code.LOST_CONNECTION]


def test_a_time_out_is_found_among_younger_requests() -> None:
    rig, peer = known(parking_rate=1, request_timeout=12.0)
    rig.lose(EAST)
    for identifier in "ab":
        rig.ask(peer, asking(identifier))
    rig.tick(5)
    rig.link(EAST)
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="In/All"))
    rig.tick(1)
    assert rig.core.link(EAST).parked == 0
    rig.tick(6)
    assert codes(rig, peer) == [Code.LOST_CONNECTION] * 2


def test_who_is_gone_is_asked_for_no_more() -> None:
    rig, peer = known()
    other = rig.client()
    rig.lose(EAST)
    rig.ask(peer, ASK)
    rig.ask(other, asking("b"))
    rig.hang_up(peer)
    rig.tick(0.25)
    assert rig.core.parking.count == 1, "there is room again"
    rig.link(EAST)
    assert sent_ids(rig) == ["b"]
    assert line_of(rig).dropped == 1
    assert rig.core.parking.size == 0


def test_a_cancelled_one_gets_its_one_answer() -> None:
    rig, peer = known()
    rig.lose(EAST)
    reference = rig.ask(peer, ASK)
    rig.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    rig.tick(0.25)
    error = only(rig.got(peer))
    assert (error.error_code, error.in_doubt) == (Code.CANCELLED, False)
    rig.link(EAST)
    assert not rig.sent(EAST)


@pytest.mark.parametrize(
    "room",
    [
        {"max_parked": 2},
        {"max_parked_per_node": 2},
        {"max_parked_size": 2 * len(encode(ASK)) + 1},
    ],
    ids=lambda room: next(iter(room)),
)
def test_for_want_of_room_all_is_as_without_parking(room: dict[str, int]) -> None:
    rig, peer = known(**room)
    rig.lose(EAST)
    for _ in range(3):
        rig.ask(peer, ASK)
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE]
    assert line_of(rig).no_room == 1
    rig.lose(WEST)
    rig.ask(peer, asking("w"))
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE][: "max_parked_per_node" not in room]
    rig.link(EAST)
    assert len(rig.sent(EAST)) == 2
    rig.ask(peer, asking("w"))
    assert not rig.got(peer), "there is room again"


def test_a_busy_node_gets_no_more_and_refuses_what_finds_no_room() -> None:
    rig, peer = known(max_parked_per_node=2, max_pending_per_node=1)
    rig.lose(EAST)
    for identifier in "ab":
        rig.ask(peer, asking(identifier))
    rig.link(EAST)
    first = only(rig.sent(EAST))
    rig.ask(peer, asking("c"))
    rig.ask(peer, asking("c"))
    assert codes(rig, peer) == [Code.BUSY]
    rig.tick(1)
    assert not rig.sent(EAST)
    rig.answer(EAST, first, EventAck())
    rig.tick(0.25)
    assert sent_ids(rig) == ["b"]


def test_at_the_end_of_the_window_a_node_that_is_back_gets_all_that_waited_so_long() -> None:
    rig, peer = known(parking_rate=1)
    rig.lose(EAST)
    for identifier in "abc":
        rig.ask(peer, asking(identifier))
    rig.tick(WINDOW - 0.5)
    rig.ask(peer, ASK)
    rig.link(EAST)
    assert sent_ids(rig) == ["a"]
    rig.tick(0.5)
    assert sent_ids(rig) == ["b", "c"]
    assert line_of(rig).handed_on == 3
    assert not rig.got(peer)


def test_a_node_that_is_lost_while_its_line_drains_is_waited_for_again() -> None:
    rig, peer = known(parking_rate=1)
    rig.lose(EAST)
    for identifier in "abc":
        rig.ask(peer, asking(identifier))
    rig.tick(2)
    rig.link(EAST)
    assert sent_ids(rig) == ["a"]
    rig.lose(EAST)
    assert codes(rig, peer) == [Code.LOST_CONNECTION], "that one may have been done"
    rig.tick(2)
    rig.link(EAST)
    rig.tick(1)
    assert sent_ids(rig) == ["b", "c"]


def test_a_client_that_a_returning_node_refuses_cannot_go_there() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, ASK)
    rig.core.node_connected(EAST, rig.now)
    rig.pump()
    greeting = only(rig.sent(EAST))
    rig.answer(EAST, greeting, rig._registered(EAST, decode(greeting)))
    for frame in rig.sent(EAST):
        rig.refuse(EAST, frame, Code.NOT_ALLOWED)
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE]
    assert (line_of(rig).handed_on, line_of(rig).given_up) == (0, 1)


def test_a_node_that_is_removed_is_waited_for_no_more() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, ASK)
    changed(rig, (facts(NORTH), facts(WEST)))
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE]
    assert EAST not in rig.core.parking.lines
    assert rig.core.parking.count == rig.core.parking.size == 0


def test_a_name_that_means_another_node_is_waited_for_no_more() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, ASK)
    changed(rig, (facts(EAST, 999), facts(NORTH), facts(WEST)))
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE]


@pytest.mark.parametrize("back", [True, False])
def test_switched_off_nothing_waits_any_more(back: bool) -> None:
    rig, peer = known(parking_rate=1)
    rig.lose(EAST)
    for identifier in "abc":
        rig.ask(peer, asking(identifier))
    if back:
        rig.link(EAST)
    changed(rig, parking_window=0.0)
    assert sent_ids(rig) == (["a", "b", "c"] if back else [])
    assert codes(rig, peer) == [Code.NOT_ACCESSIBLE] * (0 if back else 3)


def test_nobody_is_told_of_a_silent_request_that_waits_in_vain() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, RequestPlaceInQueue(**NAMED, queue="Q1"), flags=Flag.NO_REPLY)
    rig.ask(peer, RequestChangeProperties(**NAMED), flags=Flag.NO_REPLY)
    rig.tick(WINDOW)
    assert not rig.got(peer)
    (client,) = rig.core.state.clients
    assert not client.inflight
    assert not client.patient


def test_what_it_hands_over_is_held() -> None:
    rig, peer = known()
    rig.lose(EAST)
    rig.ask(peer, ACCEPT)
    rig.link(EAST)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck(take_number=9))
    (client,) = rig.core.state.clients
    assert client.holding == {"a": (9, EAST)}
    assert only(rig.got(peer)).take_number == 9


def test_a_client_with_much_that_waits_goes_on_at_other_nodes() -> None:
    rig, peer = known()
    (client,) = rig.core.state.clients
    rig.lose(EAST)
    for identifier in "abc":
        rig.ask(peer, asking(identifier))
    assert (len(client.inflight), client.on_the_way) == (3, 0)
    rig.link(EAST)
    assert client.on_the_way == 3
