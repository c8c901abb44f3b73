"""Topics of a broker, as the contract of capture points plays with them, on the real reactor."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

from confluent_kafka import Consumer, Producer, TopicPartition
from pytest_twisted import blockon
from twisted.internet.task import deferLater

from ixproxy.capture.kafka import KafkaPoint, make
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.kafka_broker import KafkaBroker

SCALE = 1 / 20
"""Real seconds for one of the contract's."""

LONGEST_WAIT = 1.0
PATIENCE = 60.0

_numbers = itertools.count(1)


def submit(name: str, queue: str = "Inbound") -> bytes:
    return (
        f'<interaction operation="submit" ExternalId="{name}">'
        f"<properties><Queue>{queue}</Queue></properties></interaction>"
    ).encode()


class Topics(Outside):
    """
    One capture point's topics.

    :param settings: of the capture point, beside those that it needs.
    """

    def __init__(
        self,
        reactor: Any,
        broker: KafkaBroker,
        partitions: int = 1,
        settings: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.reactor = reactor
        self.broker = broker
        self.number = next(_numbers)
        self.topics = {
            key: f"{key.removesuffix('-topic')}-{self.number}"
            for key in ("inbound", "processed-topic", "error-topic", "notification-topic")
        }
        for key, topic in self.topics.items():
            broker.make_topic(topic, partitions if key == "inbound" else 1)
        self.settings = settings
        self.given: dict[tuple[int, int], str] = {}
        quiet = {"bootstrap.servers": broker.address, "log_level": 0}
        self.producer = Producer({**quiet, "linger.ms": 0})
        self.looking = Consumer(
            {**quiet, "group.id": f"group-{self.number}", "enable.auto.commit": False}
        )

    def make_point(self) -> KafkaPoint:
        return make(self.table())

    def table(self) -> dict[str, object]:
        """What the deployment file would say."""
        return {
            "kafka-server": self.broker.address,
            "consumer-group": f"group-{self.number}",
            "inbound-topics": [self.topics["inbound"]],
            "reconnect-timeout": 0.2,
            "client-options": {"reconnect.backoff.max.ms": 200},
            # The broker lets who joins again wait for so long, less a second.
            "consumer-options": {"session.timeout.ms": 1500, "heartbeat.interval.ms": 300},
            "producer-options": {"message.timeout.ms": 500},
            **{key: topic for key, topic in self.topics.items() if key != "inbound"},
            **self.settings,
        }

    def give(self, name: str) -> None:
        self.put(name, submit(name))

    def give_bad(self, name: str) -> None:
        self.put(name, b"<interaction")

    def put(self, name: str, content: bytes | None, **more: Any) -> None:
        self.put_soon(name, content, **more)
        self.producer.flush(10)

    def put_soon(self, name: str, content: bytes | None, **more: Any) -> None:
        def delivered(error: Any, message: Any) -> None:
            assert error is None
            self.given[message.partition(), message.offset()] = name

        self.producer.produce(
            self.topics["inbound"], content, **{"key": name, **more}, on_delivery=delivered
        )

    def left(self) -> list[str]:
        partitions = {partition for partition, _ in self.given}
        asked = [TopicPartition(self.topics["inbound"], each) for each in partitions]
        committed = {each.partition: each.offset for each in self.looking.committed(asked, 10)}
        return [
            name
            for (partition, offset), name in sorted(self.given.items())
            if offset >= committed[partition]
        ]

    def errors(self) -> dict[str, str]:
        return {
            message.key().decode(): dict(message.headers())["ixproxy-error"].decode()
            for message in self.records("error-topic")
        }

    def told(self) -> list[tuple[str, str]]:
        found = []
        for message in self.records("notification-topic"):
            said = ElementTree.fromstring(message.value())
            found.append((said.attrib["operation"], said.attrib["InteractionId"]))
        return found

    def records(self, key: str) -> list[Any]:
        return list(self._records(self.topics[key]))

    def _records(self, topic: str) -> Iterator[Any]:
        for partition in self.looking.list_topics(topic, 10).topics[topic].partitions:
            place = TopicPartition(topic, partition, 0)
            _, end = self.looking.get_watermark_offsets(place, 10)
            self.looking.assign([place])
            while place.offset < end:
                message = self.looking.poll(10)
                assert message is not None
                assert message.error() is None
                yield message
                place.offset = (message.offset() or 0) + 1
            self.looking.unassign()

    def cut(self) -> None:
        self.broker.down()

    def mend(self) -> None:
        self.broker.up()

    def later(self, seconds: float) -> None:
        blockon(deferLater(self.reactor, min(max(seconds * SCALE, 0.005), LONGEST_WAIT)))

    def until(self, happened: Callable[[], object], seconds: float = PATIENCE) -> None:
        end = monotonic() + PATIENCE
        while not happened():
            assert monotonic() < end, "it did not happen in time"
            self.later(0.5)

    def close(self) -> None:
        self.broker.up()
        self.looking.close()
