"""Timestamps and numbers as text; what user data is stored as."""

from __future__ import annotations

import pytest

from ixproxy.node.literals import parse_timestamp, read_number, stored_value
from ixproxy.node.properties import Kind


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01 00:00:00", 0.0),
        ("2026-01-02 03:04:05", 1767323045.0),
        ("2026-01-02T03:04:05Z", 1767323045.0),
        ("2026-01-02T03:04:05.25Z", 1767323045.25),
        ("2026-01-02 04:04:05+01:00", 1767323045.0),
        ("2026-01-02 03:04", 1767323040.0),
        ("2026-01-02", 1767312000.0),
        ("1969-12-31 23:59:59", -1.0),
        ("0001-01-01 00:00:00", -62135596800.0),
    ],
)
def test_a_timestamp_is_seconds_since_the_epoch_in_utc(text: str, seconds: float) -> None:
    assert parse_timestamp(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "2026-13-01", "2026-02-30 00:00:00", "2026-01-02 25:00:00", "2026-W01-1",
        "20260102", "2026-01-02 03:04:05 ", "2026-01-02\n", "٢٠٢٦-01-02", "0000-01-01",
        "2026-01-02 03:04:05+99:00", "2026-01-02 03:04:05.1234567",
    ],
)  # fmt: skip
def test_what_is_no_timestamp_is_none(text: str) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("-5", -5),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", None),
        ("5.", 5.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e999", None),
        ("nan", None),
        ("1_000", None),
        ("٥", None),
        ("0x10", None),
        ("", None),
    ],
)
def test_numbers_are_64_bit_integers_and_finite_doubles(text: str, number: object) -> None:
    found = read_number(text)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        (Kind.STRING, "a", "a"),
        (Kind.STRING, 5, "5"),
        (Kind.STRING, True, "1"),
        (Kind.STRING, "a\0b", None),
        (Kind.STRING, "日" * 1000, "日" * 1000),
        (Kind.STRING, "a" * 1001, None),
        (Kind.STRING, "\ud800", None),
        (Kind.NUMBER, 5, 5),
        (Kind.NUMBER, " 5 ", 5),
        (Kind.NUMBER, "5.5", 5.5),
        (Kind.NUMBER, 5.5, 5.5),
        (Kind.NUMBER, 2**63, 2.0**63),
        (Kind.NUMBER, 10**400, None),
        (Kind.NUMBER, float("nan"), None),
        (Kind.NUMBER, "many", None),
        (Kind.TIMESTAMP, "1970-01-01 00:01:00", 60.0),
        (Kind.TIMESTAMP, 60, 60.0),
        (Kind.TIMESTAMP, float("inf"), None),
        (Kind.TIMESTAMP, "tomorrow", None),
        (Kind.BLOB, "a", None),
        (Kind.STRING, None, None),
        (Kind.STRING, {"a": 1}, None),
        (Kind.NUMBER, b"5", None),
    ],
)
def test_what_does_not_fit_its_kind_is_stored_as_null(
    kind: Kind, value: object, stored: object
) -> None:
    found = stored_value(kind, value)
    assert found == stored
    assert type(found) is type(stored)
