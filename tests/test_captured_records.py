"""A real node takes records of Kafka, is killed again and again meanwhile, and answers each."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pytest_twisted import blockon
from twisted.internet.defer import Deferred

from ixproxy.capture.xml_parsing import parse
from ixproxy.testing.kafka_broker import KafkaBroker
from ixproxy.testing.processes import RealCluster
from tests.capture.kafka_rig import Topics, submit

pytestmark = pytest.mark.processes

DEPLOYMENT = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.Inbound.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
store = "sqlite:ixn1.db"

[[applications.ixn1.capture]]
name = "claims"
use = "kafka"
kafka-server = "{address}"
consumer-group = "{group}"
inbound-topics = ["{inbound}"]
error-topic = "{error}"
notification-topic = "{told}"
reconnect-timeout = 0.5
default-values = {{ MediaType = "email" }}
[applications.ixn1.capture.consumer-options]
"session.timeout.ms" = 1500
"heartbeat.interval.ms" = 300
[applications.ixn1.capture.client-options]
"reconnect.backoff.max.ms" = 200
"""

RECORDS = 2000
BAD = 50
A_LIFE = 900


def taken(store: Path) -> Counter[str]:
    """The interactions of a node by external id."""
    with closing(sqlite3.connect(store)) as database:
        return Counter(name for (name,) in database.execute("SELECT external_id FROM interactions"))


def count(store: Path) -> int:
    with closing(sqlite3.connect(store)) as database:
        ((found,),) = database.execute("SELECT count(*) FROM interactions")
        return int(found)


def told(topics: Topics) -> Counter[tuple[str, str]]:
    """What was told, of which, and how often."""
    roots = [parse(each.value()).attributes for each in topics.records("notification-topic")]
    return Counter((each["operation"], each.get("ExternalId", "")) for each in roots)


def test_records_are_taken_once_and_answered_whenever_node_and_broker_fail(
    real_reactor: Any, tmp_path: Path
) -> None:
    random = Random(5)
    with KafkaBroker() as broker:
        topics = Topics(real_reactor, broker, partitions=8)
        names = [f"d{number}" for number in range(RECORDS)]
        for number, name in enumerate(names):
            topics.put_soon(name, submit(name))
            if number % (RECORDS // BAD) == 0:
                topics.put_soon(f"bad{number}", b"<interaction")
        topics.producer.flush(60)
        text = DEPLOYMENT.format(
            address=broker.address, group=f"group-{topics.number}",
            inbound=topics.topics["inbound"], error=topics.topics["error-topic"],
            told=topics.topics["notification-topic"],
        )  # fmt: skip
        cluster = RealCluster(real_reactor, tmp_path / "cluster", text)
        wait(cluster.start())
        store = cluster.store("ixn1")
        try:
            while (before := count(store)) < RECORDS * 9 // 10:
                wanted = min(before + random.randint(1, A_LIFE), RECORDS * 9 // 10)
                topics.until(at_least(store, wanted))
                if random.random() < 0.5:
                    broker.down()
                    topics.later(random.uniform(1, 10))
                    broker.up()
                wait(cluster.kill("ixn1"))
                wait(cluster.restart("ixn1"))
            topics.until(lambda: not topics.left())
            topics.until(lambda: len(told(topics)) == RECORDS + 1)
            assert taken(store) == Counter(names)
            # Replies are told at least once: twice where the node died in between.
            bad = ("error", "")
            assert set(told(topics)) == {bad, *(("submitted", name) for name in names)}
            assert told(topics)[bad] >= BAD
            errors = topics.errors()
            assert len(errors) == BAD
            assert all("not well-formed" in why for why in errors.values())
        finally:
            wait(cluster.stop())
        topics.close()


def at_least(store: Path, wanted: int) -> Callable[[], bool]:
    return lambda: count(store) >= wanted


def wait(awaited: Any) -> None:
    blockon(Deferred.fromCoroutine(awaited))
