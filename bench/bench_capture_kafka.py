"""
Documents from Kafka, durable in a node, against a bare client that reads the same records.

The node is on one core, the broker on the other; the bare client takes the node's place, in
turn. It does what any client does that may not lose a record: it commits the offset of what
it has read and waits for that. Once it does so for each record, as a node makes each document
durable by itself, and once for twenty at a time, which is what the field's client reads at
once; the limit is that of the first.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer

from bench.capture_nodes import CapturingNode
from bench.measuring import OTHER_CORE, PROXY_CORE, Stage, median
from ixproxy.testing.kafka_broker import KafkaBroker, unusable

ROUNDS = 3
RECORDS = 10_000
PARTITIONS = 16
TOGETHER = (1, 20)
"""Records for which the bare client commits once."""

LIMIT = 0.3
"""Documents a second over records a second of the bare client, at least."""

_RECORD = (
    '<interaction operation="submit" ExternalId="{}"><properties><Priority>5</Priority>'
    "<Customer>Müller</Customer><Note>" + "x" * 300 + "</Note></properties></interaction>"
)


def fill(broker: KafkaBroker, topic: str) -> None:
    """Put the records there."""
    broker.make_topic(topic, PARTITIONS)
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5, "log_level": 0})
    for number in range(RECORDS):
        record = _RECORD.format(f"{topic}-{number}").encode()
        producer.produce(topic, record, f"k{number}")
        producer.poll(0)
    if producer.flush(60):
        raise SystemExit("the broker does not take the records")


def bare(broker: KafkaBroker, topic: str, together: int) -> float:
    """Records a second of the bare client, without the first tenth."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(PROXY_CORE)})
    consumer = Consumer(
        {
            "bootstrap.servers": broker.address, "group.id": f"bare-{topic}-{together}",
            "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 0,
        }
    )  # fmt: skip
    consumer.subscribe([topic])
    count, began, first = 0, 0.0, 0
    while count < RECORDS:
        if consumer.poll(0.1) is None:
            continue
        # What is there already, and not until so many are there.
        count += 1 + (len(consumer.consume(together - 1, 0)) if together > 1 else 0)
        consumer.commit(asynchronous=False)
        if not began and count >= RECORDS // 10:
            began, first = time.monotonic(), count
    seconds = time.monotonic() - began
    consumer.close()
    os.sched_setaffinity(0, cores)
    return (count - first) / seconds


def captured(stage: Stage, broker: KafkaBroker, topic: str, window: int) -> tuple[float, float]:
    """Documents a second, and CPU microseconds of the node for each."""
    table = (
        f'use = "kafka"\nkafka-server = "{broker.address}"\nconsumer-group = "{topic}-{window}"\n'
        f'inbound-topics = ["{topic}"]\npartition-window = {window}\n'
    )
    node = CapturingNode(stage, f"{topic}-{window}", table)
    result = node.rate(RECORDS)
    node.end()
    return result


def main() -> bool:
    """Print the table; whether the limit is kept."""
    if reason := unusable():
        print(f"\nno documents from Kafka: {reason}")
        return False
    rates: dict[int, list[tuple[float, float]]] = {1: [], 25: []}
    floors: dict[int, list[float]] = {together: [] for together in TOGETHER}
    with tempfile.TemporaryDirectory() as place, KafkaBroker() as broker:
        os.sched_setaffinity(broker.pid, {int(OTHER_CORE)})
        stage = Stage(Path(place))
        try:
            for number in range(ROUNDS):
                topic = f"claims{number}"
                fill(broker, topic)
                for together, seen in floors.items():
                    seen.append(bare(broker, topic, together))
                for window, found in rates.items():
                    found.append(captured(stage, broker, topic, window))
        finally:
            stage.end()
    floor = median(floors[TOGETHER[0]])
    print(f"\ndocuments from Kafka, {PARTITIONS} partitions, one core")
    print("what                         records/s  ratio  CPU us/record")
    for together, seen in floors.items():
        rate = median(seen)
        print(f"bare client, commit each {together:2} {rate:11.0f}  {rate / floor:5.2f}")
    kept = True
    for window, found in rates.items():
        rate, cpu = (median([each[at] for each in found]) for at in (0, 1))
        print(f"ixnode, partition-window {window:2} {rate:11.0f}  {rate / floor:5.2f}  {cpu:13.0f}")
        kept = kept and rate / floor >= LIMIT
    print(f"       limit {LIMIT}: {'kept' if kept else 'MISSED'}")
    return kept


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
