"""Broker, connections and capture point are killed at random: nothing is lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from ixproxy.testing.rabbitmq import RabbitmqBroker
from tests.capture.jms_killing import DEATHS, Trial

pytestmark = pytest.mark.processes

# `python -m tests.capture.jms_killing` has thousands of documents, and brokers that die more often.
DOCUMENTS = 600


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
