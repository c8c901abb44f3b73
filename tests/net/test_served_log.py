"""Whatever an event log does, its node lives on and says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.messages import EventHeld
from ixproxy.net.log_plans import LogPacing, LogPlan
from ixproxy.net.served_log import ServedLog
from ixproxy.net.served_part import RETRY
from ixproxy.node.log_packs import Amount, pack_of, packed
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Bound, LogGrew, LogRefused, LogShipment, ShipLog
from ixproxy.testing.memory_eventlog import MemoryLog, Shelf


class Rig:
    def __init__(self, **rules: Any) -> None:
        self.clock = Clock()
        self.shelf = Shelf()
        self.asked: list[ShipLog] = []
        self.made = 0
        self.kind: Callable[[Shelf], MemoryLog] = MemoryLog

        def make() -> MemoryLog:
            self.made += 1
            return self.kind(self.shelf)

        self.plan = LogPlan("log", "memory", make, rules=LogRules(**rules))
        self.served = ServedLog(self.clock, "ixn1", 101, self.plan, self.asked.append)

    def ship(self, numbers: tuple[int, ...] = (), left: int = 0, left_bytes: int = 0) -> None:
        """Answer what was asked."""
        work = self.asked.pop(0)
        events = [packed(EventHeld(event_number=number)) for number in numbers]
        bodies = {numbers[-1]: pack_of(1, Amount(), events)} if numbers else {}
        work.token.shipment(LogShipment("log", bodies, left or len(numbers), left_bytes))
        self.clock.advance(0)


def texts(events: Sequence[Any]) -> list[str]:
    return [formatEvent(each) for each in events]


def test_it_begins_and_stores_what_waits() -> None:
    rig = Rig()
    rig.served.begin()
    rig.ship((3, 4))
    assert [entry.number for entry in rig.shelf.events.values()] == [3, 4]
    assert {entry.dbid for entry in rig.shelf.events.values()} == {101}
    (work,) = rig.asked
    assert work.told == (4,)
    status = rig.served.status()
    assert (status.name, status.kind, status.state) == ("log", "memory", "connected")
    assert status.counts == {"stored": 2, "batches": 1}


def test_one_that_cannot_begin_is_told_nothing_and_is_made_anew(logged_failures: Any) -> None:
    def broken(shelf: Shelf) -> Any:
        raise OSError("no such place")

    rig = Rig()
    rig.kind = broken
    with capturedLogs() as said:
        rig.served.begin()
    assert texts(said) == ["Event log log could not begin"]
    assert len(logged_failures.flush(OSError)) == 1
    assert rig.served.status().state == "failed: OSError: no such place"
    assert rig.asked == []
    rig.kind = MemoryLog
    rig.clock.advance(RETRY)
    assert (rig.made, len(rig.asked)) == (2, 1)


def test_what_is_dropped_is_said_loudly_once_until_there_is_room() -> None:
    rig = Rig(max_queue=5, max_bytes=1000)
    rig.served.begin()
    with capturedLogs() as said:
        rig.served.grew(LogGrew("log", 5))
        rig.served.grew(LogGrew("log", 5, 700, 2, 17, Bound.EVENTS))
        rig.served.grew(LogGrew("log", 5, 700, 3, 21, Bound.EVENTS))
        rig.served.grew(LogGrew("log", 2))
        rig.served.grew(LogGrew("log", 4, 990, 1, 40, Bound.BYTES))
    assert texts(said) == [
        "Event log log: its spool is full (max-queue-size is 5): from event 17 on events are "
        "dropped and counted",
        "Event log log is told of what happens again",
        "Event log log: its spool is full (max-queue-bytes is 1000): from event 40 on events are "
        "dropped and counted",
    ]
    status = rig.served.status()
    assert (status.dropping, status.waiting, status.room) == (True, 4, 5)
    assert (status.waiting_bytes, status.room_bytes) == (990, 1000)
    assert status.counts == {"dropped": 6, "gaps": 2}


def test_on_a_quiet_node_the_spool_says_that_nothing_is_dropped_any_more() -> None:
    rig = Rig(max_queue=10)
    rig.served.begin()
    rig.served.grew(LogGrew("log", 10, 0, 1, 17, Bound.EVENTS))
    with capturedLogs() as said:
        rig.ship((1,), left=10)
        rig.served.shipper.left = 10
        assert rig.served.status().dropping
        rig.clock.advance(1)
        rig.ship((2, 3), left=9)
    assert not rig.served.status().dropping
    assert texts(said) == ["Event log log is told of what happens again"]


def test_there_is_room_again_once_there_is_some_by_both_bounds() -> None:
    rig = Rig(max_queue=10, max_bytes=1000)
    rig.served.begin()
    rig.served.grew(LogGrew("log", 10, 1000, 1, 17, Bound.EVENTS))
    rig.ship((1,), left=5, left_bytes=901)
    assert rig.served.status().dropping
    rig.clock.advance(1)
    rig.ship((2,), left=5, left_bytes=900)
    assert not rig.served.status().dropping


def test_requests_that_are_refused_for_it_are_said_once_until_there_is_room() -> None:
    rig = Rig(max_queue=2, mandatory=True)
    rig.served.begin()
    with capturedLogs() as said:
        rig.served.refused(LogRefused("log", Bound.EVENTS))
        rig.served.refused(LogRefused("log", Bound.EVENTS))
        assert rig.served.status().refusing
        rig.ship((1, 2), left=2)
        assert rig.served.status().refusing
        rig.ship(left=0)
    assert texts(said)[0] == (
        "Event log log: its spool is full (max-queue-size is 2), and it must have all: requests "
        "that change something are refused until it has taken some"
    )
    assert texts(said)[1:] == ["Event log log has room: requests are served again"]
    status = rig.served.status()
    assert (status.refusing, status.mandatory, status.counts["refused"]) == (False, True, 2)


def test_a_log_that_must_have_everything_has_room_once_less_waits_than_each_bound_says() -> None:
    rig = Rig(max_queue=9, max_bytes=1000, mandatory=True)
    rig.served.begin()
    with capturedLogs() as said:
        rig.served.refused(LogRefused("log", Bound.BYTES))
    assert "its spool is full (max-queue-bytes is 1000), and it must have all" in texts(said)[0]
    rig.ship((1,), left=1, left_bytes=1000)
    assert rig.served.status().refusing
    rig.ship((2,), left=1, left_bytes=999)
    assert not rig.served.status().refusing


def test_while_it_takes_nothing_its_state_says_why() -> None:
    rig = Rig()
    rig.served.begin()
    rig.shelf.is_away = True
    rig.ship((1,))
    assert rig.served.status().state == "failing: the shelf is away"
    rig.shelf.is_away = False
    rig.clock.advance(1)
    rig.clock.advance(0)
    assert rig.served.status().state == "connected"
    assert rig.served.status().counts == {"failed": 1, "stored": 1, "batches": 1}


def test_it_goes_on_at_another_pace() -> None:
    rig = Rig()
    rig.served.begin()
    rig.served.use(LogPlan("log", "memory", rig.plan.make, pacing=LogPacing(7, 2.0)))
    assert rig.served.shipper.pacing == LogPacing(7, 2.0)
    assert rig.made == 1
