"""
What event logs are told: gathered while a batch runs, and kept in the outbox with it.

Theory of operation: an event that some log wants is encoded once and gathered,
through the journal, so that what is refused or undone leaves nothing. At the end
of the batch what was gathered becomes one row for each log (a *pack*; few, where
it is large), by the number of the last event in it. The rows that wait for a
log are its *spool*. Every event that a log is told has an index there; so the
oldest row and the newest say how many wait, and reading and deleting them costs
the same for one event and for a thousand.

A spool has a bound. Events that do not fit are dropped, and counted in a *gap*:
a row at their place, by the number of the first of them. While it is open more
of them are added to it. It closes when it is read, and when the spool has a
tenth of its room again.

    ROOM    events are packed
    FULL    the last row is an open gap, and events go there

A log that is *mandatory* gets everything: instead of a gap there are refusals,
see `ixproxy.node.mandatory`, and what cannot be refused goes above the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec import MsgspecError

from ixproxy.interfaces import IStore
from ixproxy.messages.message import Event
from ixproxy.node.journal import Journal
from ixproxy.node.log_packs import Packed, consumer_of, index_behind, index_of, packed
from ixproxy.node.log_rules import LogRules, Wanting
from ixproxy.node.log_work import Dropped


class Spool(NamedTuple):
    """
    How much waits for one log.

    :ivar oldest: the index of the oldest event that waits.
    :ivar next: the index that the next event will have.
    :ivar gap: the newest row, where it is a gap that may grow; it has not been read.
    """

    oldest: int = 0
    next: int = 0
    gap: Dropped | None = None

    @property
    def waiting(self) -> int:
        """Events in it."""
        return self.next - self.oldest


class Gathered(NamedTuple):
    """An event that logs want."""

    logs: tuple[str, ...]
    number: int
    event: Packed


class Spools:
    """
    The event logs of a node, for its rules.

    :ivar rules: of each log, by its name.
    :ivar spools: likewise.
    :ivar mandatory: the names of those that must have everything.
    :ivar gathered: the events of the batch that runs.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.mandatory: tuple[str, ...] = ()
        self._of = Wanting({}).of
        self.rules: Mapping[str, LogRules] = {}
        self.spools: dict[str, Spool] = {}
        self.gathered: list[Gathered] = []

    def use(self, store: IStore, rules: Mapping[str, LogRules]) -> None:
        """
        The logs that there are from now on.

        :raise StorageError: it could not be read how much waits for a new one; then
            nothing has changed.
        """
        new = {name: _spool_of(store, name) for name in rules if name not in self.spools}
        self.spools.update(new)
        self.rules = rules
        self.mandatory = tuple(name for name, each in rules.items() if each.mandatory)
        self._of = Wanting(rules).of

    def begin(self) -> None:
        """A batch begins."""
        self.gathered.clear()

    def of(self, kind: type[Event], of_agent: bool = False) -> tuple[str, ...]:
        """
        Which logs want an event.

        :param of_agent: of one about a party: it is an agent.
        """
        return self._of(kind, of_agent) if self.rules else ()

    def need_userdata(self, logs: tuple[str, ...]) -> bool:
        """Whether any of these logs needs the user data of interactions."""
        return any(self.rules[name].userdata for name in logs)

    def gather(self, logs: tuple[str, ...], event: Event) -> None:
        """Keep an event for some logs."""
        self._journal.append(self.gathered, Gathered(logs, event.event_number, packed(event)))

    def set(self, log: str, spool: Spool) -> None:
        """More waits for a log, or less."""
        self._journal.set(self.spools, log, spool)

    def full(self) -> tuple[str, ...]:
        """The mandatory logs for which as much waits as may."""
        return tuple(name for name in self.mandatory if self._is_full(name))

    def _is_full(self, log: str) -> bool:
        room = self.rules[log].max_queue - self.spools[log].waiting
        if room > len(self.gathered):
            return False
        return room <= sum(log in each.logs for each in self.gathered)


def _spool_of(store: IStore, log: str) -> Spool:
    """What an earlier term has left; a row that cannot be read is not counted."""
    consumer = consumer_of(log)
    newest = store.newest_outbox(consumer)
    if newest is None:
        return Spool()
    behind = _read(index_behind, newest.body)
    for row in store.outbox(consumer, 1):
        oldest = _read(index_of, row.body)
        if oldest is not None and behind is not None:
            return Spool(oldest, behind)
        known = oldest if behind is None else behind
        return Spool(known or 0, known or 0)
    return Spool()


def _read(index: Callable[[bytes], int], body: bytes) -> int | None:
    try:
        return index(body)
    except MsgspecError:
        return None
