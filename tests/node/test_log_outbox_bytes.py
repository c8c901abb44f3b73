"""The spool of an event log is bounded in bytes, as it is in events; whichever is reached first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import RequestSubmit
from ixproxy.messages.message import Event
from ixproxy.node.log_packs import Amount
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Bound, Dropped, LogGrew, LogRefused
from ixproxy.node.model import NodeSettings
from ixproxy.node.work import Answer, Asked, Sender
from tests.node.test_log_outbox import (
    SUBMIT,
    entries,
    events,
    gaps,
    grown,
    ship,
    ship_nothing,
    spool,
    with_rules,
)
from tests.node.tried import TriedNode

LARGE = 1000
"""Bytes of user data of each interaction here."""


def submit(mail: Sender, size: int = LARGE) -> Asked:
    return Asked(mail, RequestSubmit(**SUBMIT, user_data={"a": "x" * size}), 0, "a")


@pytest.fixture
def one(make_node: Callable[..., TriedNode]) -> int:
    """Bytes of the event of one of them, or some more."""
    node = make_node()
    node.run(submit(node.media_server()))
    (size,) = node.logged_sizes("log")
    assert LARGE < size < LARGE + 1000
    return size + 50


def bounded(node: TriedNode, events: float, one: int, **more: Any) -> Sender:
    """A node whose spool has bytes for so many events."""
    with_rules(node, log=LogRules(max_bytes=int(events * one), **more))
    return node.media_server()


def test_what_does_not_fit_by_its_bytes_is_counted_at_its_place(node: TriedNode, one: int) -> None:
    mail = bounded(node, 5, one)
    node.run(*[submit(mail)] * 3)
    node.run(*[submit(mail)] * 4)
    (grew,) = node.effects(LogGrew)
    first = events(entries(node, ship_nothing(node)))[0]
    size = sum(node.logged_sizes("log"))
    assert size <= 5 * one
    assert grew == LogGrew("log", 5, size, 2, first + 5, Bound.BYTES)
    node.run(submit(mail))
    found = entries(node, ship(node))
    assert events(found) == list(range(first, first + 5))
    (gap,) = gaps(found)
    assert (gap.first, gap.last) == (first + 5, node.core.last_event_number)
    assert gap.events == {"EventInteractionSubmitted": 3}


@pytest.mark.parametrize(
    ("most", "bound"), [(3, Bound.EVENTS), (4, Bound.EVENTS), (5, Bound.BYTES), (9, Bound.BYTES)]
)
def test_the_bound_that_is_reached_first_counts(
    node: TriedNode, one: int, most: int, bound: Bound
) -> None:
    mail = bounded(node, 4, one, max_queue=most)
    node.run(*[submit(mail)] * 6)
    (grew,) = node.effects(LogGrew)
    assert (grew.waiting, grew.dropped, grew.bound) == (min(4, most), 6 - min(4, most), bound)


def test_small_events_do_not_slip_in_behind_a_large_one_that_was_dropped(
    node: TriedNode, one: int
) -> None:
    mail = bounded(node, 4, one)
    node.run(*[submit(mail)] * 3, submit(mail, 2 * LARGE), submit(mail, 1))
    assert grown(node) == [("log", 3, 2)]
    found = entries(node, ship_nothing(node))
    assert [type(each.what) is Dropped for each in found] == [False] * 3 + [True]


def test_an_event_that_alone_is_too_large_is_dropped_and_the_next_one_is_not(
    node: TriedNode, one: int
) -> None:
    mail = bounded(node, 2, one)
    node.run(submit(mail, 5 * LARGE), submit(mail))
    assert grown(node) == [("log", 0, 2)]
    node.run(submit(mail))
    assert grown(node) == [("log", 1, 0)]
    found = entries(node, ship_nothing(node))
    assert isinstance(found[0].what, Dropped)
    assert isinstance(found[1].what, Event)


@pytest.mark.parametrize(
    ("most", "bytes_for", "bound"), [(1000, 20, Bound.BYTES), (20, 1000, Bound.EVENTS)]
)
def test_a_gap_stays_open_until_a_tenth_is_free_by_both_bounds(
    node: TriedNode, one: int, most: int, bytes_for: int, bound: Bound
) -> None:
    mail = bounded(node, bytes_for, one, max_queue=most)
    for _ in range(21):
        node.run(submit(mail))
    assert grown(node) == [("log", 20, 1)]
    ship(node, tuple(ship(node, limit=1).bodies), limit=1)
    node.run(submit(mail))
    assert (grown(node), node.effects(LogGrew)[0].bound) == ([("log", 19, 1)], bound)
    ship(node, tuple(ship(node, limit=2).bodies), limit=1)
    node.run(submit(mail))
    assert grown(node) == [("log", 18, 0)]


def test_a_restart_knows_how_many_bytes_wait_and_goes_on(node: TriedNode, one: int) -> None:
    mail = bounded(node, 4, one)
    node.run(*[submit(mail)] * 2)
    node.run(submit(mail))
    before = spool(node)
    assert before.waiting_bytes == sum(node.logged_sizes("log")) > 3 * LARGE
    node.restart()
    assert spool(node) == before
    node.run(*[submit(mail)] * 3)
    assert grown(node) == [("log", 4, 2)]
    node.restart()
    node.run(submit(mail))
    assert grown(node) == [("log", 4, 1)]
    assert node.effects(LogGrew)[0].bound is Bound.BYTES


def test_what_was_shipped_leaves_room_also_after_a_restart(node: TriedNode, one: int) -> None:
    mail = bounded(node, 4, one)
    for _ in range(4):
        node.run(submit(mail))
    first = ship(node, limit=2)
    assert (first.left, first.left_bytes) == (4, sum(node.logged_sizes("log")))
    rest = ship(node, tuple(first.bodies), limit=2)
    assert (rest.left, rest.left_bytes) == (2, sum(node.logged_sizes("log")))
    node.restart()
    assert spool(node).waiting_bytes == rest.left_bytes
    assert spool(node).oldest.events == 2
    node.run(*[submit(mail)] * 3)
    assert grown(node) == [("log", 4, 1)]
    everything = ship(node)
    nothing = ship(node, tuple(everything.bodies))
    assert (nothing.left, nothing.left_bytes) == (0, 0)
    node.restart()
    assert spool(node).next == spool(node).oldest == Amount()


def test_a_smaller_bound_drops_nothing_that_waits(node: TriedNode, one: int) -> None:
    mail = bounded(node, 4, one)
    node.run(*[submit(mail)] * 4)
    with_rules(node, log=LogRules(max_bytes=one))
    node.run(submit(mail))
    assert grown(node) == [("log", 4, 1)]


def test_a_mandatory_log_that_is_full_by_bytes_has_requests_refused(
    node: TriedNode, one: int
) -> None:
    mail = bounded(node, 2, one, mandatory=True)
    node.run(*[submit(mail)] * 5)
    kinds = [type(each) for each in node.outcome.effects if type(each) in (Answer, LogRefused)]
    assert kinds == [Answer] * 3 + [LogRefused] * 2, "it is full once the bound is reached"
    assert node.effects(LogRefused)[0] == LogRefused("log", Bound.BYTES)
    assert node.refusal(mail, submit(mail).message) == Code.EVENT_LOG_FULL
    found = ship(node)
    assert gaps(entries(node, found)) == []
    ship(node, tuple(found.bodies))
    assert isinstance(node.perform(mail, submit(mail).message), Answer)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 3000), max_size=4), st.integers(0, 2), st.booleans()),
        max_size=12,
    )
)
def test_however_it_goes_the_spool_is_known_and_within_its_bounds_and_all_is_counted(
    steps: list[tuple[list[int], int, bool]],
) -> None:
    node = TriedNode(NodeSettings())
    with_rules(node, log=LogRules(max_queue=8, max_bytes=9000))
    mail = node.media_server()
    submitted = told = dropped = 0
    for sizes, rows, restarts in steps:
        node.run(*[submit(mail, size) for size in sizes])
        submitted += len(sizes)
        found = ship(node, limit=rows) if rows else None
        if found is not None and found.bodies:
            some = entries(node, found)
            told += len(events(some))
            dropped += sum(sum(gap.events.values()) for gap in gaps(some))
            ship(node, tuple(found.bodies), limit=1)
        if restarts:
            node.restart()
        left = node.logged_sizes("log")
        assert (spool(node).waiting, spool(node).waiting_bytes) == (len(left), sum(left))
        assert len(left) <= 8
        assert sum(left) <= 9000
    waits = entries(node, ship_nothing(node))
    dropped += sum(sum(gap.events.values()) for gap in gaps(waits))
    assert told + len(events(waits)) + dropped == submitted
    node.discard()
