"""An event log that is a queue keeps the contract: in memory, and with RabbitMQ itself."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from proton import Message
from pytest_twisted import blockon
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ixproxy.eventlog.amqp_log import make
from ixproxy.eventlog.amqp_messages import DROPPED
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.testing.amqp_peer import bytes_of, drained
from ixproxy.testing.eventlog_contract import EventLogContract
from ixproxy.testing.eventlog_outside import LONG, Gap, LogOutside, Name
from ixproxy.testing.rabbitmq import PASSWORD, USER, RabbitmqBroker
from ixproxy.testing.relay import Relay
from tests.brokers.played_amqp import PlayedAmqpBroker
from tests.capture.played_stomp import PlayedReactor

_NUMBERS = itertools.count(1)
MOST = 1 << 24
UNREACHABLE = 1


class Reader:
    """Who reads a queue: it has each message once, known by its id."""

    def __init__(self) -> None:
        self._bodies: dict[str, Any] = {}

    def read(self, messages: Iterable[Message]) -> None:
        for message in messages:
            assert isinstance(message.id, str)
            self._bodies.setdefault(message.id, json.loads(bytes_of(message)))

    def events(self) -> list[Name]:
        return [
            (each["dbid"], each["epoch"], each["number"])
            for each in self._bodies.values()
            if each["event"] != DROPPED
        ]

    def gaps(self) -> list[Gap]:
        return [
            (each["dbid"], each["epoch"], said["First"], said["Last"], said["Events"])
            for each in self._bodies.values()
            if each["event"] == DROPPED and (said := each["attributes"])
        ]


class PlayedQueue(LogOutside):
    """A queue of a broker in memory."""

    ordered = True

    def __init__(self, product: str, version: str) -> None:
        super().__init__()
        self.broker = PlayedAmqpBroker(product, version=version)
        self.reactor = PlayedReactor(self.broker)

    def make_log(self) -> IEventLog:
        return make({"address": "amqp://broker.example", "delivery-queue-name": "log"})

    def stored(self) -> list[Name]:
        return self._read().events()

    def dropped(self) -> list[Gap]:
        return self._read().gaps()

    def _read(self) -> Reader:
        reader = Reader()
        for queue in self.broker.queues.values():
            reader.read(each.message for each in queue)
        return reader

    def cut(self) -> None:
        self.broker.cut()
        self.later(0)

    def mend(self) -> None:
        self.broker.reachable = True

    def lose_next_answer(self) -> None:
        self.broker.loses_answers = True


class RealQueue(LogOutside):
    """A queue of RabbitMQ, which can be reached by a relay."""

    answers_get_lost = False
    ordered = True

    def __init__(self, reactor: Any, broker: RabbitmqBroker) -> None:
        super().__init__()
        self.reactor = reactor
        self._broker = broker
        self._queue = f"log{next(_NUMBERS)}"
        self._reader = Reader()
        self._relay = Relay(reactor, broker.amqp_port)
        blockon(Deferred.fromCoroutine(self._relay.start()))

    def make_log(self) -> IEventLog:
        address = f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self._relay.port}"
        return make({"address": address, "delivery-queue-name": self._queue})

    def stored(self) -> list[Name]:
        self._read()
        return self._reader.events()

    def dropped(self) -> list[Gap]:
        self._read()
        return self._reader.gaps()

    def _read(self) -> None:
        """Read what is there now; what was read is no longer in the queue."""
        reading = drained(self.reactor, self._broker.amqp_port, self._queue, MOST)
        self._reader.read(blockon(Deferred.fromCoroutine(reading)))

    def cut(self) -> None:
        self._relay.to = UNREACHABLE
        self._relay.cut()
        self.later(0.2)

    def mend(self) -> None:
        self._relay.to = self._broker.amqp_port

    def later(self, seconds: float) -> None:
        blockon(deferLater(self.reactor, seconds, lambda: None))

    def until(self, happened: Callable[[], object], seconds: float = LONG) -> None:
        until = self.reactor.seconds() + seconds
        while not happened() and self.reactor.seconds() < until:
            self.later(0.02)
        assert happened(), "it did not happen in time"

    def close(self) -> None:
        blockon(Deferred.fromCoroutine(self._relay.stop()))


class TestOnRabbitmqInMemory(EventLogContract):
    def outside(self) -> LogOutside:
        return PlayedQueue("RabbitMQ", "3.10.8")


class TestOnNewerRabbitmqInMemory(EventLogContract):
    def outside(self) -> LogOutside:
        return PlayedQueue("RabbitMQ", "4.1.0")


class TestOnActivemqInMemory(EventLogContract):
    def outside(self) -> LogOutside:
        return PlayedQueue("ActiveMQ", "5.17.2")


@pytest.mark.processes
class TestOnRabbitmq(EventLogContract):
    @pytest.fixture(autouse=True)
    def _stage(self, rabbitmq_broker: RabbitmqBroker, real_reactor: Any) -> None:
        self.there = RealQueue(real_reactor, rabbitmq_broker)
        self.logs = []

    def setup_method(self) -> None:
        """The fixture has done it."""
