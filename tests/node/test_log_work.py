"""What an event log is given."""

from __future__ import annotations

from ixproxy.node.log_work import Dropped, Entry, LogShipment, ShipLog


def test_an_entry_equals_another_with_the_same_name_and_content() -> None:
    gap = Dropped(1, 2, 0.0, 1.0, {"EventHeld": 2})
    assert Entry(101, 1, 1, gap) == Entry(101, 1, 1, Dropped(1, 2, 0.0, 1.0, {"EventHeld": 2}))


def test_work_is_shown_without_what_is_in_it() -> None:
    assert repr(ShipLog("log", 8, (1,), "secret")) == "ShipLog('log', 8)"
    shown = repr(LogShipment("log", {1: b"secret"}, 5, token="secret"))
    assert shown == "LogShipment('log', 1 rows, 5 events)"
