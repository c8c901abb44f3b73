"""
An event log that keeps its events in memory: for tests, and to be read as an example.

    shelf = Shelf()
    log = MemoryLog(shelf)                   one term of a node; the shelf outlives it
    shelf.is_away = True                     nobody can reach it
    shelf.loses_answers = 1                  what comes next is stored, and fails
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ixproxy.errors import ConfigError, ConfigProblem, StorageError
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.node.log_work import Dropped, Entry
from ixproxy.testing.eventlog_outside import Name

SCHEME = "memory:"


class Shelf:
    """
    Where the events are, whatever becomes of the nodes.

    :ivar events: by their names, in the order in which they came.
    :ivar gaps: what was dropped, likewise.
    :ivar given: how many entries were given, repeats and what failed included.
    :ivar batches: how many entries there were in each call.
    :ivar rests: dbid to the last number and time of rest.
    :ivar is_away: nobody can reach it.
    :ivar loses_answers: how many of the next batches are stored but fail.
    :ivar is_slow: what is stored fires when `answer` is called.
    """

    def __init__(self) -> None:
        self.events: dict[Name, Entry] = {}
        self.gaps: dict[Name, Entry] = {}
        self.given = 0
        self.batches: list[int] = []
        self.rests: dict[int, tuple[int, float]] = {}
        self.is_away = False
        self.loses_answers = 0
        self.is_slow = False
        self._waiting: list[tuple[MemoryLog, Sequence[Entry], Deferred[None]]] = []

    def answer(self) -> None:
        """Store what waits, as far as its log has not ended."""
        waiting, self._waiting = self._waiting, []
        for log, entries, done in waiting:
            log.settle(entries, done)

    def wait(self, log: MemoryLog, entries: Sequence[Entry], done: Deferred[None]) -> None:
        """Keep a batch until `answer`."""
        self._waiting.append((log, entries, done))

    def put(self, entries: Sequence[Entry]) -> None:
        """
        Store a batch.

        :raise StorageError: it is out of reach, or will not say so.
        """
        if self.is_away:
            raise StorageError("the shelf is away")
        for entry in entries:
            there = self.gaps if isinstance(entry.what, Dropped) else self.events
            there.setdefault((entry.dbid, entry.epoch, entry.number), entry)
        if self.loses_answers:
            self.loses_answers -= 1
            raise StorageError("the answer of the shelf was lost")


@implementer(IEventLog)
class MemoryLog:
    """One term of a log on a `Shelf`."""

    kind = "memory"

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._reactor: Any = None
        self._dbid = 0
        self._state = "idle"
        self._stored = 0

    def begin(self, reactor: Any, node: str, dbid: int) -> None:
        """Look whether the shelf is there."""
        self._reactor, self._dbid = reactor, dbid
        self._look()

    def store(self, entries: Sequence[Entry]) -> Deferred[None]:
        """Put them there."""
        self._shelf.given += len(entries)
        self._shelf.batches.append(len(entries))
        done: Deferred[None] = Deferred()
        if self._reactor is None:
            done.errback(StorageError("the log is not open"))
        elif self._shelf.is_slow:
            self._shelf.wait(self, entries, done)
        else:
            self._reactor.callLater(0, self.settle, entries, done)
        return done

    def settle(self, entries: Sequence[Entry], done: Deferred[None]) -> None:
        """A batch has arrived."""
        if self._reactor is None:
            done.errback(StorageError("the log has ended"))
            return
        try:
            self._shelf.put(entries)
        except StorageError as problem:
            self._state = f"connecting: {problem}"
            done.errback(problem)
        else:
            self._state = "connected"
            self._stored += len(entries)
            done.callback(None)

    def at_rest(self, number: int, time: float) -> Deferred[None]:
        """Note it."""
        self._look()
        if not self._shelf.is_away:
            self._shelf.rests[self._dbid] = (number, time)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def end(self) -> Deferred[None]:
        """Nothing arrives any more."""
        self._reactor = None
        self._state = "idle"
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def figures(self) -> Mapping[str, object]:
        """How it is."""
        return {"state": self._state, "stored": self._stored}

    def _look(self) -> None:
        if self._reactor is not None:
            away = self._shelf.is_away
            self._state = "connecting: the shelf is away" if away else "connected"


class MemoryLogMaker:
    """
    Makes logs on shelves: `memory:NAME` is the shelf of that name.

    :ivar shelves: made when they are first named.
    """

    name = "memory"
    summary = "Keeps events in memory, for tests."

    def __init__(self, shelves: dict[str, Shelf] | None = None) -> None:
        self.shelves = {} if shelves is None else shelves

    def make(self, settings: Mapping[str, object]) -> IEventLog:
        """
        The log at `settings["address"]`.

        :raise ConfigError: it is no such address.
        """
        address = settings.get("address")
        if not isinstance(address, str) or not address.startswith(SCHEME) or address == SCHEME:
            text = f"expected memory:NAME, not {address!r}"
            raise ConfigError([ConfigProblem("", "address", text)])
        return MemoryLog(self.shelves.setdefault(address.removeprefix(SCHEME), Shelf()))
