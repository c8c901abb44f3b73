"""Broker, connections and capture point are killed at random: nothing is lost, nothing doubled."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pytest_twisted import blockon, ensureDeferred
from twisted.internet.defer import Deferred

from ixproxy.testing.rabbitmq import RabbitmqBroker
from tests.capture.jms_killing import DEATHS, Trial
from tests.capture.killing import Killed

pytestmark = pytest.mark.processes

# `python -m tests.capture.jms_killing` has thousands of documents, and brokers that die more often.
DOCUMENTS = 600
IN_PROCESSES = 200


@pytest.mark.parametrize(
    ("protocol", "deaths"), [("stomp", DEATHS), ("amqp", ("connection", "point", "connection"))]
)
@ensureDeferred
async def test_nothing_is_lost_or_doubled_whatever_dies(
    rabbitmq_broker: RabbitmqBroker,
    real_reactor: Any,
    tmp_path: Path,
    protocol: str,
    deaths: tuple[str, ...],
) -> None:
    trial = Trial(
        real_reactor, rabbitmq_broker, protocol, f"killed-{protocol}", tmp_path,
        DOCUMENTS, len(deaths), Random(7), deaths,
    )  # fmt: skip
    assert await trial.run() == []
    assert trial.died.total() == len(deaths)
    assert trial.intake.crowded == 0


@pytest.mark.parametrize("protocol", ["stomp", "amqp"])
def test_nothing_is_lost_or_doubled_when_its_process_is_killed(
    rabbitmq_broker: RabbitmqBroker, real_reactor: Any, tmp_path: Path, protocol: str
) -> None:
    trial = Trial(
        real_reactor, rabbitmq_broker, protocol, f"process-{protocol}", tmp_path,
        IN_PROCESSES, 0, Random(7),
    )  # fmt: skip
    blockon(Deferred.fromCoroutine(trial.send()))
    settings = {**trial.settings, "prefetch": 10}
    killed = Killed(real_reactor, "jms", settings, tmp_path / "node.db", 7)
    killed.until_taken(len(trial.good), 60, lambda: None)

    def all_settled() -> bool:
        left: int = blockon(Deferred.fromCoroutine(trial.left()))
        return left == 0

    killed.live_until(all_settled)
    assert killed.kills > 2
    assert killed.taken() == Counter(trial.good)
    copies, errors, left = blockon(Deferred.fromCoroutine(trial.read()))
    assert set(copies) == set(trial.good)
    assert set(errors) == set(trial.bad)
    assert left == []
