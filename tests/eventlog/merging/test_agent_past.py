"""What the rules for agents ask of the history."""

from __future__ import annotations

from ixproxy.eventlog.merging.agent_past import NOTHING
from tests.eventlog.merging.agent_worlds import event


def test_who_begins_has_no_past() -> None:
    assert not NOTHING.told(event(1, 1.0, "AgentLogin"))
    assert not NOTHING.ended(1, 1)
