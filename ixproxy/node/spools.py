"""
What event logs are told: gathered while a batch runs, and kept in the outbox with it.

Theory of operation: an event that some log wants is encoded once and gathered,
through the journal, so that what is refused or undone leaves nothing. At the end
of the batch what was gathered becomes one row for each log (a *pack*; few, where
it is large), by the number of the last event in it. The rows that wait for a
log are its *spool*. Every event that a log is told has an index there; so the
oldest row and the newest say how many wait, and reading and deleting them costs
the same for one event and for a thousand. Bytes of events are counted likewise.

A spool has two bounds, in events and in bytes: it is full where one of them is
reached. Events that do not fit are dropped, and counted in a *gap*:
a row at their place, by the number of the first of them. While it is open more
of them are added to it. It closes when it is read, and when the spool has a
tenth of its room again, by both bounds.

    ROOM    events are packed
    FULL    the last row is an open gap, and events go there

A log that is *mandatory* gets everything: instead of a gap there are refusals,
see `ixproxy.node.mandatory`, and what cannot be refused goes above the bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec import MsgspecError, Struct

from ixproxy.interfaces import IStore
from ixproxy.messages.message import Event
from ixproxy.node.journal import Journal
from ixproxy.node.log_packs import (
    Amount,
    Packed,
    consumer_of,
    log_of,
    packed,
    told_before,
    told_with,
)
from ixproxy.node.log_rules import LogRules, Wanting
from ixproxy.node.log_work import Bound, Dropped
from ixproxy.node.packed_properties import Needed, all_of


class Spool(NamedTuple):
    """
    How much waits for one log.

    :ivar oldest: what it was told before the oldest event that waits.
    :ivar next: likewise, before the next event that there will be.
    :ivar gap: the newest row, where it is a gap that may grow; it has not been read.
    """

    oldest: Amount = Amount()
    next: Amount = Amount()
    gap: Dropped | None = None

    @property
    def waiting(self) -> int:
        """Events in it."""
        return self.next.events - self.oldest.events

    @property
    def waiting_bytes(self) -> int:
        """Bytes of them."""
        return self.next.size - self.oldest.size


class Gathered(Struct, frozen=True):
    """
    An event that logs want.

    :ivar size: bytes of it.
    :ivar so_far: bytes of all that the batch has gathered, with it.
    """

    logs: tuple[str, ...]
    number: int
    event: Packed
    size: int
    so_far: int


class Spools:
    """
    The event logs of a node, for its rules.

    :ivar rules: of each log, by its name.
    :ivar spools: likewise.
    :ivar mandatory: the names of those that must have everything.
    :ivar gathered: the events of the batch that runs.
    :ivar left_behind: what waits for logs that there are no rules of, by name, as it
        was when the rules came; of those that have rows alone.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.mandatory: tuple[str, ...] = ()
        self._of = Wanting({}).of
        self._needed: dict[tuple[str, ...], Needed] = {}
        self.rules: Mapping[str, LogRules] = {}
        self.spools: dict[str, Spool] = {}
        self.gathered: list[Gathered] = []
        self.left_behind: Mapping[str, Amount] = {}

    def use(self, store: IStore, rules: Mapping[str, LogRules]) -> None:
        """
        The logs that there are from now on.

        :raise StorageError: it could not be read how much waits for a new one, or for one
            that is gone; then nothing has changed.
        """
        new = {name: _spool_of(store, name) for name in rules if name not in self.spools}
        names = filter(None, map(log_of, store.outbox_consumers()))
        gone = {name: _spool_of(store, name) for name in names if name not in rules}
        self.left_behind = {
            name: Amount(spool.waiting, spool.waiting_bytes) for name, spool in gone.items()
        }
        self.spools.update(new)
        self.rules = rules
        self.mandatory = tuple(name for name, each in rules.items() if each.mandatory)
        self._of, self._needed = Wanting(rules).of, {}

    def begin(self) -> None:
        """A batch begins."""
        self.gathered.clear()

    def of(self, kind: type[Event], of_agent: bool = False) -> tuple[str, ...]:
        """
        Which logs want an event.

        :param of_agent: of one about a party: it is an agent.
        """
        return self._of(kind, of_agent) if self.rules else ()

    def needed(self, logs: tuple[str, ...]) -> Needed:
        """Which properties of interactions any of these logs needs."""
        try:
            return self._needed[logs]
        except KeyError:
            needed = all_of([self.rules[name].properties for name in logs])
            self._needed[logs] = needed
            return needed

    def gather(self, logs: tuple[str, ...], event: Event) -> None:
        """Keep an event for some logs."""
        gathered, encoded = self.gathered, packed(event)
        size = encoded.size
        so_far = size + gathered[-1].so_far if gathered else size
        number = event.event_number
        self._journal.append(gathered, Gathered(logs, number, encoded, size, so_far))

    def set(self, log: str, spool: Spool) -> None:
        """More waits for a log, or less."""
        self._journal.set(self.spools, log, spool)

    def full(self) -> dict[str, Bound]:
        """The mandatory logs for which as much waits as may, and which bound says so."""
        found = {name: self._full_by(name) for name in self.mandatory}
        return {name: bound for name, bound in found.items() if bound is not None}

    def _full_by(self, log: str) -> Bound | None:
        rules, spool, gathered = self.rules[log], self.spools[log], self.gathered
        events, size = spool.waiting, spool.waiting_bytes
        if not gathered or rules.full_by(events, size):
            return rules.full_by(events, size)
        if rules.full_by(events + len(gathered), size + gathered[-1].so_far) is None:
            return None
        mine = [each.size for each in gathered if log in each.logs]
        return rules.full_by(events + len(mine), size + sum(mine))


def _spool_of(store: IStore, log: str) -> Spool:
    """What an earlier term has left; a row that cannot be read is not counted."""
    consumer = consumer_of(log)
    newest = store.newest_outbox(consumer)
    if newest is None:
        return Spool()
    behind = _read(told_with, newest.body)
    for row in store.outbox(consumer, 1):
        oldest = _read(told_before, row.body)
        if oldest is not None and behind is not None:
            return Spool(oldest, behind)
        known = oldest if behind is None else behind
        return Spool(known or Amount(), known or Amount())
    return Spool()


def _read(amount: Callable[[bytes], Amount], body: bytes) -> Amount | None:
    try:
        return amount(body)
    except MsgspecError:
        return None
