"""Event logs begin and end with the term, and follow the configuration."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent

from ixproxy.net.event_logs import EventLogs
from ixproxy.net.log_plans import LogPacing, LogPlan
from ixproxy.net.served_part import END_LIMIT
from ixproxy.node.log_packs import Amount
from ixproxy.node.log_work import Bound, LogGrew, LogRefused, LogShipment, ShipLog
from ixproxy.testing.memory_eventlog import MemoryLog, Shelf


class Kept(MemoryLog):
    """Says when it begins and ends."""

    ends: list[Deferred[None]]
    said: list[str]
    address: str

    def begin(self, reactor: Any, node: str, dbid: int) -> None:
        super().begin(reactor, node, dbid)
        self.said.append(f"{self.address} begins for {node}")

    def end(self) -> Deferred[None]:
        super().end()
        self.said.append(f"{self.address} ends")
        left: Deferred[None] = Deferred()
        self.ends.append(left)
        return left


class Rig:
    def __init__(self, *names: str) -> None:
        self.clock = Clock()
        self.asked: list[ShipLog] = []
        self.said: list[str] = []
        self.ends: list[Deferred[None]] = []
        plans = [self.plan(name) for name in names]
        self.logs = EventLogs(self.clock, "ixn1", 101, plans, self.asked.append)

    def plan(self, name: str, address: str = "", **more: Any) -> LogPlan:
        address = address or name

        def make() -> Kept:
            log = Kept(Shelf())
            log.ends, log.said, log.address = self.ends, self.said, address
            return log

        return LogPlan(name, "kept", make, {"address": address}, **more)

    def names(self) -> list[str]:
        return [each.name for each in self.logs.statuses()]


def test_they_begin_once_the_server_listens_and_end_with_it() -> None:
    rig = Rig("b", "a")
    assert rig.said == []
    rig.logs.start()
    assert rig.said == ["b begins for ixn1", "a begins for ixn1"]
    assert rig.names() == ["a", "b"]
    done: list[object] = []
    rig.logs.end().addCallback(done.append)
    assert rig.said[2:] == ["b ends", "a ends"]
    assert done == []
    for left in rig.ends:
        left.callback(None)
    assert done == [None]
    rig.logs.end().addCallback(done.append)
    assert done == [None, None]


def test_a_server_that_ended_before_it_listened_begins_none() -> None:
    rig = Rig("a")
    rig.logs.close()
    rig.logs.start()
    rig.logs.use([rig.plan("b")])
    assert rig.said == []


def test_one_that_does_not_end_is_not_waited_for() -> None:
    rig = Rig("a")
    rig.logs.start()
    done: list[object] = []
    rig.logs.end().addCallback(done.append)
    rig.clock.advance(END_LIMIT)
    assert done == [None]


def test_what_changed_in_pace_goes_on_and_what_changed_its_place_is_made_anew() -> None:
    rig = Rig("a", "b")
    rig.logs.start()
    rig.logs.use([rig.plan("a", pacing=LogPacing(3)), rig.plan("b", "elsewhere"), rig.plan("c")])
    assert rig.said[2:] == ["b ends", "c begins for ixn1"]
    assert rig.names() == ["a", "c"]
    rig.ends[0].callback(None)
    assert rig.said[4:] == ["elsewhere begins for ixn1"]
    assert rig.names() == ["a", "b", "c"]


def test_while_one_ends_the_newest_plan_counts() -> None:
    rig = Rig("a")
    rig.logs.start()
    rig.logs.use([rig.plan("a", "second")])
    rig.logs.use([rig.plan("a", "third")])
    rig.ends[0].callback(None)
    assert rig.said[1:] == ["a ends", "third begins for ixn1"]
    rig.logs.use([])
    rig.ends[1].callback(None)
    assert rig.names() == []
    rig.logs.use([rig.plan("a")])
    rig.logs.end()
    rig.logs.use([rig.plan("b")])
    assert rig.said[-1] == "a ends"


def test_the_end_waits_for_those_that_leave() -> None:
    rig = Rig("a")
    rig.logs.start()
    rig.logs.use([])
    done: list[object] = []
    rig.logs.end().addCallback(done.append)
    assert done == []
    rig.ends[0].callback(None)
    assert done == [None]


def test_effects_reach_the_log_that_they_are_for() -> None:
    rig = Rig("a")
    rig.logs.start()
    (work,) = rig.asked
    rig.logs.perform(LogShipment("a", token=work.token))
    rig.logs.perform(LogGrew("a", 4, 400, 1, 9, Bound.EVENTS))
    rig.logs.perform(LogGrew("gone", 4, 400, 1, 9, Bound.EVENTS))
    rig.logs.perform(LogRefused("a", Bound.EVENTS))
    rig.logs.perform(LogRefused("gone", Bound.EVENTS))
    (status,) = rig.logs.statuses()
    assert (status.waiting, status.waiting_bytes) == (4, 400)
    assert (status.dropping, status.refusing) == (True, True)


def test_what_waits_for_a_log_that_is_not_configured_is_said_once() -> None:
    rig = Rig("a")
    with capturedLogs() as said:
        rig.logs.left_behind({"old": Amount(12, 3400), "older": Amount()})
        rig.logs.left_behind({"old": Amount(12, 3400)})
        rig.logs.left_behind({"older": Amount(1, 9)})
    assert [(formatEvent(each), each["log_level"]) for each in said] == [
        (
            f"Event log {waits} for it: they stay in the node's database until it is "
            "configured again",
            LogLevel.warn,
        )
        for waits in (
            "old is not configured, and 12 events (3400 bytes) wait",
            "older is not configured, and 0 events (0 bytes) wait",
            "older is not configured, and 1 events (9 bytes) wait",
        )
    ]
