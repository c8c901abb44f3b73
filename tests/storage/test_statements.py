from __future__ import annotations

import pytest

from ixproxy.node.rows import PartyRow, TimerRow
from ixproxy.storage.columns import Columns
from ixproxy.storage.statements import MAX_ROWS, MAX_VARIABLES, delete, fetch, flat, in_chunks, put


@pytest.mark.parametrize("number", [0, 1, 2, 3, 100, MAX_ROWS, 5 * MAX_ROWS + 3])
@pytest.mark.parametrize("width", [1, 36, 1000, MAX_VARIABLES])
def test_chunks_are_powers_of_two_within_the_limits_and_lose_nothing(
    number: int, width: int
) -> None:
    items = list(range(number))
    chunks = [list(chunk) for chunk in in_chunks(items, width)]
    assert [item for chunk in chunks for item in chunk] == items
    for chunk in chunks:
        assert len(chunk).bit_count() == 1
        assert len(chunk) <= MAX_ROWS
        assert len(chunk) * width <= MAX_VARIABLES


def test_few_texts_serve_any_number_of_rows() -> None:
    lengths = {len(chunk) for number in range(1000) for chunk in in_chunks(range(number), 36)}
    assert len(lengths) == MAX_ROWS.bit_length()


def test_the_statements_of_a_table() -> None:
    timers = Columns(TimerRow)
    assert put(timers, 2) == (
        'INSERT INTO timers ("kind", "interaction_id", "due_at", "seconds") '
        "VALUES (?, ?, ?, ?), (?, ?, ?, ?) "
        'ON CONFLICT ("kind", "interaction_id") DO UPDATE SET '
        '"due_at" = excluded."due_at", "seconds" = excluded."seconds"'
    )
    assert delete("timers", ("kind", "interaction_id"), 2) == (
        'DELETE FROM timers WHERE ("kind" = ? AND "interaction_id" = ?) '
        'OR ("kind" = ? AND "interaction_id" = ?)'
    )
    assert delete("sessions", ("session",), 2) == ('DELETE FROM sessions WHERE "session" IN (?, ?)')
    assert fetch(Columns(PartyRow), ("session",), 1).endswith('FROM parties WHERE "session" IN (?)')
    assert fetch(timers, ("kind", "interaction_id"), 1) == (
        'WITH wanted (k0, k1) AS (VALUES (?, ?)) SELECT "kind", "interaction_id", "due_at", '
        '"seconds" FROM wanted CROSS JOIN timers '
        'ON timers."kind" = k0 AND timers."interaction_id" = k1'
    )
    assert flat([(1, 2), (3, 4)]) == [1, 2, 3, 4]
