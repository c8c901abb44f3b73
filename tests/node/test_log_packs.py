"""Rows of the outbox for event logs."""

from __future__ import annotations

import msgspec
import pytest

from ixproxy import messages as m
from ixproxy.messages.message import Event, Reason
from ixproxy.node.log_packs import (
    Amount,
    and_these,
    consumer_of,
    entries_of,
    gap_of,
    log_of,
    pack_of,
    packed,
    told_before,
    told_with,
)
from ixproxy.node.log_rules import LOGGED
from ixproxy.node.log_work import Dropped, Entry

EVENTS: list[Event] = [
    m.EventHeld(
        event_number=7, event_time=5.5, dbid=101, tenant_id=1, media_type="email",
        interaction_id="X1", interaction={"UserData": {"a": [1, b"x", {"b": -1}]}},
        reason=Reason(reason=3),
    ),
    m.EventAgentLogin(event_number=9, dbid=101, agent_id="Ann", agent_session=(3, 102)),
]  # fmt: skip
GAP = Dropped(11, 15, 1.0, 2.0, {"EventHeld": 4})
NOTHING = Amount()


def test_a_pack_gives_its_events_back_with_the_epoch_of_their_lease() -> None:
    some = [packed(event) for event in EVENTS]
    body = pack_of(3, Amount(40, 9000), some)
    assert entries_of(101, body) == (
        [Entry(101, 3, 7, EVENTS[0]), Entry(101, 3, 9, EVENTS[1])],
        [],
    )
    assert told_before(body) == Amount(40, 9000)
    assert told_with(body) == Amount(42, 9000 + some[0].size + some[1].size)
    assert and_these(Amount(40, 9000), some) == told_with(body)


@pytest.mark.parametrize("text", ["", "ä" * 100, "x" * (512 << 10)])
def test_a_row_is_hardly_larger_than_its_events_say(text: str) -> None:
    some = [packed(msgspec.structs.replace(EVENTS[0], interaction={"a": text}))] * 3
    size = sum(each.size for each in some)
    assert size <= len(pack_of(2**31, Amount(2**40, 2**60), some)) <= size + 60


def test_a_gap_gives_back_what_was_dropped_and_counts_no_event() -> None:
    before = Amount(42, 10_000)
    body = gap_of(3, before, GAP)
    assert entries_of(101, body) == ([Entry(101, 3, 11, GAP)], [])
    assert told_before(body) == told_with(body) == before


@pytest.mark.parametrize("kind", sorted(LOGGED, key=str))
def test_every_event_that_is_logged_can_be_packed(kind: type[Event]) -> None:
    event = kind(event_number=1, event_time=2.0, dbid=3, tenant_id=4)  # type: ignore[call-arg]
    (entry,), problems = entries_of(3, pack_of(1, NOTHING, [packed(event)]))
    assert entry.what == event
    assert problems == []


def test_what_cannot_be_read_is_said_and_costs_the_others_nothing() -> None:
    unknown = msgspec.structs.replace(packed(EVENTS[0]), kind="EventUnheardOf")
    broken = msgspec.structs.replace(packed(EVENTS[0]), body=b"\x91\x01")
    wrong = msgspec.structs.replace(packed(EVENTS[0]), body=b"\x81\xabEventNumber\xa1x")
    body = pack_of(1, NOTHING, [unknown, packed(EVENTS[1]), broken, wrong])
    entries, problems = entries_of(101, body)
    assert [entry.what for entry in entries] == [EVENTS[1]]
    assert len(problems) == 3
    assert problems[0] == "EventUnheardOf is no event that is logged"
    assert all(problem.startswith("EventHeld: ") for problem in problems[1:])


def test_an_event_that_is_nested_too_deep_to_be_read_costs_the_others_nothing() -> None:
    deep: object = 1
    for _ in range(5):
        deep = [deep]
    answered = packed(m.EventExternalServiceResponded(event_number=1, user_data={"a": deep}))
    shallow, deeper = b"\x91" * 5 + b"\x01", b"\x91" * 5000 + b"\x01"
    assert shallow in answered.body
    bad = msgspec.structs.replace(answered, body=answered.body.replace(shallow, deeper))
    entries, (problem,) = entries_of(101, pack_of(1, NOTHING, [bad, packed(EVENTS[1])]))
    assert [entry.what for entry in entries] == [EVENTS[1]]
    assert problem.startswith("EventExternalServiceResponded: ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"\x93\x01\x01\x92\x00\x00",
        b"\x94\x01\x01\x00\x90",
        b"\x94\x02\x01\x92\x00\x00\x01",
    ],
)
def test_a_row_that_is_none_is_one_problem(body: bytes) -> None:
    entries, (problem,) = entries_of(101, body)
    assert entries == []
    assert problem.startswith("the row: ")


def test_logs_and_capture_points_have_different_rows() -> None:
    assert consumer_of("mail") == "log:mail"
    assert log_of("log:mail") == "mail"
    assert log_of("log:log:mail") == "log:mail"
    assert log_of("capture:mail") == ""
