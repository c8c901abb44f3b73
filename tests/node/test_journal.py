from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.node.journal import Journal

STEPS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 1), st.integers(0, 4), st.integers(0, 9)), max_size=30
)


def do(
    journal: Journal, tables: list[dict[int, int]], steps: list[tuple[bool, int, int, int]]
) -> None:
    for put, table, key, value in steps:
        if put:
            journal.set(tables[table], key, value)
        else:
            journal.remove(tables[table], key)


@given(before=STEPS, after=STEPS)
def test_undoing_to_a_mark_restores_what_was_there_then(
    before: list[tuple[bool, int, int, int]], after: list[tuple[bool, int, int, int]]
) -> None:
    journal, tables = Journal(), [{1: 1, 2: 2}, {3: 3}]
    do(journal, tables, before)
    then = [dict(table) for table in tables]
    mark = journal.mark()
    do(journal, tables, after)
    journal.undo(mark)
    assert tables == then
    journal.undo()
    assert tables == [{1: 1, 2: 2}, {3: 3}]


def test_what_is_forgotten_cannot_be_undone() -> None:
    journal, table = Journal(), {1: 1}
    journal.set(table, 1, 2)
    journal.forget()
    journal.undo()
    assert table == {1: 2}
    assert journal.mark() == 0


def test_removing_what_is_not_there_leaves_no_trace() -> None:
    journal, table = Journal(), {1: 1}
    journal.remove(table, 2)
    assert journal.mark() == 0
    journal.remove(table, 1)
    journal.undo()
    assert table == {1: 1}


def test_an_index_has_each_thing_once_and_no_key_without_any() -> None:
    journal = Journal()
    index: dict[str, tuple[int, ...]] = {"a": (1,)}
    journal.add(index, "a", 2)
    journal.add(index, "a", 1)
    journal.add(index, "b", 3)
    assert index == {"a": (1, 2), "b": (3,)}
    journal.take_off(index, "a", 1)
    journal.take_off(index, "b", 3)
    journal.take_off(index, "c", 3)
    assert index == {"a": (2,)}
    journal.undo()
    assert index == {"a": (1,)}


def test_what_was_appended_is_taken_off_again() -> None:
    journal, gathered = Journal(), ["a"]
    table: dict[str, int] = {}
    journal.append(gathered, "b")
    mark = journal.mark()
    journal.append(gathered, "c")
    journal.set(table, "x", 1)
    journal.append(gathered, "d")
    journal.undo(mark)
    assert (gathered, table) == (["a", "b"], {})
    journal.undo()
    assert gathered == ["a"]
