"""
The capture point `kafka`: records of some topics are documents.

Theory of operation: a reader hands over records of the partitions that the group has
given us; each partition's are handed in one after another, those of different
partitions side by side. A record is finished when the node has committed it, or when
it is in the topic of errors, and when the copy that it needs is confirmed; what is
finished moves the partition's offset. Whatever is lost before makes it come again,
with the receipt it had. What the node tells goes to the topic of notifications, and
counts as told once that is confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Event
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.brokers.complaining import Complaint
from ixproxy.brokers.pauses import Pauses
from ixproxy.capture.kafka_partitions import Partition, Partitions, Place
from ixproxy.capture.kafka_reader import Reader
from ixproxy.capture.kafka_records import (
    Outgoing,
    Record,
    copy_of,
    notification_of,
    problem_text,
)
from ixproxy.capture.kafka_settings import KEY_PASSWORD, KafkaSettings, read_settings
from ixproxy.capture.kafka_statistics import Statistics
from ixproxy.capture.kafka_writer import NotReached, NotWritten, Writer
from ixproxy.capture.napping import Nap
from ixproxy.capture.refusals import Fate, fate
from ixproxy.capture.refusing import (
    not_done,
    parts_reason,
    refused_parts,
    undone,
    undone_reason,
)
from ixproxy.errors import ConfigError, ConfigProblem, NotTold
from ixproxy.interfaces_capture import ICapturePoint, IIntake
from ixproxy.node.intake_settings import UNSOLICITED
from ixproxy.node.intake_work import Document, Notification

log = Logger()

END_SECONDS = 1.8
"""How long an end may take, less than the node waits; what hangs then is left to itself."""


def make(settings: Mapping[str, object]) -> KafkaPoint:
    """:raise ixproxy.errors.ConfigError: see `read_settings`; or the client refuses an option."""
    read = read_settings(settings)
    _try(Consumer, _without_secrets(read, read.consumer), "consumer-options")
    _try(Producer, _without_secrets(read, read.producer), "producer-options")
    return KafkaPoint(read)


def _without_secrets(read: KafkaSettings, options: Mapping[str, Any]) -> dict[str, Any]:
    """
    Options to be tried before the secrets can be had.

    Any password will do, but that of a private key: the client reads the key with it
    at once, so it is tried without that key.
    """
    tried = {**options, **dict.fromkeys(read.secrets, "x")}
    if tried.pop(KEY_PASSWORD, None) is not None:
        for key in ("ssl.key.location", "ssl.key.pem"):
            tried.pop(key, None)
    return tried


def _try(kind: Callable[..., Any], options: Mapping[str, Any], key: str) -> None:
    try:
        made = kind(options)
    except (KafkaException, ValueError, TypeError) as problem:
        error = problem.args[0] if problem.args else problem
        text = problem_text(error) if hasattr(error, "name") else str(error)
        raise ConfigError([ConfigProblem("", key, text)]) from None
    if hasattr(made, "close"):
        made.close()


def _same(record: Outgoing) -> Outgoing:
    return record


@implementer(ICapturePoint)
class KafkaPoint:
    """One term of a capture point."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.wanted = UNSOLICITED if settings.notification_topic else frozenset()
        self._settings = settings
        self._partitions = Partitions(settings.partition_window)
        self._state = "idle"
        self._statistics = Statistics(0, False, -1)
        self._has_begun = False
        self._is_over = False
        self._is_reached = False
        self._waits_for_room = False
        self._leaving: list[tuple[list[Partition], Event]] = []
        self._complaints: dict[str, Complaint] = {}
        self._counts = dict.fromkeys(
            ("read", "taken", "repeated", "refused", "copied", "notified", "not-notified"), 0
        )

    def begin(self, intake: IIntake) -> None:
        """See `ICapturePoint`."""
        self._intake = intake
        self._has_begun = True
        self._nap = Nap(intake.reactor)
        name = f"capture {intake.name}"
        self._reader = Reader(intake.reactor, name, self._settings, self, self._document)
        self._writer = Writer(intake.reactor, name, self._settings, self.trouble)
        self._reader.start()
        self._writer.start()

    def end(self) -> Deferred[None]:
        """See `ICapturePoint`."""
        if self._is_over or not self._has_begun:
            self._is_over = True
            return succeed(None)
        self._is_over = True
        self._nap.wake()
        for _, settled in self._leaving:
            settled.set()
        ended = gatherResults([self._reader.stop(END_SECONDS), self._writer.stop(END_SECONDS)])
        return ended.addCallback(lambda _: self._settings.forms.close())

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        """See `ICapturePoint`."""
        return Deferred.fromCoroutine(self._tell(notifications))

    def figures(self) -> Mapping[str, object]:
        """See `ICapturePoint`."""
        found: dict[str, object] = {
            "state": self._how_it_is(),
            "group": self._settings.group,
            "partitions": len(self._partitions),
            "waiting": self._partitions.waiting,
            "under-way": self._partitions.under_way,
            **self._counts,
        }
        if self._statistics.lag >= 0:
            found["lag"] = self._statistics.lag
        problems = [each.text for each in self._complaints.values() if each.text]
        if problems:
            found["problem"] = "; ".join(problems)[:300]
        return found

    # What the reader tells, in the reactor thread.

    def assigned(self, places: Sequence[Place]) -> None:
        """See `Hears`."""
        for place in places:
            self._partitions.assigned(place)
            self._over(f"topic {place.topic}")
        self._over("group")
        # Whoever is given partitions is a member of the group.
        self._statistics = Statistics(1, True, self._statistics.lag)

    def revoking(self, places: Sequence[Place], settled: Event) -> None:
        """See `Hears`: what is not started is dropped; what is started may finish."""
        found = [each for place in places if (each := self._partitions.of(place)) is not None]
        for partition in found:
            partition.drop()
        self._leaving.append((found, settled))
        self._look_at_leaving()

    def revoked(self, places: Sequence[Place]) -> None:
        """See `Hears`."""
        for place in places:
            self._partitions.revoked(place)
        self._look_at_leaving()

    def read(self, records: Sequence[tuple[Place, Record]]) -> None:
        """See `Hears`."""
        for place, record in records:
            if self._partitions.add(place, record):
                self._counts["read"] += 1
            else:
                self._reader.finished(place, None, record.size)
        self._pump()

    def trouble(self, key: str, text: str) -> None:
        """See `Hears`."""
        if not self._is_over:
            if key not in self._complaints:
                self._complaints[key] = Complaint(log, self._intake.name)
            self._complaints[key].about(text, key)

    def statistics(self, found: Statistics) -> None:
        """See `Hears`."""
        self._statistics = found
        if found.brokers and found.is_steady:
            for key in ("broker", "client", "commit"):
                self._over(key)

    def _over(self, key: str) -> None:
        if key in self._complaints:
            self._complaints.pop(key).over()

    def _how_it_is(self) -> str:
        if not self._has_begun:
            return "idle"
        if self._is_over:
            return "ended"
        problem = next((each.text for each in self._complaints.values() if each.text), "")
        if not self._statistics.brokers:
            return f"connecting: {problem or 'no broker has answered yet'}"[:300]
        if not self._statistics.is_steady:
            return f"joining the group{': ' if problem else ''}{problem}"[:300]
        return "connected"

    # What becomes of records.

    def _pump(self) -> None:
        """Start what can be started."""
        while not self._is_over and self._partitions.has_next:
            if not self._intake.room():
                if not self._waits_for_room:
                    self._waits_for_room = True
                    self._intake.when_room(self._has_room)
                return
            partition, record = self._partitions.start_next()
            doing = Deferred.fromCoroutine(self._do(partition, record))
            doing.addErrback(self._broke, record)

    def _has_room(self) -> None:
        self._waits_for_room = False
        self._pump()

    async def _do(self, partition: Partition, record: Record) -> None:
        """All that a record needs."""
        done = await self._hand_in(partition, record, record.document)
        if not done or self._is_over:
            return
        reached = self._partitions.finish(partition, record)
        self._reader.finished(partition.place, reached, record.size)
        self._look_at_leaving()
        self._pump()

    async def _hand_in(self, partition: Partition, record: Record, document: Document) -> bool:
        """
        Have a document taken, however long that takes.

        :return: whether it is finished here, as it is when its partition is not ours any
            more: whoever has that now reads it again.
        """
        pauses, attempts = Pauses(self._settings.reconnect_timeout), 0
        while self._needs(partition):
            if not self._intake.room():
                await self._nap.until(self._intake.when_room)
                continue
            attempts += 1
            try:
                taken = await self._intake.take(document)
            except Exception as problem:
                if fate(problem, attempts) is Fate.NEVER:
                    if document.problem is not None:
                        return await self._refuse(partition, record, document.problem.description)
                    document, attempts = not_done(document, record.name, problem), 0
                    continue
                if self._needs(partition):
                    await self._nap.rest(pauses.next())
                continue
            if taken.problem is not None:
                return await self._refuse(partition, record, taken.problem.description)
            if problems := undone(taken):
                return await self._refuse(partition, record, undone_reason(problems))
            self._counts["repeated" if taken.repeated else "taken"] += 1
            refused = ""
            if not document.replies and (parts := refused_parts(taken)):
                # Nobody else says so.
                refused = parts_reason(parts)
                self._intake.partly_refused(refused, record.name)
            if topic := self._settings.processed_topic:
                copy = copy_of(record, topic, refused=refused)
                return await self._copy(partition, copy)
            return True
        return not self._is_over

    async def _refuse(self, partition: Partition, record: Record, why: str) -> bool:
        """A record is no good: it goes to the topic of errors, where there is one."""
        self._counts["refused"] += 1
        self._intake.refused(why, record.name)
        if not self._settings.error_topic:
            return True
        copy = copy_of(record, self._settings.error_topic, why)
        return await self._copy(partition, copy)

    async def _copy(self, partition: Partition, copy: Outgoing) -> bool:
        """Have a copy written, however long that takes; returns as `_hand_in`."""
        topic, pauses = copy.topic, Pauses(self._settings.reconnect_timeout)
        while self._needs(partition):
            try:
                await self._writer.send(partial(_same, copy))
            except NotWritten as problem:
                self.trouble(f"copies to {topic}", f"{topic}: {problem}")
                if problem.is_its_own_fault:
                    if copy.value is None:
                        return True
                    # Its reason and its place are worth more than nothing.
                    copy = copy._replace(value=None)
                elif self._needs(partition):
                    await self._nap.rest(pauses.next())
            else:
                self._counts["copied"] += 1
                self._over("producer")
                self._over(f"copies to {topic}")
                return True
        return not self._is_over

    def _needs(self, partition: Partition) -> bool:
        return partition.is_ours and not self._is_over

    def _look_at_leaving(self) -> None:
        """Partitions of which nothing is under way can be given back."""
        for each in list(self._leaving):
            partitions, settled = each
            if all(not partition.under_way or not partition.is_ours for partition in partitions):
                self._leaving.remove(each)
                settled.set()

    # What is told.

    async def _tell(self, notifications: Sequence[Notification]) -> None:
        if not notifications or not self._settings.notification_topic:
            return
        if self._is_over or not self._has_begun:
            raise NotTold("the capture point does not run")
        await self._reach(self._settings.notification_topic)
        sending = [self._writer.send(partial(self._outgoing, each)) for each in notifications]
        failures: list[NotWritten] = []
        for each in sending:
            try:
                await each
            except NotWritten as problem:
                if not problem.is_its_own_fault:
                    failures.append(problem)
                    continue
                # It would keep all others waiting.
                self._counts["not-notified"] += 1
                self.trouble("notification", f"a notification is left out: {problem}")
            else:
                self._counts["notified"] += 1
                self._over("producer")
        if failures:
            self._is_reached = False
            self.trouble("notifications", f"notifications wait: {failures[0]}")
            raise failures[0]
        self._over("notifications")

    async def _reach(self, topic: str) -> None:
        """
        Make sure that somebody takes notifications, unless the last ones were taken.

        :raise NotTold: nobody does: what is told once at most is not handed out in vain.
        """
        if self._is_reached:
            return
        try:
            await self._writer.reach(topic)
        except (NotReached, NotWritten) as problem:
            self.trouble("notifications", f"notifications wait: {problem}")
            raise NotTold(str(problem)) from problem
        self._is_reached = True

    def _document(self, content: bytes, receipt: str, correlation: Mapping[str, str]) -> Document:
        """In the reader's thread."""
        return self._settings.forms.read(content, receipt=receipt, correlation=correlation)

    def _outgoing(self, told: Notification) -> Outgoing | None:
        """In the writer's thread."""
        content = self._settings.forms.write(told)
        topic = self._settings.notification_topic
        return notification_of(told, topic, content) if content else None

    def _broke(self, failure: Failure, record: Record) -> None:
        if not self._is_over:
            log.failure(
                "Capture point {name}: {record} broke",
                failure=failure,
                name=self._intake.name,
                record=record.name,
            )
            self.trouble("broken", f"{record.name}: {failure.getErrorMessage()}")
