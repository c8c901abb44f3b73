"""
What is on its way of each partition, and how far the group may be told that it has come.

Theory of operation: the records of a partition are started in their order, only so
many at once. A partition may be committed up to the first record that is not
finished, whatever is finished behind it. When the group takes a partition away, what
is not started is dropped and what is started counts no more, since whoever has it
now begins where it was committed. A restart loses all of this, and loses nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ixproxy.capture.kafka_records import Record


class Place(NamedTuple):
    """A partition, for as long as it is ours: the next time its `term` is another."""

    topic: str
    partition: int
    term: int


class Partition:
    """
    :ivar is_ours: it was not taken away.
    :ivar is_ready: it stands among those of which a record may be started.
    """

    def __init__(self, place: Place, window: int) -> None:
        self.place = place
        self.is_ours = True
        self.is_ready = False
        self._window = window
        self._waiting: deque[Record] = deque()
        self._started: dict[int, bool] = {}
        self._under_way = 0

    @property
    def waiting(self) -> int:
        """How many are not started."""
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        """How many are started and not finished."""
        return self._under_way

    def add(self, record: Record) -> None:
        """One more was read."""
        self._waiting.append(record)

    @property
    def may_start(self) -> bool:
        """Whether one can be started."""
        return bool(self._waiting) and self._under_way < self._window

    def start(self) -> Record:
        """The next one is started."""
        record = self._waiting.popleft()
        self._started[record.offset] = False
        self._under_way += 1
        return record

    def finish(self, record: Record) -> int | None:
        """
        One that was started is finished.

        :return: the offset up to which the partition may be committed, which is that of
            the next record to be read; None: no further than before.
        """
        self._started[record.offset] = True
        self._under_way -= 1
        reached = None
        # Offsets have gaps, so it is the order of starting that tells what comes next.
        for offset in list(self._started):
            if not self._started[offset]:
                break
            del self._started[offset]
            reached = offset + 1
        return reached

    def drop(self) -> None:
        """It is not ours any more, or about not to be: nothing more of it is started."""
        self._waiting.clear()


class Partitions:
    """
    All partitions that are ours.

    :param window: how many records of one may be under way.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._ours: dict[tuple[str, int], Partition] = {}
        # Those of which a record may be started, whose turn it is first; some may have been
        # taken away meanwhile.
        self._ready: deque[Partition] = deque()

    def __len__(self) -> int:
        return len(self._ours)

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._ours.values())

    @property
    def waiting(self) -> int:
        """Records that are not started."""
        return sum(partition.waiting for partition in self._ours.values())

    @property
    def under_way(self) -> int:
        """Records that are started and not finished."""
        return sum(partition.under_way for partition in self._ours.values())

    def assigned(self, place: Place) -> None:
        """A partition is ours, from now on and anew."""
        self._ours[place.topic, place.partition] = Partition(place, self._window)

    def add(self, place: Place, record: Record) -> bool:
        """A record was read; False: the partition is not ours any more."""
        partition = self._ours.get((place.topic, place.partition))
        if partition is None or partition.place != place:
            return False
        partition.add(record)
        self._look_at(partition)
        return True

    def of(self, place: Place) -> Partition | None:
        """That partition, if it is ours still."""
        partition = self._ours.get((place.topic, place.partition))
        return partition if partition is not None and partition.place == place else None

    def revoked(self, place: Place) -> None:
        """A partition is no longer ours."""
        partition = self.of(place)
        if partition is not None:
            partition.is_ours = False
            partition.drop()
            del self._ours[place.topic, place.partition]

    @property
    def has_next(self) -> bool:
        """Whether a record may be started."""
        while self._ready and not self._ready[0].may_start:
            self._ready.popleft().is_ready = False
        return bool(self._ready)

    def start_next(self) -> tuple[Partition, Record]:
        """Start a record, while `has_next`; each partition in turn."""
        partition = self._ready.popleft()
        partition.is_ready = False
        record = partition.start()
        self._look_at(partition)
        return partition, record

    def finish(self, partition: Partition, record: Record) -> int | None:
        """A record is finished; see `Partition.finish`."""
        reached = partition.finish(record)
        self._look_at(partition)
        return reached

    def _look_at(self, partition: Partition) -> None:
        if partition.may_start and not partition.is_ready:
            partition.is_ready = True
            self._ready.append(partition)
