"""The event log in memory keeps the contract, and does what tests tell it."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from ixproxy.errors import ConfigError, StorageError
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.node.log_work import Dropped
from ixproxy.testing.eventlog_contract import EventLogContract
from ixproxy.testing.eventlog_outside import Gap, LogOutside, Name, entry
from ixproxy.testing.memory_eventlog import MemoryLog, MemoryLogMaker, Shelf


class OnAShelf(LogOutside):
    ordered = True

    def __init__(self, make: type[MemoryLog] = MemoryLog) -> None:
        super().__init__()
        self.shelf = Shelf()
        self.make = make

    def make_log(self) -> IEventLog:
        return self.make(self.shelf)

    def stored(self) -> list[Name]:
        return list(self.shelf.events)

    def dropped(self) -> list[Gap]:
        found = []
        for each in self.shelf.gaps.values():
            gap = each.what
            assert isinstance(gap, Dropped)
            found.append((each.dbid, each.epoch, gap.first, gap.last, gap.events))
        return found

    def cut(self) -> None:
        self.shelf.is_away = True

    def mend(self) -> None:
        self.shelf.is_away = False

    def lose_next_answer(self) -> None:
        self.shelf.loses_answers = 1


class TestMemoryLog(EventLogContract):
    def outside(self) -> LogOutside:
        return OnAShelf()


def test_the_shelf_outlives_the_log_and_says_what_was_given() -> None:
    shelf, clock = Shelf(), Clock()
    for epoch in (1, 2):
        log = MemoryLog(shelf)
        log.begin(clock, "ixn1", 101)
        done = log.store([entry(1), entry(2, epoch=epoch)])
        clock.advance(0)
        assert done.called
        log.at_rest(2, 5.0 + epoch)
        log.end()
    assert list(shelf.events) == [(101, 1, 1), (101, 1, 2), (101, 2, 2)]
    assert (shelf.given, shelf.batches, shelf.rests) == (4, [2, 2], {101: (2, 7.0)})


def test_a_slow_shelf_answers_when_it_is_told_but_not_after_the_end() -> None:
    shelf, clock = Shelf(), Clock()
    shelf.is_slow = True
    log = MemoryLog(shelf)
    log.begin(clock, "ixn1", 101)
    fired: list[object] = []
    log.store([entry(1)]).addCallback(fired.append)
    clock.advance(60)
    assert fired == []
    shelf.answer()
    assert fired == [None]
    second = log.store([entry(2)])
    log.end()
    shelf.answer()
    failures: list[object] = []
    second.addErrback(lambda failure: failures.append(failure.trap(StorageError)))
    assert failures == [StorageError]
    assert list(shelf.events) == [(101, 1, 1)]


def test_the_maker_finds_shelves_by_their_names() -> None:
    maker = MemoryLogMaker()
    assert isinstance(maker.make({"address": "memory:one"}), MemoryLog)
    maker.make({"address": "memory:one"})
    maker.make({"address": "memory:two"})
    assert list(maker.shelves) == ["one", "two"]
    with pytest.raises(ConfigError, match="memory:NAME"):
        maker.make({"address": "sqlite:x"})
