"""Records are written in a thread, and confirmed here; what is not confirmed says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from confluent_kafka import Consumer, KafkaError, TopicPartition

from ixproxy.capture.kafka import END_SECONDS
from ixproxy.capture.kafka_records import Outgoing
from ixproxy.capture.kafka_settings import read_settings
from ixproxy.capture.kafka_writer import (
    FLUSH_SECONDS,
    REACH_SECONDS,
    Makes,
    NotReached,
    NotWritten,
    Writer,
)
from ixproxy.testing.kafka_broker import TOPIC_DENIED, KafkaBroker
from tests.failures import LoggedFailures

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as started:
        yield started


def started(
    reactor: Any, address: str, timeout: int = 30_000, **more: Any
) -> tuple[Writer, list[tuple[str, str]]]:
    troubles: list[tuple[str, str]] = []
    settings = read_settings(
        {
            "kafka-server": address, "consumer-group": "g", "inbound-topics": ["in"],
            "reconnect-timeout": 0.1, "producer-options": {"message.timeout.ms": timeout},
        }
    )  # fmt: skip
    writer = Writer(reactor, "in", settings, lambda *said: troubles.append(said), **more)
    writer.start()
    return writer, troubles


def written(broker: KafkaBroker, topic: str) -> list[bytes | None]:
    looking = Consumer({"bootstrap.servers": broker.address, "group.id": "looking"})
    _, end = looking.get_watermark_offsets(TopicPartition(topic, 0), 10)
    looking.assign([TopicPartition(topic, 0, 0)])
    found: list[bytes | None] = []
    while len(found) < end:
        message = looking.poll(10)
        assert message is not None
        found.append(message.value())
    looking.close()
    return found


@pytest_twisted.ensureDeferred
async def test_records_are_written_in_the_order_of_asking(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    broker.make_topic("ordered")
    writer, troubles = started(real_reactor, broker.address)
    values = [f"{number}".encode() for number in range(500)]
    for sending in [writer.send(record("ordered", b"k", value)) for value in values]:
        await sending
    assert await writer.stop(30)
    assert written(broker, "ordered") == values
    assert troubles == []


async def problem_of(writer: Writer, value: bytes) -> str:
    """Why a record was not written; "": it was."""
    try:
        await writer.send(record("small", None, value))
    except NotWritten as problem:
        return str(problem)
    return ""


@pytest_twisted.ensureDeferred
async def test_what_is_not_confirmed_says_why(real_reactor: Any, broker: KafkaBroker) -> None:
    broker.make_topic("small")
    writer, _ = started(real_reactor, broker.address, timeout=300)
    with pytest.raises(NotWritten, match="MSG_SIZE_TOO_LARGE") as large:
        await writer.send(record("small", None, b"x" * 11_000_000))
    assert large.value.is_its_own_fault
    broker.down()
    with pytest.raises(NotWritten, match="TIMED_OUT") as away:
        await writer.send(record("small", None, b"x"))
    assert not away.value.is_its_own_fault
    broker.up()
    while await problem_of(writer, b"again"):
        pass
    broker.refuse("Produce", TOPIC_DENIED)
    assert "AUTHORIZATION" in await problem_of(writer, b"x")
    # The client believes for a while that it may not.
    while await problem_of(writer, b"there"):
        pass
    assert await writer.stop(30)
    assert written(broker, "small") == [b"again", b"there"]


@pytest_twisted.ensureDeferred
async def test_who_looks_first_knows_whether_a_record_would_get_there(
    real_reactor: Any, broker: KafkaBroker
) -> None:
    broker.make_topic("looked-at", 3)
    writer, _ = started(real_reactor, broker.address)
    await writer.reach("looked-at")
    broker.spoil_topic("looked-at", TOPIC_DENIED)
    with pytest.raises(NotReached, match=r"topic looked-at: .*AUTHORIZATION"):
        await writer.reach("looked-at")
    broker.spoil_topic("looked-at", 0)
    broker.down()
    with pytest.raises(NotReached):
        await writer.reach("looked-at")
    broker.up()
    while await failure_of(writer, "looked-at"):
        pass
    assert await writer.stop(30)
    assert written(broker, "looked-at") == []


async def failure_of(writer: Writer, topic: str) -> str:
    """Why a topic is not reached; "": it is."""
    try:
        await writer.reach(topic)
    except NotReached as problem:
        return str(problem)
    return ""


def test_an_end_has_the_time_for_both_that_it_may_wait_for() -> None:
    assert REACH_SECONDS + FLUSH_SECONDS < END_SECONDS


@pytest_twisted.ensureDeferred
async def test_stopping_refuses_what_still_waits(real_reactor: Any) -> None:
    def no_producer(_: Any) -> Any:
        raise ValueError("no password")

    writer, troubles = started(real_reactor, "127.0.0.1:1", make_producer=no_producer)
    with pytest.raises(NotWritten, match="no password"):
        await writer.send(record("t", None, b"x"))
    assert troubles[0] == ("producer", "no password")
    assert await writer.stop(30)


def record(topic: str, key: bytes | None, value: bytes) -> Makes:
    return lambda: Outgoing(topic, key, value, [])


class Spoilt:
    """A producer that is spoilt for good by its first record; the next one works."""

    made = 0

    def __init__(self, options: dict[str, Any]) -> None:
        Spoilt.made += 1
        self.is_spoilt = Spoilt.made == 1
        self.waiting: list[Any] = []

    def produce(self, topic: str, *, on_delivery: Any, **_: Any) -> None:
        self.waiting.append(on_delivery)

    def poll(self, seconds: float) -> None:
        error = KafkaError(KafkaError._FATAL, "fenced", True) if self.is_spoilt else None
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each(error, None)

    def purge(self) -> None:
        pass

    def flush(self, seconds: float) -> int:
        self.poll(seconds)
        return 0


@pytest_twisted.ensureDeferred
async def test_a_client_that_is_spoilt_for_good_is_made_anew(real_reactor: Any) -> None:
    writer, _ = started(real_reactor, "127.0.0.1:1", make_producer=Spoilt)
    with pytest.raises(NotWritten, match="fenced"):
        await writer.send(record("t", None, b"x"))
    await writer.send(record("t", None, b"x"))
    assert Spoilt.made == 2
    assert await writer.stop(30)


class Breaking(Spoilt):
    """A producer that breaks when it is handed a record, or when it is polled for it."""

    made = 0

    def __init__(self, options: dict[str, Any]) -> None:
        Breaking.made += 1
        self.is_spoilt = False
        self.waiting = []

    def produce(self, topic: str, **given: Any) -> None:
        if topic == "bad":
            raise SystemError("unheard of")
        super().produce(topic, **given)
        if topic == "lost":
            self.waiting = []

    def poll(self, seconds: float) -> None:
        if self.waiting and Breaking.made == 1:
            raise SystemError("polled")
        super().poll(seconds)


@pytest_twisted.ensureDeferred
async def test_what_nobody_expected_fails_what_waits_and_writing_goes_on(
    real_reactor: Any, logged_failures: LoggedFailures
) -> None:
    def cannot() -> Outgoing:
        raise LookupError("no form")

    Breaking.made = 0
    writer, troubles = started(real_reactor, "127.0.0.1:1", make_producer=Breaking)
    for make, why in [
        (cannot, "LookupError: no form"), (cannot, "LookupError: no form"),
        (record("bad", None, b"x"), "SystemError: unheard of"),
        (record("t", None, b"x"), "SystemError: polled"),
    ]:  # fmt: skip
        with pytest.raises(NotWritten, match=why) as refused:
            await writer.send(make)
        assert not refused.value.is_its_own_fault
        assert ("producer", why) in troubles
    await writer.send(record("t", None, b"x"))
    assert Breaking.made == 2
    assert len(logged_failures.flush(LookupError)) == 1
    assert len(logged_failures.flush(SystemError)) == 2
    assert await writer.stop(30)


@pytest_twisted.ensureDeferred
async def test_what_is_not_confirmed_at_the_end_is_refused(real_reactor: Any) -> None:
    Breaking.made = 1
    writer, _ = started(real_reactor, "127.0.0.1:1", make_producer=Breaking)
    sending = writer.send(record("lost", None, b"x"))
    assert await writer.stop(30)
    with pytest.raises(NotWritten):
        await sending
