"""Numbers, times and names as a page shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.reporting.wording import (
    at_second,
    counted,
    edge,
    for_machines,
    lasting,
    round_lasting,
    share,
    short_count,
    shortened,
    visible,
    whole_name,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.004, "0.00 s"),
        (0.424, "0.42 s"),
        (0.996, "1.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.5, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (3900, "1 h 05 min"),
        (86399, "1 d 00 h"),
        (273600, "3 d 04 h"),
        (-2.5, "−2.5 s"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


@given(st.floats(0, 1e9))
def test_no_duration_shows_sixty_seconds_or_minutes(seconds: float) -> None:
    assert "60 s" not in lasting(seconds)
    assert "60 min" not in lasting(seconds)
    assert " 24 h" not in lasting(seconds)


def test_ticks_are_short() -> None:
    assert [round_lasting(each) for each in (0, 0.5, 30, 90, 3600, 5400, 172800)] == [
        "0", "0.5 s", "30 s", "1 min 30 s", "1 h", "1 h 30 min", "2 d",
    ]  # fmt: skip
    assert [edge(each) for each in (1, 30, 60, 1800, 3600, 86400)] == [
        "1s", "30s", "1m", "30m", "1h", "1d",
    ]  # fmt: skip
    assert [short_count(each) for each in (0, 9000, 15_000, 2e6, 3e9)] == [
        "0", "9,000", "15 k", "2 M", "3 G",
    ]  # fmt: skip


def test_machines_have_the_seconds() -> None:
    assert for_machines(65.25) == "PT65.25S"
    assert for_machines(3) == "PT3S"
    assert for_machines(1e-9) == "PT0S"


def test_counts_and_shares() -> None:
    assert counted(1234567) == "1,234,567"
    assert counted(0) == "0"
    assert (share(1, 3), share(0, 0)) == ("33.3 %", "–")


@pytest.mark.parametrize("time", [-1e11, -1.0, 0.0, 1e11])
def test_times_of_clocks_that_are_wrong_are_shown(time: float) -> None:
    assert len(at_second(time)) >= 18


def test_times_are_utc() -> None:
    assert at_second(1_790_078_400) == "2026-09-22 12:00:00"


def test_signs_that_do_something_are_seen_instead() -> None:
    assert visible("a\x00\u202eb\n") == "a\\u0000\\u202eb\\u000a"
    assert visible("نمی\u200cشود 👩\u200d💻 תור") == "نمی\u200cشود 👩\u200d💻 תור"


@given(st.text(max_size=200), st.integers(8, 60))
def test_a_shortened_name_has_its_ends_and_its_length(name: str, length: int) -> None:
    short = shortened(name, length)
    assert len(short) <= length
    if short != name:
        before, _, behind = short.partition("…")
        assert name.startswith(before)
        assert name.endswith(short[len(before) + 1 :])
        assert len(before) >= len(behind)


def test_wide_signs_count_twice() -> None:
    assert shortened("客" * 10, 20) == "客" * 10
    assert shortened("客" * 11, 20) == "客" * 7 + "…" + "客" * 2


def test_whole_names_are_bounded_and_say_so() -> None:
    assert whole_name("q" * 2000) == "q" * 2000
    assert whole_name("q" * 10_000) == "q" * 2000 + "… (10,000 signs)"


@pytest.mark.parametrize(
    ("time", "shown"), [(-1e9, "1938-04-24 22:13:20"), (-1e11, "1010-08-22 00:00:00")]
)
def test_times_long_ago_are_shown_as_far_as_there_are_dates(time: float, shown: str) -> None:
    assert at_second(time) == shown
