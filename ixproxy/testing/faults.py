"""
A store that fails when told to: for tests of what a node does then.

    store = FaultyStore(real, {("commit", 3): Fault.DONE_BUT_RAISED})

fails the third commit, counted from 1 over the life of the object, although
it happens. `broken` fails every call of a name until it is taken out again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from zope.interface import implementer

from ixproxy.errors import CommitUncertain, LeaseLost, StorageError
from ixproxy.interfaces import ILease, IStore
from ixproxy.values import Dialect


class Fault(Enum):
    """How a call fails."""

    REFUSED = "StorageError, nothing done"
    DISK_FULL = "StorageError, and the whole transaction is rolled back"
    DONE_BUT_RAISED = "CommitUncertain, although it was committed"
    UNDONE_AND_RAISED = "CommitUncertain, and it was rolled back"
    LEASE_LOST = "LeaseLost"


@implementer(IStore)
class FaultyStore:
    """
    Another store, with faults.

    :param plan: (name of a method, its how-manieth call from 1) to the fault.
    :ivar broken: names of methods that fail at every call, and how.
    :ivar calls: how often each method was called.
    """

    def __init__(self, store: IStore, plan: Mapping[tuple[str, int], Fault] | None = None) -> None:
        self._store = store
        self._plan = dict(plan or {})
        self.broken: dict[str, Fault] = {}
        self.calls: Counter[str] = Counter()

    def _called(self, name: str) -> Fault | None:
        """Count one call; raises for the faults that come before anything is done."""
        self.calls[name] += 1
        if not (self.broken or self._plan):
            return None
        fault = self.broken.get(name) or self._plan.get((name, self.calls[name]))
        match fault:
            case Fault.REFUSED:
                raise StorageError(f"{name}: refused by plan")
            case Fault.DISK_FULL:
                self._store.rollback()
                raise StorageError(f"{name}: the disk is full by plan")
            case Fault.LEASE_LOST:
                self._store.rollback()
                raise LeaseLost(f"{name}: lease lost by plan")
        return fault

    @property
    def dialect(self) -> Dialect:
        """See `IStore`."""
        return self._store.dialect

    def lease(self) -> ILease:
        """See `IStore`; the lease itself has no faults."""
        return self._store.lease()

    def abandon(self) -> None:
        """See `IStore`."""
        self._store.abandon()

    def open(self, now: float) -> int:
        """See `IStore`."""
        self._called("open")
        return self._store.open(now)

    def close(self) -> None:
        """See `IStore`."""
        self._called("close")
        self._store.close()

    def last_event_number(self) -> int:
        """See `IStore`."""
        return self._store.last_event_number()

    def last_queue_seq(self) -> int:
        """See `IStore`."""
        return self._store.last_queue_seq()

    def begin(self) -> None:
        """See `IStore`."""
        self._called("begin")
        self._store.begin()

    def write(self, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """See `IStore`."""
        self._called("write")
        self._store.write(puts, deletes)

    def commit(self, last_event_number: int) -> None:
        """See `IStore`."""
        match self._called("commit"):
            case Fault.DONE_BUT_RAISED:
                self.committed(last_event_number)
                raise CommitUncertain("commit: done, but raised by plan")
            case Fault.UNDONE_AND_RAISED:
                self._store.rollback()
                raise CommitUncertain("commit: rolled back, and raised by plan")
            case _:
                self.committed(last_event_number)

    def committed(self, last_event_number: int) -> None:
        """Commit really, whatever is said of it then."""
        self._store.commit(last_event_number)

    def fail_next(self, name: str, fault: Fault) -> None:
        """The next call of a method fails."""
        self._plan[name, self.calls[name] + 1] = fault

    def about_to_fail(self, name: str) -> bool:
        """Whether the next call of a method fails."""
        return name in self.broken or (name, self.calls[name] + 1) in self._plan

    def fail_no_more(self) -> None:
        """Nothing fails from now on."""
        self._plan.clear()
        self.broken.clear()

    def rollback(self) -> None:
        """See `IStore`."""
        self._called("rollback")
        self._store.rollback()

    def reopen(self) -> int:
        """See `IStore`."""
        self._called("reopen")
        return self._store.reopen()

    def fetch(self, table: str, keys: Iterable[tuple[Any, ...]]) -> list[Any]:
        """See `IStore`."""
        self._called("fetch")
        return self._store.fetch(table, keys)

    def fetch_by(self, table: str, column: str, values: Iterable[Any]) -> list[Any]:
        """See `IStore`."""
        self._called("fetch_by")
        return self._store.fetch_by(table, column, values)

    def due_timers(self, now: float, limit: int) -> list[Any]:
        """See `IStore`."""
        self._called("due_timers")
        return self._store.due_timers(now, limit)

    def next_due(self) -> float | None:
        """See `IStore`."""
        self._called("next_due")
        return self._store.next_due()

    def expire_receipts(self, created_before: float, limit: int) -> int:
        """See `IStore`."""
        self._called("expire_receipts")
        return self._store.expire_receipts(created_before, limit)

    def expire_documents(self, kept_until: float, limit: int) -> int:
        """See `IStore`."""
        self._called("expire_documents")
        return self._store.expire_documents(kept_until, limit)

    def newest(self, submitted_by: str, external_ids: Iterable[str], limit: int) -> list[Any]:
        """See `IStore`."""
        self._called("newest")
        return self._store.newest(submitted_by, external_ids, limit)

    def select(self, selection: Any, now: float) -> list[Any]:
        """See `IStore`."""
        self._called("select")
        return self._store.select(selection, now)

    def members(self, snapshot_id: int, start: int, limit: int) -> list[Any]:
        """See `IStore`."""
        self._called("members")
        return self._store.members(snapshot_id, start, limit)

    def count(self, selection: Any, now: float) -> int:
        """See `IStore`."""
        self._called("count")
        return self._store.count(selection, now)

    def counts(self) -> list[tuple[int, str, str, int, int, int]]:
        """See `IStore`."""
        self._called("counts")
        return self._store.counts()

    def outbox(self, consumer: str, limit: int, after: int = 0) -> list[Any]:
        """See `IStore`."""
        self._called("outbox")
        return self._store.outbox(consumer, limit, after)

    def newest_outbox(self, consumer: str) -> Any | None:
        """See `IStore`."""
        self._called("newest_outbox")
        return self._store.newest_outbox(consumer)

    def outbox_consumers(self) -> list[str]:
        """See `IStore`."""
        self._called("outbox_consumers")
        return self._store.outbox_consumers()

    def outbox_size(self, consumer: str) -> int:
        """See `IStore`."""
        self._called("outbox_size")
        return self._store.outbox_size(consumer)

    def prepare_views(self, selections: Sequence[tuple[str, Any]]) -> None:
        """See `IStore`."""
        self._called("prepare_views")
        self._store.prepare_views(selections)

    def reader(self) -> Any:
        """See `IStore`; the reader itself has no faults."""
        self._called("reader")
        return self._store.reader()
