"""Records become interactions, and offsets are committed; the contract on a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.kafka_broker import KafkaBroker
from tests.capture.kafka_rig import Topics

pytestmark = pytest.mark.processes


class TestTopics(CapturePointContract):
    reactor: Any
    broker: KafkaBroker

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _world(cls, real_reactor: Any) -> Iterator[None]:
        with KafkaBroker() as broker:
            cls.reactor, cls.broker = real_reactor, broker
            yield

    def outside(self) -> Outside:
        return Topics(self.reactor, self.broker)
