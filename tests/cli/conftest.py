"""What tests of commands get."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import reactor

from tests.cli.worlds import CommandWorld


@pytest.fixture
def real_reactor() -> Any:
    """The one that pytest-twisted runs."""
    return reactor


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> CommandWorld:
    """Servers in memory, and a command line."""
    return CommandWorld(monkeypatch)
