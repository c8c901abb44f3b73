"""What the properties of the field hold, how they are listed, and how times are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.capture.field_names import FIELD, Holds, in_order, time_read, time_text
from ixproxy.node.properties import SYSTEM_PROPERTIES


def test_every_property_that_a_node_knows_has_its_type() -> None:
    assert {known.name for known in SYSTEM_PROPERTIES} <= FIELD.keys()
    assert FIELD["Priority"] is Holds.NUMBER
    assert FIELD["IsOnline"] is Holds.FLAG
    assert FIELD["ReceivedAt"] is Holds.TIME
    assert FIELD["InQueues"] is Holds.LIST
    assert FIELD["Queue"] is Holds.TEXT
    assert "queue" not in FIELD


def test_properties_come_in_the_order_of_the_field_and_user_data_as_it_came() -> None:
    names = ["Zebra", "Priority", "Apple", "IsLocked", "ParentId", "InteractionId"]
    assert [name for name, _ in in_order((name, 1) for name in names)] == [
        "InteractionId", "ParentId", "Priority", "IsLocked", "Zebra", "Apple",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-22 09:30:00", "2026-11-22 09:30:00"),
        ("2026-11-22T09:30:00Z", "2026-11-22 09:30:00"),
        ("2026-11-22T09:30:00+01:00", "2026-11-22 08:30:00"),
        ("2026-11-22 09:30:00.75", "2026-11-22 09:30:00"),
        ("2026-11-22", "2026-11-22 00:00:00"),
        ("1970-01-01 00:00:00", "1970-01-01 00:00:00"),
        ("9999-12-31 23:59:59", "9999-12-31 23:59:59"),
        ("1969-12-31 23:59:59", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("22.11.2026", None),
        ("2026-02-30 00:00:00", None),
        ("", None),
    ],
)
def test_times_are_utc_and_have_one_form(text: str, read: str | None) -> None:
    assert time_read(text) == read


@given(st.integers(0, 253402300799))
def test_a_time_that_was_written_reads_as_itself(seconds: int) -> None:
    assert time_read(time_text(seconds)) == time_text(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.999, "1970-01-01 00:00:01"),
        (-1.0, "1970-01-01 00:00:00"),
        (float("nan"), "1970-01-01 00:00:00"),
        (float("inf"), "9999-12-31 23:59:59"),
        (1e300, "9999-12-31 23:59:59"),
    ],
)
def test_no_number_is_too_odd_to_be_written_as_a_time(seconds: float, text: str) -> None:
    assert time_text(seconds) == text
