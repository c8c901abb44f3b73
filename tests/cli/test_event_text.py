"""Events as they are printed."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.cli.event_text import event_line, event_record


def test_an_event_is_one_line() -> None:
    event = m.EventRevoked(
        tenant_id=1, interaction_id="id-1", event_time=1_000_000_000.0, reason=m.Reason(reason=3)
    )
    assert event_record(event)["reason"] == {"Reason": 3}
    line = event_line(event)
    assert line.startswith("2001-09-09 01:46:40 EventRevoked")
    assert "interaction_id=id-1" in line
