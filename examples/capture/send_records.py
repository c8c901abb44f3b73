"""
Sends documents to a topic of Kafka, and prints the replies of all the nodes that share it.

    python examples/capture/send_records.py 127.0.0.1:9092 --count 30

It ends when each document is answered. Each record has a key of its own, so they are spread
over the partitions; those of one customer would have the customer's, and keep their order.
"""

from __future__ import annotations

import argparse
import os
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

INBOUND, TOLD = "claims-in", "claims-told"


def listener(address: str, seconds: float) -> Consumer:
    """Reads what is told from now on."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": f"send-records-{os.getpid()}",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    found = consumer.list_topics(TOLD, timeout=seconds).topics[TOLD]
    if found.error is not None:
        raise SystemExit(f"{TOLD}: {found.error.str()}")
    places = [TopicPartition(TOLD, number) for number in found.partitions]
    # Not OFFSET_END, which would be the end as of the first poll.
    ends = [consumer.get_watermark_offsets(place, timeout=seconds)[1] for place in places]
    consumer.assign(
        [TopicPartition(TOLD, each.partition, end) for each, end in zip(places, ends, strict=True)]
    )
    return consumer


def send(address: str, names: list[str], seconds: float) -> None:
    """Send the documents until the broker has them."""
    lost: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": address,
            "enable.idempotence": True,
            "message.timeout.ms": int(seconds * 1000),
            "log_level": 0,
        }
    )
    for name in names:
        body = f'<interaction operation="submit" ExternalId="{name}"/>'.encode()
        producer.produce(
            INBOUND,
            body,
            key=name,
            on_delivery=lambda error, _: lost.append(error.str()) if error else None,
        )
    producer.flush(seconds + 1)
    if lost:
        raise SystemExit(f"{INBOUND}: {lost[0]}")


def run(address: str, names: list[str], seconds: float) -> None:
    """Send the documents, and print what is said of each."""
    consumer = listener(address, seconds)
    send(address, names, seconds)
    left, nodes = set(names), Counter[str]()
    until = time.monotonic() + seconds
    while left and time.monotonic() < until:
        record = consumer.poll(0.5)
        if record is None or record.error() is not None:
            continue
        told = ElementTree.fromstring(record.value() or b"<nothing/>").attrib
        name = told.get("ExternalId", "")
        if name in left:
            left.discard(name)
            nodes[told.get("EventId", "").partition("-")[0]] += 1
            identifier = told.get("InteractionId") or told.get("description", "")
            print(f"{name}: {told['operation']} {identifier}", flush=True)
    consumer.close()
    if left:
        raise SystemExit(f"{len(left)} of {len(names)} documents were not answered")
    print("by dbid:", *(f"{dbid} {count}" for dbid, count in sorted(nodes.items())), flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("broker", help="HOST:PORT")
    parser.add_argument("--count", type=int, default=30, help="documents (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="to wait (%(default)s)")
    args = parser.parse_args()
    names = [f"claim-{time.time_ns()}-{os.getpid()}-{number}" for number in range(args.count)]
    try:
        run(args.broker, names, args.seconds)
    except KafkaException as problem:
        text = problem.args[0].str()
        raise SystemExit(f"{Path(__file__).name}: {args.broker}: {text}") from None


if __name__ == "__main__":
    main()
