"""What tests of commands get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.desks import AgentWorld
from tests.cli.worlds import CommandWorld


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> CommandWorld:
    """Servers in memory, and a command line."""
    return CommandWorld(monkeypatch)


@pytest.fixture
def desk(world: CommandWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentWorld]:
    """An `ixctl agent` that is typed to."""
    typed = AgentWorld(world, monkeypatch)
    yield typed
    typed.interrupt()
