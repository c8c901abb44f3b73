"""A Kafka capture point and its broker fail at random: no record is lost, and none is doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.testing.kafka_broker import KafkaBroker
from tests.capture.kafka_rig import Topics, submit
from tests.capture.killing import Killed

pytestmark = pytest.mark.processes

RECORDS = 5000
BAD = 50


def test_nothing_is_lost_or_doubled_whatever_is_killed(real_reactor: Any, tmp_path: Path) -> None:
    with KafkaBroker() as broker:
        topics = Topics(real_reactor, broker, partitions=4)
        names = [f"d{number}" for number in range(RECORDS)]
        for number, name in enumerate(names):
            topics.put_soon(name, submit(name))
            if number % (RECORDS // BAD) == 0:
                topics.put_soon(f"bad{number}", b"<interaction")
        topics.producer.flush(30)
        point = Killed(real_reactor, "kafka", topics.table(), tmp_path / "node.db", seed=7)

        def trip() -> None:
            if point.random.random() < 0.4:
                broker.down()
                point.later(0.3)
                broker.up()

        point.until_taken(RECORDS * 9 // 10, 900, trip)
        point.live_until(lambda: not topics.left())
        taken = point.taken()
        assert set(taken) == set(names)
        assert max(taken.values()) == 1
        assert point.kills >= 2
        errors = topics.errors()
        assert len(errors) == BAD
        assert all("not well-formed" in why for why in errors.values())
        topics.close()
