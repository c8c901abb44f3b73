"""Rows are inserted with the columns that they have."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from ixproxy.eventlog.schemas import AGENT, built_in, tables
from ixproxy.eventlog.sqlite_inserts import MOST_VALUES, TOGETHER, Inserts

NAMES = [column.name for column in tables()[AGENT].columns]
INSERTS = Inserts({AGENT: NAMES})


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(built_in("sqlite").creation())
    yield connection
    connection.close()


def row(number: int | None, **more: object) -> tuple[object, ...]:
    has = {
        "dbid": 101, "epoch": 1, "event_number": number, "event_time": 5.0,
        "event": "EventAgentLogin", "tenant_id": 1, **more,
    }  # fmt: skip
    return tuple(has.get(name) for name in NAMES)


def stored(database: sqlite3.Connection) -> list[tuple[object, ...]]:
    return database.execute("SELECT * FROM rpt_agent ORDER BY event_number").fetchall()


def test_rows_with_different_columns_are_stored_as_they_are(database: sqlite3.Connection) -> None:
    rows = [row(1, agent_id="anna"), row(2, place_id="p1", reason=0), row(3, agent_id="bert")]
    assert INSERTS.run(database, AGENT, rows) == 3
    assert stored(database) == rows


def test_as_many_columns_need_not_be_the_same(database: sqlite3.Connection) -> None:
    some: list[dict[str, object]] = [{"agent_id": "anna"}, {"place_id": "p1"}]
    rows = [row(at, **some[at % 3 > 0], reason=0) for at in range(9)]
    assert INSERTS.run(database, AGENT, rows) == len(rows)
    assert stored(database) == rows


def test_one_that_is_there_is_passed_over_and_not_counted(database: sqlite3.Connection) -> None:
    INSERTS.run(database, AGENT, [row(1, agent_id="anna")])
    assert INSERTS.run(database, AGENT, [row(1, place_id="p1"), row(2)]) == 1
    assert stored(database) == [row(1, agent_id="anna"), row(2)]


def test_what_must_be_there_and_is_not_is_refused(database: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="event_number"):
        INSERTS.run(database, AGENT, [row(1), row(None)])


def test_no_rows_are_no_statement(database: sqlite3.Connection) -> None:
    assert INSERTS.run(database, AGENT, []) == 0


@pytest.mark.parametrize("number", [TOGETHER - 1, TOGETHER, TOGETHER + 1, 2 * TOGETHER + 3])
def test_any_number_of_rows_is_stored_once(database: sqlite3.Connection, number: int) -> None:
    rows = [row(at, agent_id="anna" if at % 3 else None) for at in range(number)]
    assert INSERTS.run(database, AGENT, rows[:2]) == 2
    assert INSERTS.run(database, AGENT, rows) == number - 2
    assert stored(database) == rows


def test_rows_with_many_columns_are_fewer_in_one_statement(database: sqlite3.Connection) -> None:
    own = [f"c_{number}" for number in range(MOST_VALUES // TOGETHER)]
    for name in own:
        database.execute(f"ALTER TABLE {AGENT} ADD COLUMN {name} INTEGER")
    inserts = Inserts({AGENT: [*NAMES, *own]})
    rows = [(*row(at), *range(len(own))) for at in range(2 * TOGETHER)]
    assert inserts.run(database, AGENT, rows) == len(rows)
    assert stored(database) == rows
