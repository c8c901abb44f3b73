"""What waits in the outbox is told in its order, and again until it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import NotTold
from ixproxy.net.capture_shipper import FEWEST, LONGEST_PAUSE, MOST, Shipper, State
from ixproxy.node.intake_work import Notification, Said, Shipment, ShipOutbox
from ixproxy.node.outbox import read_notification
from ixproxy.testing.fake_intake import notification

encode = msgspec.msgpack.encode


class Rig:
    """A shipper between an outbox and a capture point that are both played here."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.asked: list[ShipOutbox] = []
        self.told: list[list[Notification]] = []
        self.answers: list[Any] = []
        self.read = 0
        self.outbox: dict[int, bytes] = {}
        self.garbled: set[int] = set()
        self.shipper = Shipper(
            self.clock, "mail-in", self.asked.append, self.tell, self.was_read, **options
        )

    def was_read(self) -> None:
        self.read += 1

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        self.told.append(list(notifications))
        answer = self.answers.pop(0) if self.answers else succeed(None)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def put(self, *made: Notification) -> None:
        self.outbox.update((each.number, encode(each)) for each in made)
        self.shipper.wake()

    def answer(self, *, failed: bool = False) -> None:
        """The writer does what it was asked."""
        work = self.asked.pop(0)
        assert self.asked == []
        if failed:
            self.shipper.shipment(Shipment("mail-in", failed=True))
            return
        for number in work.told:
            self.outbox.pop(number, None)
        bodies = dict(sorted(self.outbox.items())[: work.limit])
        forgotten = frozenset(
            number
            for number, body in bodies.items()
            if work.forget and number not in self.garbled and not read_notification(body).reply
        )
        for number in forgotten:
            del self.outbox[number]
        self.shipper.shipment(Shipment("mail-in", bodies, len(self.outbox), forgotten))

    def settle(self) -> None:
        while self.asked:
            self.answer()


def some(count: int) -> list[Notification]:
    return [notification(Said.HELD, f"X{at}") for at in range(count)]


def mixed() -> list[Notification]:
    """Replies among what nobody has asked for."""
    return [
        notification(Said.HELD, "X0"),
        notification(Said.SUBMITTED, "X1", reply=True),
        notification(Said.STOPPED, "X0"),
        notification(Said.SUBMITTED, "X2", reply=True),
    ]


def test_it_begins_with_what_is_there_and_goes_on_with_what_comes() -> None:
    rig = Rig()
    first, second = some(2), some(1)
    rig.put(*first)
    assert rig.asked == []
    rig.shipper.start()
    rig.settle()
    assert rig.told == [first]
    assert rig.shipper.state is State.IDLE
    rig.put(*second)
    rig.settle()
    assert rig.told == [first, second]
    assert rig.outbox == {}
    assert rig.shipper.counts == {"notified": 3, "replies": 0}
    assert rig.shipper.left == 0


def test_what_comes_meanwhile_is_found_by_the_next_read() -> None:
    rig = Rig()
    late: Deferred[None] = Deferred()
    rig.answers = [late]
    first, second = some(1), some(1)
    rig.put(*first)
    rig.shipper.start()
    rig.answer()
    rig.put(*second)
    assert rig.asked == []
    assert rig.shipper.state is State.TELLING
    late.callback(None)
    rig.settle()
    assert rig.told == [first, second]


def test_what_comes_while_an_empty_outbox_is_read_is_not_forgotten() -> None:
    rig = Rig()
    rig.shipper.start()
    work = rig.asked.pop()
    made = some(1)
    rig.put(*made)
    rig.shipper.shipment(Shipment("mail-in"))
    assert work.told == ()
    rig.settle()
    assert rig.told == [made]


def test_what_could_not_be_told_is_told_again_whole_after_longer_and_longer_pauses() -> None:
    rig = Rig()
    made = some(2)
    rig.answers = [fail(OSError("cut")), OSError("cut"), *[fail(OSError("cut")) for _ in range(6)]]
    rig.put(*made)
    with capturedLogs() as logged:
        rig.shipper.start()
        rig.answer()
        at: list[float] = []
        for _ in range(4000):
            if len(rig.told) > len(at):
                at.append(rig.clock.seconds())
            rig.clock.advance(0.25)
    assert rig.told == [made] * 9
    pauses = [later - sooner for sooner, later in pairwise(at)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, LONGEST_PAUSE]
    assert rig.shipper.counts["failed"] == 8
    texts = [str(formatEvent(event)) for event in logged]
    assert texts == [
        "Capture point mail-in cannot be told what happened: cut",
        "Capture point mail-in can be told again",
    ]
    rig.settle()
    assert rig.outbox == {}


def test_at_most_once_is_deleted_first_and_lost_where_it_fails() -> None:
    rig = Rig(tell_once=True)
    rig.answers = [fail(OSError("cut"))]
    made = some(1)
    rig.put(*made)
    rig.shipper.start()
    assert rig.asked[0].forget
    rig.answer()
    assert rig.outbox == {}
    assert rig.shipper.counts["lost"] == 1
    rig.clock.advance(5)
    rig.settle()
    assert rig.told == [made]


def test_at_most_once_replies_stay_until_they_are_told_and_are_told_again() -> None:
    rig = Rig(tell_once=True)
    rig.answers = [fail(OSError("cut")), fail(OSError("cut again"))]
    made = mixed()
    rig.put(*made)
    rig.shipper.start()
    rig.answer()
    replies = [each for each in made if each.reply]
    assert list(rig.outbox) == [each.number for each in replies]
    assert rig.told == [made]
    rig.clock.advance(1)
    rig.clock.advance(2)
    assert rig.told == [made, replies, replies]
    rig.settle()
    assert rig.outbox == {}
    assert rig.shipper.counts == {"failed": 2, "lost": 2, "notified": 2, "replies": 2}


def test_at_most_once_what_was_certainly_not_told_is_told_again_whole() -> None:
    rig = Rig(tell_once=True)
    rig.answers = [fail(NotTold("not connected")), fail(NotTold("not connected"))]
    made = mixed()
    rig.put(*made)
    rig.shipper.start()
    rig.answer()
    rig.clock.advance(1)
    rig.clock.advance(2)
    assert rig.told == [made] * 3
    rig.settle()
    assert rig.outbox == {}
    assert rig.shipper.counts == {"failed": 2, "lost": 0, "notified": 4, "replies": 2}


def test_at_most_once_says_that_only_what_was_still_there_was_told() -> None:
    rig = Rig(tell_once=True)
    made = mixed()
    rig.put(*made)
    rig.shipper.start()
    rig.answer()
    assert rig.told == [made]
    assert rig.asked[0].told == tuple(each.number for each in made if each.reply)
    assert rig.read == 1
    rig.settle()
    assert rig.outbox == {}


def test_one_that_cannot_be_read_is_no_notification_that_may_be_lost() -> None:
    rig = Rig(tell_once=True)
    made = some(2)
    rig.outbox = {made[0].number: b"\xc1", made[1].number: encode(made[1])}
    rig.garbled = {made[0].number}
    rig.answers = [fail(OSError("cut"))]
    rig.shipper.start()
    rig.answer()
    rig.clock.advance(1)
    assert rig.asked[0].told == (made[0].number,)
    rig.settle()
    assert rig.told == [[made[1]]]
    assert rig.outbox == {}


@pytest.mark.parametrize("once", [False, True])
def test_what_was_read_is_told_as_it_was_to_be_then(once: bool) -> None:
    rig = Rig(tell_once=once)
    late: Deferred[None] = Deferred()
    rig.answers = [late]
    made = some(1)
    rig.put(*made)
    rig.shipper.start()
    rig.answer()
    rig.shipper.tell_once = not once
    late.callback(None)
    assert rig.asked[0].told == (() if once else (made[0].number,))
    assert rig.asked[0].forget is not once
    rig.settle()
    assert rig.told == [made]
    assert rig.outbox == {}


def test_an_outbox_that_cannot_be_read_is_read_again() -> None:
    rig = Rig()
    made = some(1)
    rig.put(*made)
    rig.shipper.start()
    rig.answer(failed=True)
    assert rig.shipper.state is State.PAUSING
    rig.clock.advance(1)
    rig.answer()
    assert rig.told == [made]
    told = rig.asked[0].told
    assert told == (made[0].number,)
    rig.answer(failed=True)
    rig.clock.advance(1)
    assert rig.asked[0].told == told


def test_one_that_cannot_be_read_does_not_stop_the_others() -> None:
    rig = Rig()
    first, last = some(2)
    rig.outbox = {first.number: b"\xc1", last.number: encode(last)}
    with capturedLogs() as logged:
        rig.shipper.start()
        rig.settle()
    assert rig.told == [[last]]
    assert rig.outbox == {}
    assert rig.shipper.counts["lost"] == 1
    assert "cannot be read" in str(formatEvent(logged[0]))


def test_small_ones_are_read_by_many_and_large_ones_by_few() -> None:
    rig = Rig()
    rig.put(*some(2000))
    rig.shipper.start()
    limits = []
    while rig.asked:
        limits.append(rig.asked[0].limit)
        rig.answer()
    assert limits[0] == FEWEST
    assert limits[1] == MOST
    large = [notification(Said.HELD, "X", properties={"a": "x" * (1 << 20)}) for _ in range(20)]
    rig.put(*large)
    limits = []
    while rig.asked:
        limits.append(rig.asked[0].limit)
        rig.answer()
    assert limits[1:] == [FEWEST] * len(limits[1:])
    assert sum(map(len, rig.told)) == 2020


def test_room_is_told_of_when_something_has_left() -> None:
    rig = Rig()
    rig.put(*some(1))
    rig.shipper.start()
    rig.answer()
    assert rig.read == 0
    rig.answer()
    assert rig.read == 1


@pytest.mark.parametrize("late", [False, True])
def test_once_it_is_stopped_it_does_nothing(late: bool) -> None:
    rig = Rig()
    answer: Deferred[None] = Deferred()
    rig.answers = [answer if late else fail(OSError("cut"))]
    rig.put(*some(1))
    rig.shipper.start()
    rig.answer()
    rig.shipper.stop()
    if late:
        answer.callback(None)
    rig.shipper.wake()
    rig.shipper.shipment(Shipment("mail-in", {1: b""}))
    rig.clock.advance(100)
    assert rig.asked == []
    assert len(rig.told) == 1
    assert rig.outbox
    assert rig.clock.getDelayedCalls() == []
