"""A RabbitMQ of the tests' own; tests/capture/test_real_brokers.py starts one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.testing import rabbitmq
from ixproxy.testing.rabbitmq import RabbitmqBroker
from ixproxy.testing.servers import ServerFailed


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq, "PROGRAM", Path("/nowhere/rabbitmq-server"))
    with pytest.raises(ServerFailed, match="not installed"):
        RabbitmqBroker()
