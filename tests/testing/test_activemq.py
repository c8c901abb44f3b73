"""An ActiveMQ of the tests' own; tests/capture/test_real_brokers.py starts one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ixproxy.testing import activemq
from ixproxy.testing.activemq import ActivemqBroker
from ixproxy.testing.servers import ServerFailed


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    if (activemq.HOME / "lib").is_dir():
        with pytest.raises(ServerFailed, match="needs Java"):
            ActivemqBroker()
    monkeypatch.setattr(activemq, "HOME", Path("/nowhere"))
    with pytest.raises(ServerFailed, match="not installed"):
        ActivemqBroker()
