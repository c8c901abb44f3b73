"""What tests of commands get."""

from __future__ import annotations

import pytest

from tests.cli.worlds import CommandWorld


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> CommandWorld:
    """Servers in memory, and a command line."""
    return CommandWorld(monkeypatch)
