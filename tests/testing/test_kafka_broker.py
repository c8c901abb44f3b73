"""The broker for tests: it has topics and groups, can be away, and refuses what it is told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from ixproxy.testing import kafka_broker
from ixproxy.testing.kafka_broker import GROUP_DENIED, TOPIC_DENIED, KafkaBroker
from ixproxy.testing.servers import ServerFailed

pytestmark = pytest.mark.processes


@pytest.fixture
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as started:
        yield started


def quiet(broker: KafkaBroker, **more: object) -> dict[str, object]:
    return {"bootstrap.servers": broker.address, "log_level": 0, **more}


def produce(broker: KafkaBroker, topic: str, *values: bytes) -> list[str]:
    """What became of each."""
    found: list[str] = []
    producer = Producer(quiet(broker, **{"message.timeout.ms": 500}))
    for value in values:
        producer.produce(
            topic,
            value,
            on_delivery=lambda error, _: found.append(error.name() if error else "there"),
        )
    producer.flush(20)
    return found


def test_what_is_written_is_there_for_a_group_and_offsets_are_kept(broker: KafkaBroker) -> None:
    broker.make_topic("claims", partitions=2)
    assert produce(broker, "claims", b"a", b"b", b"c") == ["there"] * 3
    group = {"group.id": "g", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer(quiet(broker, **group))
    assert len(consumer.list_topics("claims", 10).topics["claims"].partitions) == 2
    consumer.subscribe(["claims"])
    found: list[bytes] = []
    while len(found) < 3:
        found += [message.value() or b"" for message in consumer.consume(10, 0.2)]
    assert sorted(found) == [b"a", b"b", b"c"]
    consumer.commit(asynchronous=False)
    asked = [TopicPartition("claims", at) for at in range(2)]
    # All may be in one partition: of the other one nothing is committed, which is below 0.
    assert sum(max(0, each.offset) for each in consumer.committed(asked, 10)) == 3
    consumer.close()


def test_who_is_away_keeps_what_he_has(broker: KafkaBroker) -> None:
    broker.make_topic("claims")
    assert produce(broker, "claims", b"a") == ["there"]
    broker.down()
    assert produce(broker, "claims", b"b") == ["_MSG_TIMED_OUT"]
    broker.up()
    assert produce(broker, "claims", b"c") == ["there"]
    looking = Consumer(quiet(broker, **{"group.id": "g"}))
    assert looking.get_watermark_offsets(TopicPartition("claims", 0), 10) == (0, 2)
    looking.close()


def test_who_hangs_answers_when_he_goes_on(broker: KafkaBroker) -> None:
    broker.make_topic("claims")
    broker.pause()
    assert produce(broker, "claims", b"a") == ["_MSG_TIMED_OUT"]
    broker.resume()
    assert produce(broker, "claims", b"b") == ["there"]


def test_requests_and_topics_are_refused_as_told(broker: KafkaBroker) -> None:
    broker.make_topic("claims")
    broker.refuse("Produce", TOPIC_DENIED)
    assert produce(broker, "claims", b"a") == ["TOPIC_AUTHORIZATION_FAILED"]
    assert produce(broker, "claims", b"b") == ["there"]
    broker.refuse("FindCoordinator", GROUP_DENIED, 100)
    looking = Consumer(quiet(broker, **{"group.id": "g"}))
    with pytest.raises(KafkaException):
        looking.committed([TopicPartition("claims", 0)], 1)
    looking.close()
    broker.spoil_topic("claims", TOPIC_DENIED)
    looking = Consumer(quiet(broker, **{"group.id": "g"}))
    error = looking.list_topics("claims", 10).topics["claims"].error
    assert error is not None
    assert error.code() == TOPIC_DENIED
    looking.close()


def test_what_cannot_be_done_is_said(broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.make_topic("claims")
    with pytest.raises(ServerFailed, match="topic: error"):
        broker.make_topic("claims")
    with pytest.raises(ServerFailed, match="running already"):
        broker.start()
    broker.kill()
    broker.kill()
    with pytest.raises(ServerFailed, match="does not run"):
        broker.down()
    monkeypatch.setattr(kafka_broker, "library", lambda: None)
    with pytest.raises(ServerFailed, match="confluent-kafka is not installed"):
        KafkaBroker()
