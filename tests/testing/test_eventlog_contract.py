"""The contract of event logs catches what it is there to catch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from ixproxy.errors import StorageError
from ixproxy.node.log_work import Dropped, Entry
from ixproxy.testing.eventlog_contract import EventLogContract
from ixproxy.testing.eventlog_outside import Name
from ixproxy.testing.memory_eventlog import MemoryLog, Shelf
from tests.testing.test_memory_eventlog import OnAShelf


def failures(make: type[MemoryLog]) -> list[str]:
    """The names of the contract's tests that such logs fail."""

    class Suite(EventLogContract):
        def outside(self) -> OnAShelf:
            return OnAShelf(make)

    failed = []
    for name in [each for each in dir(Suite) if each.startswith("test_")]:
        suite = Suite()
        try:
            suite.setup_method()
            getattr(suite, name)()
            suite.teardown_method()
        except Exception:
            failed.append(name)
    return failed


class Doubles(MemoryLog):
    """Keeps what comes again once more."""

    def settle(self, entries: Sequence[Entry], done: Deferred[None]) -> None:
        for entry in entries:
            key = (entry.dbid, entry.epoch, entry.number)
            if key in self._shelf.events:
                self._shelf.events[(entry.dbid, entry.epoch, -entry.number)] = entry
        super().settle(entries, done)


class Nearsighted(MemoryLog):
    """Takes the number for the name of an event."""

    def settle(self, entries: Sequence[Entry], done: Deferred[None]) -> None:
        there = {number for _, _, number in self._shelf.events}
        super().settle([entry for entry in entries if entry.number not in there], done)


class Hasty(MemoryLog):
    """Fires before anything is stored."""

    def store(self, entries: Sequence[Entry]) -> Deferred[None]:
        super().store(entries).addErrback(lambda _: None)
        return succeed(None)


class Silent(MemoryLog):
    """Says nothing of what was dropped."""

    def settle(self, entries: Sequence[Entry], done: Deferred[None]) -> None:
        super().settle([each for each in entries if not isinstance(each.what, Dropped)], done)


class Hopeless(MemoryLog):
    """Never works again once it has failed."""

    broken = False

    def settle(self, entries: Sequence[Entry], done: Deferred[None]) -> None:
        self.broken = self.broken or self._shelf.is_away
        if self.broken:
            done.errback(StorageError("it was broken"))
        else:
            super().settle(entries, done)


class Halves(MemoryLog):
    """Loses the end of large batches."""

    def settle(self, entries: Sequence[Entry], done: Deferred[None]) -> None:
        super().settle(entries[:1000], done)


class Choosy(MemoryLog):
    """Takes no events with a NUL in them."""

    def store(self, entries: Sequence[Entry]) -> Deferred[None]:
        if "\\x00" in repr(entries):
            return fail(StorageError("no NULs here"))
        return super().store(entries)


class Restless(MemoryLog):
    """Has its caller know that it could not note the rest."""

    def at_rest(self, number: int, time: float) -> Deferred[None]:
        if self._shelf.is_away:
            return fail(StorageError("nobody there"))
        return super().at_rest(number, time)


class Proud(MemoryLog):
    """Is always connected."""

    def figures(self) -> Mapping[str, object]:
        return {**super().figures(), "state": "connected"}


class Talkative(MemoryLog):
    """Has figures that are not flat."""

    def figures(self) -> Mapping[str, object]:
        return {"state": "idle", "names": list(self._shelf.events)}


class Waiting(MemoryLog):
    """Leaves a timer."""

    def begin(self, reactor: Any, node: str, dbid: int) -> None:
        super().begin(reactor, node, dbid)
        reactor.callLater(1000, lambda: None)


@pytest.mark.parametrize(
    ("make", "caught"),
    [
        (Doubles, "test_the_same_again_is_not_stored_twice"),
        (Doubles, "test_nor_is_it_by_the_next_term"),
        (Doubles, "test_what_is_stored_but_not_answered_is_not_stored_twice"),
        (Nearsighted, "test_the_same_number_of_another_epoch_or_node_is_another_event"),
        (Nearsighted, "test_several_nodes_store_at_once"),
        (Hasty, "test_what_is_stored_is_there_once_it_says_so"),
        (Hasty, "test_it_fails_while_nobody_is_there_and_works_once_there_is"),
        (Silent, "test_what_was_dropped_is_there_too"),
        (Silent, "test_a_gap_alone_is_stored"),
        (Hopeless, "test_it_begins_also_while_nobody_is_there"),
        (Halves, "test_a_large_batch_is_stored_as_a_whole"),
        (Choosy, "test_no_value_keeps_an_event_from_being_stored"),
        (Restless, "test_that_nobody_hears_of_rest_is_no_trouble"),
        (Proud, "test_it_begins_also_while_nobody_is_there"),
        (Talkative, "test_figures_are_flat_and_small_whatever_it_does"),
        (Waiting, "test_nothing_of_it_is_left_after_the_end"),
    ],
)
def test_a_log_that_does_not_keep_it_is_found(make: type[MemoryLog], caught: str) -> None:
    assert caught in failures(make)


def test_one_that_keeps_it_is_not() -> None:
    assert failures(MemoryLog) == []
    assert list(Shelf().events) == list[Name]()
