"""
Records of Kafka as a source of a capture chaos run.

The broker keeps all in memory, so it is never killed: its connections are lost, it refuses
what it is asked, and it hangs. What a producer has sent twice, since it did not know, is
two records, and so two documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from ixproxy.testing.capture_chaos_files import told_in
from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.capture_chaos_words import Given, Told, xml
from ixproxy.testing.kafka_broker import NOT_COORDINATOR, KafkaBroker
from ixproxy.testing.servers import ServerFailed

INBOUND, PROCESSED, ERRORS, OUT = "claims-in", "claims-processed", "claims-errors", "claims-told"
GROUP = "claims-group"
PARTITIONS = 4
"""Of each topic: of one partition the broker keeps no more than the last five megabytes."""

SECONDS = 30
REASON = "ixproxy-error"
REFUSED = ("OffsetCommit", "Heartbeat", "JoinGroup", "FindCoordinator")


class Records(Source):
    """Somebody who produces records until the broker has confirmed them."""

    told_of_bad = True

    def __init__(self, reactor: Any, folder: Path, random: Random) -> None:
        super().__init__(reactor, folder, random)
        self.broker = KafkaBroker()
        self._producer: Producer | None = None
        self._ends: dict[int, int] = {}

    async def start(self) -> None:
        """Start the broker, and make the topics."""
        await super().start()
        await self.apart(self.broker.start)
        for topic in (INBOUND, PROCESSED, ERRORS, OUT):
            await self.apart(self.broker.make_topic, topic, PARTITIONS)
        # A message is tried for ever, by librdkafka itself, under the number that it has.
        self._producer = Producer(
            {**self._quiet(), "enable.idempotence": True, "message.timeout.ms": 0, "linger.ms": 2}
        )

    async def stop(self) -> None:
        """End the broker."""
        await self.apart(self.broker.kill)

    def _quiet(self) -> dict[str, Any]:
        return {"bootstrap.servers": self.broker.address, "log_level": 0}

    def settings(self) -> Mapping[str, object]:
        """All four topics, and a group that finds out soon who has died."""
        return {
            "use": "kafka",
            "kafka-server": self.broker.address,
            "consumer-group": GROUP,
            "inbound-topics": [INBOUND],
            "processed-topic": PROCESSED,
            "error-topic": ERRORS,
            "notification-topic": OUT,
            "reconnect-timeout": 1,
            "client-options": {"reconnect.backoff.max.ms": 500},
            "consumer-options": {"session.timeout.ms": 3000, "heartbeat.interval.ms": 500},
            "producer-options": {"message.timeout.ms": 5000},
        }

    async def give(self, documents: Sequence[Given]) -> None:
        """Produce them, and wait until each is there."""
        await self.apart(self._produce, documents)

    def _produce(self, documents: Sequence[Given]) -> None:
        producer = self._producer
        assert producer is not None

        def delivered(error: Any, message: Any) -> None:
            if error is not None:
                raise RuntimeError(str(error))
            at = message.partition()
            self._ends[at] = max(self._ends.get(at, 0), message.offset() + 1)

        for given in documents:
            producer.produce(INBOUND, xml(given), key=given.name, on_delivery=delivered)
        while producer.flush(SECONDS):
            pass

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        """What can happen to a broker that must not forget."""
        broker = self.broker

        async def away(seconds: float) -> None:
            await self.apart(broker.down)
            await self.pause(seconds)
            await self.apart(broker.up)

        async def freeze(seconds: float) -> None:
            await self.apart(broker.pause)
            await self.pause(seconds)
            await self.apart(broker.resume)

        async def refuse(seconds: float) -> None:
            for request in REFUSED:
                await self.apart(broker.refuse, request, NOT_COORDINATOR, 3)

        return {
            "cut connections": (away, 0.0, 0.2),
            "broker is away": (away, 1.0, 4.0),
            "freeze broker": (freeze, 0.5, 4.0),
            "broker refuses": (refuse, 0.0, 0.0),
        }

    async def left(self) -> int:
        """How far the group has to go."""
        return int(await self.apart(self._lag))

    def _lag(self) -> int:
        looking = self._looking()
        try:
            asked = [TopicPartition(INBOUND, partition) for partition in self._ends]
            found = looking.committed(asked, SECONDS) if asked else []
            return sum(self._ends[each.partition] - max(each.offset, 0) for each in found)
        finally:
            looking.close()

    async def errors(self) -> Mapping[str, Sequence[str]]:
        """Records of the error topic; one that was copied there twice has its reason once."""
        found: dict[str, set[str]] = {}
        for name, headers, _ in await self.apart(self._all, ERRORS):
            found.setdefault(name, set()).add(headers.get(REASON, ""))
        return {name: sorted(reasons) for name, reasons in found.items()}

    async def told(self) -> Sequence[Told]:
        """Records of the topic of notifications."""
        return [told_in(value) for _, _, value in await self.apart(self._all, OUT)]

    async def documents(self) -> Counter[str]:
        """How often each is in the inbound topic."""
        return Counter(name for name, _, _ in await self.apart(self._all, INBOUND))

    async def copies(self) -> Counter[str]:
        """How often each is in the topic of what was processed."""
        return Counter(name for name, _, _ in await self.apart(self._all, PROCESSED))

    def _looking(self) -> Consumer:
        return Consumer({**self._quiet(), "group.id": GROUP, "enable.auto.commit": False})

    def _all(self, topic: str) -> list[tuple[str, dict[str, str], bytes]]:
        looking = self._looking()
        try:
            return list(_records(looking, topic))
        finally:
            looking.close()


def _records(looking: Consumer, topic: str) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Key, headers and value of all records of a topic."""
    for partition in looking.list_topics(topic, SECONDS).topics[topic].partitions:
        at = TopicPartition(topic, partition, 0)
        first, end = looking.get_watermark_offsets(at, SECONDS)
        if first:
            raise ServerFailed(f"the broker has forgotten {first} records of {topic}")
        looking.assign([at])
        offset = 0
        while offset < end:
            message = looking.poll(SECONDS)
            if message is None or message.error() is not None:
                why = message.error() if message else "nothing comes"
                raise ServerFailed(f"{topic}/{partition}, {offset} of {end}: {why}")
            given: Any = message.headers() or ()
            headers = {key: value.decode() for key, value in given}
            yield (message.key() or b"").decode(), headers, message.value() or b""
            offset = (message.offset() or 0) + 1
        looking.unassign()
