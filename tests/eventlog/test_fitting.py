"""Rows are made to fit what columns can hold."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.eventlog.custom_fields import CustomField
from ixproxy.eventlog.fitting import MAX_INDEXED, fitting
from ixproxy.eventlog.rows import RowMaker, Rows, column_names
from ixproxy.eventlog.schemas import EVENT_TABLES, INTERACTION
from ixproxy.eventlog.settings import TableSettings
from ixproxy.testing.eventlog_outside import entry, gap

FIELDS = (CustomField("amount", "Amount", "integer"),)
MAKER = RowMaker(TableSettings("x", FIELDS))


def with_value(column: str, value: Any) -> Any:
    """What becomes of a value in a column of rpt_interaction."""
    rows = MAKER.rows([entry(8)])
    names = column_names(INTERACTION, FIELDS)
    (row,) = rows.events[INTERACTION]
    at = names.index(column)
    changed = (*row[:at], value, *row[at + 1 :])
    fit = fitting(rows._replace(events={INTERACTION: [changed]}), FIELDS)
    return fit.events[INTERACTION][0][at]


def test_rows_that_fit_are_as_they_were() -> None:
    rows = MAKER.rows([*[entry(number) for number in range(1, 17)], gap(17, 20, EventHeld=1)])
    assert fitting(rows, FIELDS) == rows
    assert all(rows.events[table] for table in EVENT_TABLES)


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("queue", "a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("queue", "\ud800", "?"),
        ("queue", ["a"], '["a"]'),
        ("queue", b"a", '"YQ=="'),
        ("queue", 5, "5"),
        ("queue", None, None),
        ("event", None, ""),
        ("interaction_id", "x" * 5000, "x" * MAX_INDEXED),
        ("queue", "x" * 5000, "x" * 5000),
        ("tenant_id", 2**64, 2**63 - 1),
        ("tenant_id", -(2**64), -(2**63)),
        ("tenant_id", "many", 0),
        ("interaction_state", "many", None),
        ("interaction_state", True, 1),
        ("interaction_state", float("nan"), None),
        ("received_at", 5, 5.0),
        ("received_at", 10**400, None),
        ("event_time", float("inf"), 0.0),
        ("c_amount", 2**70, 2**63 - 1),
    ],
)
def test_what_does_not_is_the_nearest_that_does(column: str, value: Any, found: Any) -> None:
    assert with_value(column, value) == found


def test_the_time_of_the_last_is_made_to_fit_too() -> None:
    rows = Rows({}, [], 0, 0, 1, 1, float("nan"))
    assert fitting(rows, ()).time == 0.0
