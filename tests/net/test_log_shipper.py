"""What waits for an event log is stored in its order, and again until it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.messages import EventHeld
from ixproxy.net.log_plans import LogPacing
from ixproxy.net.log_shipper import (
    AT_REST,
    FEWEST,
    LONGEST_PAUSE,
    MOST,
    LogShipper,
    State,
)
from ixproxy.node.log_packs import READ_BYTES, Amount, entries_of, gap_of, pack_of, packed
from ixproxy.node.log_work import Dropped, Entry, LogShipment, ShipLog


class Rig:
    """A shipper between an outbox and a log that are both played here."""

    def __init__(self, batch_size: int = 5, storing_timeout: float = 1.0) -> None:
        self.clock = Clock()
        self.asked: list[ShipLog] = []
        self.given: list[list[int]] = []
        self.answers: list[Any] = []
        self.rests: list[tuple[int, float]] = []
        self.rest_answers: list[Any] = []
        self.outbox: dict[int, bytes] = {}
        self.number = 0
        self.read = 0
        self.shipper = LogShipper(
            self.clock,
            "log",
            101,
            LogPacing(batch_size, storing_timeout),
            self.asked.append,
            self.store,
            self.at_rest,
            self.was_read,
        )

    def was_read(self) -> None:
        self.read += 1

    def store(self, entries: Sequence[Entry]) -> Deferred[None]:
        self.given.append([each.number for each in entries])
        return self._answer(self.answers)

    def at_rest(self, number: int, time: float) -> Deferred[None]:
        self.rests.append((number, time))
        return self._answer(self.rest_answers)

    def _answer(self, answers: list[Any]) -> Deferred[None]:
        answer = answers.pop(0) if answers else succeed(None)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def waiting(self) -> int:
        found = [each for body in self.outbox.values() for each in entries_of(101, body)[0]]
        return sum(not isinstance(each.what, Dropped) for each in found)

    def size(self) -> int:
        return sum(map(len, self.outbox.values()))

    def put(self, *sizes: int) -> None:
        """Batches of so many events each."""
        for size in sizes:
            first = self.number + 1
            self.number += size
            events = [packed(EventHeld(event_number=n)) for n in range(first, self.number + 1)]
            self.outbox[self.number] = pack_of(1, Amount(first - 1, 0), events)
            self.shipper.wake(self.waiting(), self.size())

    def answer(self, *, failed: bool = False) -> None:
        """The writer does what it was asked."""
        work = self.asked.pop(0)
        assert self.asked == []
        if failed:
            self.shipper.shipment(LogShipment("log", failed=True))
            return
        bodies = dict(sorted(self.outbox.items()))
        for number in work.told:
            del self.outbox[number]
            del bodies[number]
        bodies = dict(list(bodies.items())[: work.limit])
        at = self.clock.seconds()
        left = self.waiting(), self.size()
        self.shipper.shipment(LogShipment("log", bodies, *left, self.number, at))

    def settle(self) -> None:
        while self.asked:
            self.answer()

    def pass_time(self, seconds: float) -> None:
        """Step by step, and the writer does its part."""
        for _ in range(round(seconds * 4)):
            self.clock.advance(0.25)
            self.settle()

    def start(self) -> Rig:
        self.shipper.start()
        self.settle()
        return self

    @property
    def stored(self) -> list[int]:
        return [number for call in self.given for number in call]


def test_it_begins_with_what_is_there_at_once() -> None:
    rig = Rig()
    rig.put(2, 1)
    assert rig.asked == []
    rig.start()
    assert rig.given == [[1, 2, 3]]
    assert rig.outbox == {}
    assert rig.shipper.state is State.IDLE
    assert rig.shipper.counts == {"stored": 3, "batches": 1}


def test_enough_for_one_call_is_stored_at_once() -> None:
    rig = Rig(batch_size=3).start()
    rig.put(1, 1)
    assert rig.asked == []
    assert rig.shipper.state is State.WAITING
    rig.put(1)
    rig.settle()
    assert rig.given == [[1, 2, 3]]


def test_the_first_of_fewer_waits_for_the_timeout_and_no_longer() -> None:
    rig = Rig(storing_timeout=2.0).start()
    rig.put(1)
    rig.pass_time(1.5)
    rig.put(1)
    assert rig.given == []
    rig.pass_time(0.5)
    assert rig.given == [[1, 2]]
    assert rig.outbox == {}


def test_no_call_has_more_than_the_batch_size() -> None:
    rig = Rig(batch_size=3)
    rig.put(8)
    rig.start()
    assert rig.given == [[1, 2, 3], [4, 5, 6], [7, 8]]
    assert rig.outbox == {}


def test_another_pace_holds_from_the_next_call_on() -> None:
    rig = Rig(batch_size=3).start()
    rig.shipper.pacing = LogPacing(2, 1.0)
    rig.put(1)
    rig.put(1)
    rig.settle()
    assert rig.given == [[1, 2]]


def test_while_it_stores_more_may_come_and_nothing_is_stored_twice() -> None:
    rig = Rig(batch_size=2).start()
    slow: Deferred[None] = Deferred()
    rig.answers.append(slow)
    rig.put(2)
    rig.settle()
    rig.put(2, 1)
    assert rig.asked == []
    assert rig.given == [[1, 2]]
    slow.callback(None)
    rig.settle()
    rig.pass_time(2)
    assert rig.stored == [1, 2, 3, 4, 5]
    assert rig.outbox == {}


def test_what_fails_is_given_again_after_longer_and_longer_pauses() -> None:
    rig = Rig().start()
    rig.answers += [fail(OSError("the disk is full")) for _ in range(7)]
    with capturedLogs() as said:
        rig.put(5)
        rig.settle()
        pauses = []
        for _ in range(7):
            before = len(rig.given)
            waited = 0.0
            while len(rig.given) == before:
                rig.clock.advance(0.5)
                waited += 0.5
            pauses.append(waited)
        rig.settle()
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert pauses[-1] == LONGEST_PAUSE
    assert rig.given == [[1, 2, 3, 4, 5]] * 8
    assert rig.shipper.counts == {"failed": 7, "stored": 5, "batches": 1}
    texts = [formatEvent(each) for each in said]
    assert texts == [
        "Event log log takes no events: the disk is full",
        "Event log log takes events again",
    ]
    assert rig.shipper.problem == ""


def test_a_log_that_raises_is_like_one_that_fails() -> None:
    rig = Rig().start()
    rig.answers.append(ZeroDivisionError())
    rig.put(5)
    rig.settle()
    assert rig.shipper.problem == "unknown"
    rig.pass_time(1)
    assert rig.given == [[1, 2, 3, 4, 5]] * 2


def test_a_failure_in_the_middle_of_a_read_repeats_only_that_call() -> None:
    rig = Rig(batch_size=2)
    rig.put(5)
    rig.answers += [succeed(None), fail(OSError("lost"))]
    rig.start()
    rig.pass_time(2)
    assert rig.given == [[1, 2], [3, 4], [3, 4], [5]]
    assert rig.outbox == {}


def test_a_read_that_fails_is_tried_again() -> None:
    rig = Rig()
    rig.put(1)
    rig.shipper.start()
    rig.answer(failed=True)
    assert rig.shipper.state is State.PAUSING
    rig.pass_time(1)
    assert rig.stored == [1]


def test_a_log_without_events_takes_them_again_once_the_outbox_is_read() -> None:
    rig = Rig()
    rig.shipper.start()
    with capturedLogs() as said:
        rig.answer(failed=True)
        assert rig.shipper.problem == "the outbox could not be read"
        rig.pass_time(1)
    assert rig.shipper.problem == ""
    assert formatEvent(said[-1]) == "Event log log takes events again"


def test_reading_what_is_to_be_stored_does_not_say_that_it_is_stored_again() -> None:
    rig = Rig(batch_size=1)
    rig.put(1)
    rig.answers += [fail(OSError("full"))]
    rig.start()
    rig.put(1)
    assert rig.shipper.problem == "full"


def test_a_log_that_stores_at_once_may_be_given_many_small_calls() -> None:
    rig = Rig(batch_size=1)
    rig.put(2000)
    rig.start()
    assert rig.stored == list(range(1, 2001))
    assert rig.shipper.state is State.IDLE


def test_a_gap_is_an_entry_at_its_place_and_no_event() -> None:
    rig = Rig()
    rig.put(2)
    rig.outbox[3] = gap_of(1, Amount(2), Dropped(3, 9, 0.0, 1.0, {"EventHeld": 7}))
    rig.number = 9
    rig.put(1)
    rig.start()
    assert rig.given == [[1, 2, 3, 10]]
    assert rig.outbox == {}
    assert rig.shipper.left == 0


def test_what_cannot_be_read_is_said_and_left_behind() -> None:
    rig = Rig()
    rig.put(1)
    rig.outbox[5] = b"no row"
    rig.number = 5
    rig.put(1)
    with capturedLogs() as said:
        rig.start()
    assert rig.stored == [1, 6]
    assert rig.outbox == {}
    assert rig.shipper.counts["lost"] == 1
    assert "what is stored at 5 cannot be read: the row: " in formatEvent(said[0])


def test_an_idle_log_is_told_so_now_and_then() -> None:
    rig = Rig().start()
    assert rig.rests == [(0, 0.0)]
    rig.pass_time(AT_REST - 1)
    assert len(rig.rests) == 1
    rig.pass_time(2)
    assert len(rig.rests) == 2
    rig.put(5)
    rig.settle()
    assert rig.stored == [1, 2, 3, 4, 5]
    rig.pass_time(AT_REST)
    assert rig.rests[-1][0] == 5


def test_nothing_is_stored_while_it_is_told_of_rest_and_its_failure_is_no_matter() -> None:
    rig = Rig()
    resting: Deferred[None] = Deferred()
    rig.rest_answers.append(resting)
    rig.start()
    assert rig.shipper.state is State.RESTING
    rig.put(5)
    assert rig.asked == []
    resting.errback(OSError("away"))
    rig.settle()
    assert rig.stored == [1, 2, 3, 4, 5]
    assert rig.shipper.counts["failed"] == 1


@pytest.mark.parametrize("late", ["shipment", "store", "rest"])
def test_what_comes_after_the_stop_changes_nothing(late: str) -> None:
    rig = Rig()
    slow: Deferred[None] = Deferred()
    if late == "store":
        rig.put(1)
        rig.answers.append(slow)
    elif late == "rest":
        rig.rest_answers.append(slow)
    rig.shipper.start()
    if late != "shipment":
        rig.answer()
    rig.shipper.stop()
    if late == "shipment":
        rig.settle()
    else:
        slow.callback(None)
    rig.put(7)
    assert rig.asked == []
    assert rig.shipper.state is State.STOPPED
    assert rig.clock.getDelayedCalls() == []
    assert rig.shipper.counts["stored"] == 0


def test_a_read_is_as_large_as_is_worth_while() -> None:
    rig = Rig(batch_size=500).start()
    rig.put(*[1] * 600)
    rig.settle()
    limits = []
    rig.put(*[1] * 600)
    while rig.asked:
        limits.append(rig.asked[0].limit)
        rig.answer()
    assert max(limits) == MOST
    rig.put(1000)
    rig.settle()
    assert FEWEST <= rig.shipper._limit < MOST
    assert READ_BYTES // MOST > 1000


def test_it_tells_whenever_it_is_known_how_much_waits() -> None:
    rig = Rig().start()
    rig.put(5)
    rig.settle()
    assert rig.read == 3
