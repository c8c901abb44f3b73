"""
What every event log must keep, as tests to be inherited.

In your own test suite, say where your log keeps its events, and derive a class whose name
begins with `Test`:

    class Shelves(LogOutside):
        ...

    class TestMyLog(EventLogContract):
        def outside(self) -> LogOutside:
            return Shelves()

The tests are plain functions: an outside on a real reactor has `later` wait
for it, such as with `pytest_twisted.blockon`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ixproxy import messages as m
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.node.log_work import Entry
from ixproxy.testing.eventlog_outside import NOW, LogOutside, entry, gap, sample_event

MOST_FIGURES = 32
LONGEST_FIGURE = 400
"""How many figures there may be, and how many characters a text of them may have."""

MANY = 1500
"""Entries of a large batch; there may be up to 5000."""


def _names(entries: Sequence[Entry]) -> list[tuple[int, int, int]]:
    return [(each.dbid, each.epoch, each.number) for each in entries]


class EventLogContract:
    """What an IEventLog keeps."""

    def outside(self) -> LogOutside:
        """A fresh outside, with nothing in it."""
        raise NotImplementedError

    def setup_method(self) -> None:
        """Before each test."""
        self.there = self.outside()
        self.logs: list[IEventLog] = []

    def teardown_method(self) -> None:
        """After each test: logs that are still on end."""
        for log in list(self.logs):
            self.end(log)
        self.there.close()

    def begin(self, dbid: int = 101) -> IEventLog:
        """A term of a node begins."""
        log = self.there.make_log()
        self.logs.append(log)
        log.begin(self.there.reactor, f"ixn{dbid}", dbid)
        return log

    def end(self, log: IEventLog) -> None:
        """A term ends."""
        self.logs.remove(log)
        self.outcome(log.end())

    def outcome(self, waiting: Deferred[Any]) -> Failure | None:
        """What becomes of something: None, or what was wrong."""
        found: list[Any] = []
        waiting.addBoth(found.append)
        self.there.until(lambda: found)
        return found[0] if isinstance(found[0], Failure) else None

    def try_to_store(self, log: IEventLog, entries: Sequence[Entry]) -> str:
        """Store once; what was wrong, empty: nothing."""
        failure = self.outcome(log.store(entries))
        return failure.getErrorMessage() or "no words" if failure else ""

    def store(self, log: IEventLog, *entries: Entry) -> None:
        """Store as a node does: again and again, until it works."""
        for _ in range(20):
            if not self.try_to_store(log, entries):
                return
            self.there.later(1)
        raise AssertionError("it was never stored")

    def is_stored(self, *entries: Entry) -> None:
        """All these and nothing else are there, once each."""
        found, wanted = self.there.stored(), _names(entries)
        assert found == wanted if self.there.ordered else sorted(found) == sorted(wanted)

    def test_it_provides_the_interface(self) -> None:
        log = self.there.make_log()
        assert verifyObject(IEventLog, log)
        assert isinstance(log.kind, str)
        assert log.kind

    def test_what_is_stored_is_there_once_it_says_so(self) -> None:
        log = self.begin()
        entries = [entry(number) for number in range(1, 20)]
        self.store(log, *entries[:7])
        self.is_stored(*entries[:7])
        self.store(log, *entries[7:])
        self.is_stored(*entries)

    def test_the_same_again_is_not_stored_twice(self) -> None:
        log = self.begin()
        entries = [entry(number) for number in range(1, 10)]
        self.store(log, *entries[:5])
        self.store(log, *entries[:5])
        self.store(log, *entries[2:])
        self.is_stored(*entries)

    def test_nor_is_it_by_the_next_term(self) -> None:
        log = self.begin()
        entries = [entry(number) for number in range(1, 10)]
        self.store(log, *entries[:6])
        self.end(log)
        self.store(self.begin(), *entries)
        self.is_stored(*entries)

    def test_the_same_number_of_another_epoch_or_node_is_another_event(self) -> None:
        log = self.begin()
        first, again = entry(5), entry(5, epoch=2)
        self.store(log, first)
        self.store(log, again)
        other = entry(5, dbid=102)
        self.store(self.begin(102), other)
        self.is_stored(first, again, other)

    def test_several_nodes_store_at_once(self) -> None:
        logs = {dbid: self.begin(dbid) for dbid in (101, 102, 103)}
        entries = []
        for number in range(1, 40, 4):
            waiting = []
            for dbid, log in logs.items():
                some = [entry(number + at, dbid=dbid) for at in range(4)]
                entries += some
                waiting.append(log.store(some))
            assert [self.outcome(each) for each in waiting] == [None] * 3
        assert sorted(self.there.stored()) == sorted(_names(entries))

    def test_a_large_batch_is_stored_as_a_whole(self) -> None:
        log = self.begin()
        entries = [entry(number) for number in range(1, MANY + 1)]
        self.store(log, *entries)
        self.is_stored(*entries)

    def test_what_was_dropped_is_there_too(self) -> None:
        log = self.begin()
        before, after = entry(1), entry(10)
        lost = gap(2, 9, EventHeld=3, EventPlacedInQueue=4)
        self.store(log, before, lost, after)
        self.store(log, lost)
        self.is_stored(before, after)
        wanted = {"EventHeld": 3, "EventPlacedInQueue": 4}
        assert self.there.dropped() == [(101, 1, 2, 9, wanted)]

    def test_a_gap_alone_is_stored(self) -> None:
        log = self.begin()
        self.store(log, gap(2, 9, EventHeld=3))
        assert self.there.dropped() == [(101, 1, 2, 9, {"EventHeld": 3})]
        assert self.there.stored() == []

    def test_no_value_keeps_an_event_from_being_stored(self) -> None:
        log = self.begin()
        entries = []
        values = [
            "\0", "a\0b", "\ud800", "x" * 300_000, b"\xff\x00", 2**63, -(2**70), 2**200,
            float("nan"), float("inf"), {"a": {"b": [{"c": None}]}}, [[[]]], {1: 2}, True, "",
        ]  # fmt: skip
        for number, value in enumerate(values, 1):
            sample = sample_event(8, 101)
            assert isinstance(sample, m.EventPlacedInQueue)
            interaction = {**sample.interaction, "UserData": {"Customer": value, "\0": [value]}}
            interaction |= {"SubmittedBy": value, "ReceivedAt": value, "InteractionState": value}
            event = m.EventPropertiesChanged(
                event_time=NOW, event_number=number, dbid=101, tenant_id=2**64, media_type="\0",
                interaction_id=f"{value}"[:4000], interaction=interaction,
                added_properties={"a": value}, changed_properties={"\0": value},
            )  # fmt: skip
            entries.append(entry(number, what=event))
            self.store(log, entries[-1])
        self.store(log, *[entry(100 + each.number, what=each.what) for each in entries])
        assert len(self.there.stored()) == 2 * len(entries)

    def test_it_fails_while_nobody_is_there_and_works_once_there_is(self) -> None:
        if not self.there.breaks:
            return
        log = self.begin()
        before, after = entry(1), entry(2)
        self.store(log, before)
        self.there.cut()
        assert self.try_to_store(log, [after])
        assert self.try_to_store(log, [after])
        assert log.figures()["state"] != "connected"
        self.there.mend()
        self.store(log, after)
        self.is_stored(before, after)
        assert log.figures()["state"] == "connected"

    def test_it_begins_also_while_nobody_is_there(self) -> None:
        if not self.there.breaks:
            return
        self.there.cut()
        log = self.begin()
        self.there.later(5)
        assert str(log.figures()["state"]).startswith("connecting")
        assert self.try_to_store(log, [entry(1)])
        self.there.mend()
        self.store(log, entry(1))
        self.is_stored(entry(1))

    def test_what_is_stored_but_not_answered_is_not_stored_twice(self) -> None:
        if not self.there.answers_get_lost:
            return
        log = self.begin()
        entries = [entry(1), entry(2), gap(3, 5, EventHeld=2), entry(6)]
        self.there.lose_next_answer()
        assert self.try_to_store(log, entries)
        self.store(log, *entries)
        assert sorted(self.there.stored()) == [(101, 1, 1), (101, 1, 2), (101, 1, 6)]
        assert self.there.dropped() == [(101, 1, 3, 5, {"EventHeld": 2})]

    def test_it_is_told_of_rest_before_and_after_any_event(self) -> None:
        log = self.begin()
        assert self.outcome(log.at_rest(0, NOW)) is None
        self.store(log, entry(1))
        assert self.outcome(log.at_rest(1, NOW + 60)) is None
        self.is_stored(entry(1))

    def test_that_nobody_hears_of_rest_is_no_trouble(self) -> None:
        if not self.there.breaks:
            return
        log = self.begin()
        self.store(log, entry(1))
        self.there.cut()
        assert self.outcome(log.at_rest(1, NOW + 60)) is None
        self.there.mend()
        self.store(log, entry(2))
        self.is_stored(entry(1), entry(2))

    def test_it_ends_also_while_nobody_is_there(self) -> None:
        if not self.there.breaks:
            return
        self.there.cut()
        log = self.begin()
        self.there.later(5)
        self.end(log)
        self.there.mend()
        assert self.there.stored() == []

    def test_it_ends_before_it_has_begun_to_do_anything(self) -> None:
        log = self.there.make_log()
        assert self.outcome(log.end()) is None
        self.end(self.begin())

    def test_nothing_of_it_is_left_after_the_end(self) -> None:
        log = self.begin()
        self.store(log, entry(1))
        self.end(log)
        if isinstance(self.there.reactor, Clock):
            self.there.later(1)
            assert self.there.reactor.getDelayedCalls() == []

    def test_figures_are_flat_and_small_whatever_it_does(self) -> None:
        log = self.there.make_log()
        shown = [dict(log.figures())]
        self.logs.append(log)
        log.begin(self.there.reactor, "ixn101", 101)
        shown.append(dict(log.figures()))
        self.store(log, *[entry(number) for number in range(1, 50)])
        shown.append(dict(log.figures()))
        if self.there.breaks:
            self.there.cut()
            self.try_to_store(log, [entry(50)])
            shown.append(dict(log.figures()))
            self.there.mend()
        self.end(log)
        shown.append(dict(log.figures()))
        for figures in shown:
            assert isinstance(figures["state"], str)
            assert len(figures) <= MOST_FIGURES
            for key, value in figures.items():
                assert isinstance(key, str)
                assert isinstance(value, str | int | float | bool)
                assert len(str(value)) <= LONGEST_FIGURE
