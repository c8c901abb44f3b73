"""Amounts as persons read them."""

from __future__ import annotations

import pytest

from ixproxy.cli.amounts import duration, milliseconds, number_of, number_of_bytes


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.34, "0.3 s"), (12, "12 s"), (60, "1 minute"), (3599, "59 minutes"),
        (3600, "1 hour"), (200_000, "2 days"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"), (512, "512 B"), (3482, "3.4 KB"), (45 << 20, "45 MB"), (5 << 40, "5120 GB"),
    ],
)  # fmt: skip
def test_bytes(number: int, text: str) -> None:
    assert number_of_bytes(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.000_123_4, "0.123"), (0.004_56, "4.56"), (0.0789, "78.9"), (1.23, "1230")],
)
def test_latencies_have_three_digits(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 peers"), (1, "1 peer"), (2, "2 peers")])
def test_one_is_not_several(number: int, text: str) -> None:
    assert number_of(number, "peer") == text
    waits = "1 request waits" if number == 1 else f"{number} requests wait"
    assert number_of(number, "request waits", "requests wait") == waits
