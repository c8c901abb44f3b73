"""Rows are gathered as far as they are wanted."""

from __future__ import annotations

import pytest

from ixproxy.capture import database_sessions
from ixproxy.capture.database_sessions import DatabaseTrouble, Trouble, gather


def test_rows_get_keys_and_those_without_are_passed_over() -> None:
    rows = [(1,), (2,), (3,)]
    found = gather(("n",), rows, 9, lambda _, row: "" if row == (2,) else f"k{row[0]}")
    assert found == ([("k1", (1,)), ("k3", (3,))], False)


def test_no_more_than_wanted_are_gathered() -> None:
    rows, more = gather(("n",), [(n,) for n in range(9)], 3, lambda *_: "k")
    assert len(rows) == 3
    assert more
    assert not gather(("n",), [(1,)] * 3, 3, lambda *_: "k")[1]


def test_wide_rows_are_gathered_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_sessions, "MOST_READ", 100)
    rows, more = gather(("t",), [("x" * 101,)] * 5, 9, lambda *_: "k")
    assert len(rows) == 1
    assert more


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DatabaseTrouble, match="column a comes twice") as refused:
        gather(("a", "b", "a"), [], 9, lambda *_: "k")
    assert refused.value.trouble is Trouble.STATEMENT
