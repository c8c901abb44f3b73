"""Sums and durations that may be too many for memory."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.reporting import scratch as rooms
from ixproxy.eventlog.reporting.scratch import BOUNDS, Scratch, Spans, Summary, Sums

NAMES = st.text(st.sampled_from("ab\x00é'\""), max_size=2)


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    with closing(Scratch()) as made:
        yield made


@given(st.lists(st.tuples(NAMES, st.sampled_from([0, 1]), st.integers(0, 9))), st.integers(1, 4))
def test_sums_are_whole_whatever_has_a_row(added: list[tuple[str, int, int]], shown: int) -> None:
    with closing(Scratch()) as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "KEPT_SUMS", 2)
        sums = Sums(scratch, "sums", 1, 2)
        expected: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for name, place, amount in added:
            sums.add((name,), place, amount)
            expected[name][place] += amount
        table = sums.table(shown=shown)
    assert {names[0]: list(row) for names, row in table.rows}.items() <= expected.items()
    assert table.whole == tuple(sum(row[place] for row in expected.values()) for place in (0, 1))
    assert table.left_out == max(0, len(expected) - shown)
    totals = [sum(row) for _, row in table.rows]
    assert totals == sorted((sum(row) for row in expected.values()), reverse=True)[:shown]
    if table.left_out:
        assert table.others == tuple(
            table.whole[place] - sum(row[place] for _, row in table.rows) for place in (0, 1)
        )
    else:
        assert table.others is None


def test_rows_stand_by_the_numbers_that_are_asked_for(scratch: Scratch) -> None:
    sums = Sums(scratch, "sums", 2, 2)
    sums.add(("a", "x"), 0, 5)
    sums.add(("b", "y"), 1, 9)
    assert [names for names, _ in sums.table((0,)).rows] == [("a", "x"), ("b", "y")]
    assert [names for names, _ in sums.table((1,)).rows] == [("b", "y"), ("a", "x")]


def expected_summary(values: list[float]) -> Summary:
    ordered = sorted(values)

    def of(share: int) -> float:
        return ordered[math.ceil(len(ordered) * share / 100) - 1]

    bins = [0] * (len(BOUNDS) + 1)
    for value in values:
        bins[sum(value >= bound for bound in BOUNDS)] += 1
    approximately: Any = pytest.approx(sum(values))
    return Summary(len(values), approximately, of(50), of(90), of(95), ordered[-1], tuple(bins))


@given(
    st.lists(st.tuples(NAMES, st.floats(0, 1e6) | st.sampled_from([0.0, 1.0, 60.0])), min_size=1),
    st.integers(1, 4),
)
def test_summaries_are_exact(added: list[tuple[str, float]], shown: int) -> None:
    with closing(Scratch()) as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "KEPT_ROWS", 3)
        spans = Spans(scratch, "spans", 1)
        expected: dict[str, list[float]] = defaultdict(list)
        for name, seconds in added:
            spans.add((name,), seconds)
            expected[name].append(seconds)
        table = spans.table(shown=shown)
    for (name,), summary in table.rows:
        assert summary == expected_summary(expected.pop(name))
    assert table.left_out == len(expected)
    rest = [seconds for each in expected.values() for seconds in each]
    assert table.others == (expected_summary(rest) if rest else None)
    assert table.whole == expected_summary([seconds for _, seconds in added])


def test_durations_can_be_told_apart_by_some_of_their_names(scratch: Scratch) -> None:
    spans = Spans(scratch, "spans", 2)
    for media, agent, seconds in (("chat", "a", 1.0), ("chat", "b", 3.0), ("email", "a", 2.0)):
        spans.add((media, agent), seconds)
    by_media = spans.table((0,))
    assert [(names, row.count, row.longest) for names, row in by_media.rows] == [
        (("chat",), 2, 3.0),
        (("email",), 1, 2.0),
    ]
    assert len(spans.table().rows) == 3


def test_nothing_is_nothing(scratch: Scratch) -> None:
    table = Spans(scratch, "spans", 1).table()
    assert (table.rows, table.others, table.whole) == ([], None, Summary())
    assert Sums(scratch, "sums", 1, 2).table().whole == (0, 0)
