"""
Writes records in a thread of its own, and says when the brokers have confirmed them.

Theory of operation: the thread hands records to a producer as they come, and polls it
for their confirmations; with nothing on its way it waits for the next. A producer that
is spoilt for good, or that breaks in a way that nobody expected, fails all that it has,
and is made anew after a pause; what cannot even be handed over fails alone. Nothing is
tried again here: who has to have a record written asks again. Whether a record that was
not confirmed was written nobody knows; so who must not write one twice asks before
whether anybody is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.brokers.pauses import Pauses
from ixproxy.capture.kafka_records import EXPECTED, Outgoing, problem_text, said
from ixproxy.capture.kafka_settings import KafkaSettings
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.errors import IxproxyError

log = Logger()

POLL_SECONDS = 0.01
IDLE_SECONDS = 0.5
FLUSH_SECONDS = 1.0
"""How long what is on its way is waited for at the end, less than an end may take."""

REACH_SECONDS = 0.7
"""How long a broker may take to say who leads a topic's partitions: an end waits for it, too."""

_NEVER = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
}
"""What the same record will be refused with whenever it is written."""


class NotWritten(IxproxyError):
    """
    A record was not confirmed; it may have been written all the same.

    :ivar is_its_own_fault: the same record will never be taken.
    """

    def __init__(self, text: str, *, is_its_own_fault: bool = False) -> None:
        super().__init__(text)
        self.is_its_own_fault = is_its_own_fault


class NotReached(IxproxyError):
    """No record can be written to a topic now; nothing was."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Asks whether a topic can be written to."""

    topic: str


Makes = Callable[[], Outgoing | None]
"""Makes a record in the writer's thread; None: there is none. May raise DocumentRefused."""


class Writer:
    """
    :param trouble: told in the reactor thread of what concerns no record: key and text.
    :param make_producer: as `confluent_kafka.Producer`.
    """

    def __init__(
        self,
        reactor: Any,
        name: str,
        settings: KafkaSettings,
        trouble: Callable[[str, str], None],
        make_producer: Callable[..., Any] = Producer,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._trouble = trouble
        self._make_producer = make_producer
        self._stopping = Event()
        self._ended: Deferred[bool] = Deferred()
        self._asked: SimpleQueue[tuple[Makes | _Look, Deferred[None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"{name} writer", daemon=True)
        # Of the thread alone:
        self._under_way: set[Deferred[None]] = set()
        self._spoilt = False
        self._broken = ""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def send(self, make: Makes) -> Deferred[None]:
        """
        Write a record; those of one partition are written in the order of asking.

        :return: fires when the brokers have it.
        :raise NotWritten: by the Deferred.
        """
        done: Deferred[None] = Deferred()
        self._asked.put((make, done))
        return done

    def reach(self, topic: str) -> Deferred[None]:
        """
        Look whether records can be written to a topic now, and write none.

        :return: fires when the brokers say that each of its partitions has a leader.
        :raise NotReached: by the Deferred; or NotWritten: nobody could look.
        """
        done: Deferred[None] = Deferred()
        self._asked.put((_Look(topic), done))
        return done

    def stop(self, seconds: float) -> Deferred[bool]:
        """End, as `Reader.stop`; what is not confirmed then is not known to be written."""
        self._stopping.set()
        self._asked.put(None)
        late = self._reactor.callLater(seconds, self._over, False)
        self._ended.addCallback(lambda result: (late.active() and late.cancel(), result)[1])
        return self._ended

    def _over(self, result: bool) -> None:
        if not self._ended.called:
            self._ended.callback(result)

    def _run(self) -> None:
        pauses = Pauses(self._settings.reconnect_timeout)
        while not self._stopping.is_set():
            text = "it was not confirmed"
            try:
                producer = self._made()
                self._write(producer)
                if self._stopping.is_set():
                    producer.flush(FLUSH_SECONDS)
            except Exception as problem:
                text = self._broke(problem)
                self._refuse_waiting(text)
            # Its producer is gone: nothing will answer these any more.
            for done in list(self._under_way):
                self._refuse(done, NotWritten(text))
            if not self._stopping.is_set():
                self._stopping.wait(pauses.next())
        self._refuse_waiting("the capture point has ended")
        self._reactor.callFromThread(self._over, True)

    def _broke(self, problem: Exception) -> str:
        """Tell of it, in the log with where it happened unless it is still the same."""
        text = said(problem)
        if not isinstance(problem, EXPECTED) and text != self._broken:
            self._broken = text
            self._reactor.callFromThread(_log_broken, Failure(problem), self._thread.name)
        self._reactor.callFromThread(self._trouble, "producer", text)
        return text

    def _made(self) -> Any:
        self._spoilt = False
        options = {
            **self._settings.producer,
            **self._settings.found_secrets(),
            "error_cb": self._error,
        }
        return self._make_producer(options)

    def _write(self, producer: Any) -> None:
        while not self._stopping.is_set() and not self._spoilt:
            try:
                if self._under_way:
                    asked = self._asked.get_nowait()
                else:
                    asked = self._asked.get(timeout=IDLE_SECONDS)
            except Empty:
                producer.poll(POLL_SECONDS if self._under_way else 0)
                continue
            if asked is not None:
                self._produce(producer, *asked)
        if self._spoilt:
            # It fails what it has, so that nobody waits for ever.
            producer.purge()
            producer.flush(FLUSH_SECONDS)

    def _look(self, producer: Any, topic: str, done: Deferred[None]) -> None:
        try:
            found = producer.list_topics(topic, REACH_SECONDS).topics[topic]
        except KafkaException as problem:
            self._refuse(done, NotReached(said(problem)))
            return
        except Exception as problem:
            self._refuse(done, NotReached(self._broke(problem)))
            return
        if found.error is not None:
            self._refuse(done, NotReached(f"topic {topic}: {problem_text(found.error)}"))
        elif all(each.leader >= 0 for each in found.partitions.values()):
            self._answer(done, None)
        else:
            self._refuse(done, NotReached(f"topic {topic}: a partition has no leader"))

    def _produce(self, producer: Any, make: Makes | _Look, done: Deferred[None]) -> None:
        if isinstance(make, _Look):
            self._look(producer, make.topic, done)
            return
        try:
            record = make()
        except DocumentRefused as refused:
            self._refuse(done, NotWritten(str(refused), is_its_own_fault=True))
            return
        except Exception as problem:
            self._refuse(done, NotWritten(self._broke(problem)))
            return
        if record is None:
            self._answer(done, None)
            return

        def delivered(error: Any, _: Any) -> None:
            # Of a producer that was given up it comes too late.
            if done in self._under_way:
                self._answer(done, error)

        self._under_way.add(done)
        while True:
            try:
                producer.produce(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    headers=record.headers,
                    on_delivery=delivered,
                )
            except BufferError:
                # Its own queue is full: what is in there has to go first.
                producer.poll(POLL_SECONDS)
                if not self._stopping.is_set():
                    continue
                self._refuse(done, NotWritten("the capture point has ended"))
            except KafkaException as problem:
                self._answer(done, problem.args[0])
            except Exception as problem:
                self._refuse(done, NotWritten(self._broke(problem)))
            else:
                producer.poll(0)
            return

    def _answer(self, done: Deferred[None], error: Any) -> None:
        if error is None:
            self._under_way.discard(done)
            self._reactor.callFromThread(done.callback, None)
            return
        if error.fatal():
            self._spoilt = True
        own = error.code() in _NEVER
        self._refuse(done, NotWritten(problem_text(error), is_its_own_fault=own))

    def _refuse(self, done: Deferred[None], problem: NotWritten | NotReached) -> None:
        self._under_way.discard(done)
        self._reactor.callFromThread(done.errback, problem)

    def _refuse_waiting(self, text: str) -> None:
        while True:
            try:
                asked = self._asked.get_nowait()
            except Empty:
                return
            if asked is not None:
                self._refuse(asked[1], NotWritten(text))

    def _error(self, error: Any) -> None:
        if error.fatal():
            self._spoilt = True
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._reactor.callFromThread(self._trouble, "broker", problem_text(error))


def _log_broken(failure: Failure, thread: str) -> None:
    log.failure("The thread {thread} broke, and goes on", failure=failure, thread=thread)
