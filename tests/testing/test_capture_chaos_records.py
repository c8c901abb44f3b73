"""Records of Kafka as a source of capture chaos."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from confluent_kafka import Consumer, Producer, TopicPartition
from twisted.internet.defer import Deferred

from ixproxy.capture.kafka import make
from ixproxy.testing.capture_chaos_records import ERRORS, GROUP, INBOUND, OUT, PROCESSED, Records
from ixproxy.testing.capture_chaos_words import Given, Told

pytestmark = pytest.mark.processes


@pytest_twisted.ensureDeferred
async def test_records_are_given_and_read_as_they_were_written(
    real_reactor: Any, tmp_path: Path
) -> None:
    records = Records(real_reactor, tmp_path / "source", Random(1))
    await records.start()
    try:
        settings = dict(records.settings())
        assert settings.pop("use") == "kafka"
        make(settings)
        given = [Given(f"d{number}") for number in range(20)]
        await records.give(given)
        assert await records.left() == 20
        assert await records.documents() == Counter(each.name for each in given)
        await records.apart(_work, records.broker.address)
        assert await records.left() == 0
        assert await records.copies() == Counter(d1=2)
        assert await records.errors() == {"d2": ["why"]}
        assert await records.told() == [Told("held", "d1", "1-7")]
    finally:
        await records.stop()


def _work(address: str) -> None:
    """What a capture point does."""
    producer = Producer({"bootstrap.servers": address, "log_level": 0})
    producer.produce(PROCESSED, b"", key="d1")
    producer.produce(PROCESSED, b"", key="d1")
    for _ in range(2):
        producer.produce(ERRORS, b"", key="d2", headers=[("ixproxy-error", b"why")])
    producer.produce(OUT, b'<interaction operation="held" ExternalId="d1" EventId="1-7"/>')
    assert producer.flush(10) == 0
    looking = Consumer({"bootstrap.servers": address, "group.id": GROUP, "log_level": 0})
    places = [TopicPartition(INBOUND, partition) for partition in range(4)]
    ends = [looking.get_watermark_offsets(place, 10)[1] for place in places]
    looking.commit(
        offsets=[TopicPartition(INBOUND, at, end) for at, end in enumerate(ends) if end],
        asynchronous=False,
    )
    looking.close()


@pytest.mark.parametrize(
    "fault", ["cut connections", "broker is away", "freeze broker", "broker refuses"]
)
@pytest_twisted.ensureDeferred
async def test_who_gives_goes_on_whatever_happens_to_the_broker(
    real_reactor: Any, tmp_path: Path, fault: str
) -> None:
    records = Records(real_reactor, tmp_path / "source", Random(1))
    await records.start()
    try:

        async def strike() -> None:
            await records.faults()[fault][0](0.3)

        striking = Deferred.fromCoroutine(strike())
        await records.give([Given("a"), Given("b")])
        await striking
        assert set(await records.documents()) == {"a", "b"}
    finally:
        await records.stop()
