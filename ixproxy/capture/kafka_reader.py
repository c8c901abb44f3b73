"""
Reads records in a thread of its own, for the client library blocks.

Theory of operation: the thread makes a consumer, and polls it until it is told to stop
or the consumer is spoilt for good; then, after a pause, it makes another. What it
finds it tells in the reactor thread; so it does with whatever it did not expect, which
costs it the consumer and a pause, never the thread. What is finished there comes back by a queue:
it makes room, and moves the offset that is committed. A partition of which too much
is on its way is paused, so that nothing grows here and polling goes on: who does not
poll is taken for dead by the group. Before a partition is given back, what is under
way of it gets a little time to finish, and what is finished is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.brokers.pauses import Pauses
from ixproxy.capture.kafka_partitions import Place
from ixproxy.capture.kafka_records import (
    EXPECTED,
    Message,
    Reads,
    Record,
    problem_text,
    record_of,
    said,
)
from ixproxy.capture.kafka_settings import KafkaSettings
from ixproxy.capture.kafka_statistics import Statistics, read_statistics

log = Logger()

POLL_SECONDS = 0.1
COMMIT_SECONDS = 0.1
"""Between two commits."""

REVOKE_SECONDS = 5.0
"""How long what is under way may take before its partition is given back."""

MOST_BYTES = 64 << 20
"""Of records that are read and not finished, all partitions together."""

STATISTICS_MILLISECONDS = 1000

_OF_THE_GROUP = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError._NO_OFFSET,
    KafkaError._ASSIGNMENT_LOST,
}
"""What a commit may fail with that another one, or another member, puts right."""


class Hears(Protocol):
    """Who is told; everything in the reactor thread, in the order in which it happened."""

    def assigned(self, places: Sequence[Place]) -> None:
        """These are ours."""

    def revoking(self, places: Sequence[Place], settled: Event) -> None:
        """These will be taken away; to set `settled` ends what they are waited for."""

    def revoked(self, places: Sequence[Place]) -> None:
        """These are not ours any more."""

    def read(self, records: Sequence[tuple[Place, Record]]) -> None:
        """These were read."""

    def trouble(self, key: str, text: str) -> None:
        """Something is wrong; `key` tells one thing from another."""

    def statistics(self, found: Statistics) -> None:
        """How the client is."""


class Reader:
    """
    :param call: has something called in the reactor thread.
    :param read: makes documents of bytes.
    :param make_consumer: as `confluent_kafka.Consumer`.
    """

    def __init__(
        self,
        reactor: Any,
        name: str,
        settings: KafkaSettings,
        hears: Hears,
        read: Reads,
        make_consumer: Callable[..., Any] = Consumer,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._hears = hears
        self._reads = read
        self._make_consumer = make_consumer
        self._stopping = Event()
        self._ended: Deferred[bool] = Deferred()
        self._finished: SimpleQueue[tuple[Place, int | None, int]] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"{name} reader", daemon=True)
        # Of the thread alone:
        self._term = 0
        self._places: dict[tuple[str, int], Place] = {}
        self._counts: dict[Place, int] = {}
        self._sizes: dict[Place, int] = {}
        self._paused: set[Place] = set()
        self._reached: dict[Place, int] = {}
        self._committed: dict[Place, int] = {}
        self._committed_at = 0.0
        self._spoilt = ""
        self._broken = ""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self, seconds: float) -> Deferred[bool]:
        """
        Commit what is finished, leave the group, and end.

        :return: fires with True when that is done, or with False after `seconds`: what
            still hangs then is left to itself.
        """
        self._stopping.set()
        late = self._reactor.callLater(seconds, self._over, False)
        self._ended.addCallback(lambda result: (late.active() and late.cancel(), result)[1])
        return self._ended

    def finished(self, place: Place, reached: int | None, size: int) -> None:
        """
        A record is finished.

        :param reached: see `Partition.finish`.
        :param size: of the record.
        """
        self._finished.put((place, reached, size))

    def _over(self, result: bool) -> None:
        if not self._ended.called:
            self._ended.callback(result)

    def _tell(self, told: Callable[..., None], *given: Any) -> None:
        self._reactor.callFromThread(told, *given)

    def _run(self) -> None:
        pauses = Pauses(self._settings.reconnect_timeout)
        while not self._stopping.is_set():
            try:
                consumer = self._made()
                try:
                    self._poll(consumer, pauses)
                finally:
                    self._close(consumer)
            except Exception as problem:
                self._broke(problem)
            if not self._stopping.is_set():
                self._stopping.wait(pauses.next())
        self._tell(self._over, True)

    def _broke(self, problem: Exception) -> None:
        text = said(problem)
        if not isinstance(problem, EXPECTED) and text != self._broken:
            self._broken = text
            self._tell(_log_broken, Failure(problem), self._thread.name)
        self._tell(self._hears.trouble, "client", text)

    def _made(self) -> Any:
        self._spoilt = ""
        options = {
            **self._settings.consumer,
            **self._settings.found_secrets(),
            "error_cb": self._error,
            "on_commit": self._commit_answered,
            "stats_cb": self._statistics,
            "statistics.interval.ms": STATISTICS_MILLISECONDS,
        }
        consumer = self._make_consumer(options)
        consumer.subscribe(
            list(self._settings.inbound_topics),
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
        )
        return consumer

    def _close(self, consumer: Any) -> None:
        try:
            with suppress(KafkaException, RuntimeError):
                consumer.close()
        finally:
            self._forget(list(self._places.values()))

    def _poll(self, consumer: Any, pauses: Pauses) -> None:
        while not self._stopping.is_set():
            self._settle(consumer)
            self._commit(consumer)
            message = consumer.poll(POLL_SECONDS)
            if self._spoilt:
                raise ValueError(self._spoilt)
            if message is None:
                continue
            messages = [message]
            if self._settings.at_once > 1:
                messages += consumer.consume(self._settings.at_once - 1, 0)
            if self._take(messages):
                pauses.over()
            self._pause(consumer)

    def _take(self, messages: Sequence[Any]) -> bool:
        """Hand over what was read; whether it was anything."""
        found: list[tuple[Place, Record]] = []
        for message in messages:
            error = message.error()
            if error is not None:
                self._message_error(message, error)
                continue
            place = self._places.get((message.topic(), message.partition()))
            if place is None:
                continue
            record = self._record(message)
            self._counts[place] += 1
            self._sizes[place] += record.size
            found.append((place, record))
        if found:
            self._tell(self._hears.read, found)
        return bool(found)

    def _record(self, message: Message) -> Record:
        return record_of(message, self._reads, bool(self._settings.notification_topic))

    def _pause(self, consumer: Any) -> None:
        """Pause what has too much on its way."""
        limit = self._settings.partition_buffer
        full = sum(self._sizes.values()) >= MOST_BYTES
        places = [
            place
            for place in self._places.values()
            if place not in self._paused and (full or self._counts[place] >= limit)
        ]
        if places:
            consumer.pause([_topic_partition(place) for place in places])
            self._paused.update(places)

    def _settle(self, consumer: Any) -> None:
        """Count what is finished, and let go on what was paused."""
        with suppress(Empty):
            while True:
                self._count(*self._finished.get_nowait())
        if not self._paused or sum(self._sizes.values()) > MOST_BYTES // 2:
            return
        few = self._settings.partition_buffer // 2
        places = [place for place in self._paused if self._counts[place] <= few]
        if places:
            consumer.resume([_topic_partition(place) for place in places])
            self._paused.difference_update(places)

    def _count(self, place: Place, reached: int | None, size: int) -> None:
        if self._places.get((place.topic, place.partition)) == place:
            self._counts[place] -= 1
            self._sizes[place] -= size
            if reached is not None:
                self._reached[place] = reached

    def _commit(self, consumer: Any, *, waiting: bool = False) -> None:
        """Commit what was reached since the last time."""
        now = monotonic()
        if not waiting and now - self._committed_at < COMMIT_SECONDS:
            return
        due = {
            place: reached
            for place, reached in self._reached.items()
            if self._committed.get(place) != reached
        }
        if not due:
            return
        self._committed_at = now
        self._committed.update(due)
        offsets = [_topic_partition(place, reached) for place, reached in due.items()]
        try:
            consumer.commit(offsets=offsets, asynchronous=not waiting)
        except KafkaException as problem:
            self._commit_answered(problem.args[0], offsets)

    def _commit_answered(self, error: Any, offsets: Sequence[Any]) -> None:
        if error is None:
            return
        for each in offsets:
            # Another commit has to say it.
            place = self._places.get((each.topic, each.partition))
            if place is not None:
                self._committed.pop(place, None)
        if error.code() not in _OF_THE_GROUP:
            self._tell(self._hears.trouble, "commit", f"offsets: {problem_text(error)}")

    def _assigned(self, _: Any, partitions: Sequence[Any]) -> None:
        places = []
        for each in partitions:
            self._term += 1
            place = Place(each.topic, each.partition, self._term)
            self._places[each.topic, each.partition] = place
            self._counts[place] = self._sizes[place] = 0
            places.append(place)
        self._tell(self._hears.assigned, places)

    def _revoked(self, consumer: Any, partitions: Sequence[Any]) -> None:
        places = self._ours(partitions)
        if not self._stopping.is_set():
            settled = Event()
            self._tell(self._hears.revoking, places, settled)
            until = monotonic() + REVOKE_SECONDS
            while not settled.is_set() and not self._stopping.is_set() and monotonic() < until:
                settled.wait(0.05)
        self._settle(consumer)
        self._commit(consumer, waiting=True)
        self._forget(places)

    def _lost(self, _: Any, partitions: Sequence[Any]) -> None:
        self._forget(self._ours(partitions))

    def _ours(self, partitions: Sequence[Any]) -> list[Place]:
        found = (self._places.get((each.topic, each.partition)) for each in partitions)
        return [place for place in found if place is not None]

    def _forget(self, places: Sequence[Place]) -> None:
        for place in places:
            self._places.pop((place.topic, place.partition), None)
            self._counts.pop(place, None)
            self._sizes.pop(place, None)
            self._reached.pop(place, None)
            self._committed.pop(place, None)
            self._paused.discard(place)
        if places:
            self._tell(self._hears.revoked, places)

    def _error(self, error: Any) -> None:
        """The client tells of something that concerns no record."""
        if error.fatal():
            self._spoilt = problem_text(error)
        elif error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._tell(self._hears.trouble, "broker", problem_text(error))

    def _message_error(self, message: Any, error: Any) -> None:
        if error.fatal():
            self._spoilt = problem_text(error)
            return
        topic = message.topic() or ""
        key = f"topic {topic}" if topic else "group"
        self._tell(self._hears.trouble, key, problem_text(error))

    def _statistics(self, text: str) -> None:
        self._tell(self._hears.statistics, read_statistics(text))


def _topic_partition(place: Place, offset: int | None = None) -> Any:
    if offset is None:
        return TopicPartition(place.topic, place.partition)
    return TopicPartition(place.topic, place.partition, offset)


def _log_broken(failure: Failure, thread: str) -> None:
    log.failure("The thread {thread} broke, and goes on", failure=failure, thread=thread)
