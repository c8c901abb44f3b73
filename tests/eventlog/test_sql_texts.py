"""The statements that store rows, on SQLite; PostgreSQL's are tested with its log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from ixproxy.eventlog import sql_texts
from ixproxy.eventlog.schemas import built_in

FIVE = "VALUES (?, ?, ?, ?, ?)"


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(built_in("sqlite").creation())
    yield connection
    connection.close()


def source(database: sqlite3.Connection, *marks: tuple[int, int, float]) -> tuple[object, ...]:
    """What there is of a node after some marks: epoch, number, time."""
    for mark in marks:
        database.execute(sql_texts.mark_stored(FIVE), (101, "ixn1", *mark))
    (found,) = database.execute("SELECT * FROM rpt_source").fetchall()
    return tuple(found[2:])


def test_the_mark_of_a_node_goes_on_and_never_back_within_an_epoch(
    database: sqlite3.Connection,
) -> None:
    assert source(database, (3, 10, 100.0)) == (3, 10, 100.0)
    assert source(database, (3, 12, 101.0)) == (3, 12, 101.0)
    assert source(database, (3, 11, 102.0)) == (3, 12, 102.0)
    assert source(database, (3, 13, 90.0)) == (3, 13, 102.0)
    assert source(database, (2, 99, 999.0)) == (3, 13, 102.0)
    assert source(database, (4, 5, 50.0)) == (4, 5, 50.0)


def test_rest_moves_the_time_alone_and_the_name_is_the_last_one(
    database: sqlite3.Connection,
) -> None:
    rest = sql_texts.mark_rest(FIVE)
    database.execute(rest, (101, "ixn1", 0, 0, 60.0))
    assert source(database) == (0, 0, 60.0)
    assert source(database, (3, 10, 100.0)) == (3, 10, 100.0)
    database.execute(rest, (101, "renamed", 0, 0, 160.0))
    database.execute(rest, (101, "renamed", 0, 0, 150.0))
    assert source(database) == (3, 10, 160.0)
    assert database.execute("SELECT node FROM rpt_source").fetchall() == [("renamed",)]


def test_a_gap_that_comes_again_grows_and_never_shrinks(database: sqlite3.Connection) -> None:
    insert = sql_texts.insert_dropped(f"VALUES ({', '.join('?' * 8)})")
    for last, number in ((9, 3), (20, 8), (15, 6)):
        database.execute(insert, (101, 1, 5, last, 50.0, 50.0 + last, "EventHeld", number))
    (found,) = database.execute("SELECT * FROM rpt_dropped").fetchall()
    assert found == (101, 1, 5, 20, 50.0, 70.0, "EventHeld", 8)


def test_what_lacks_a_value_is_not_passed_over_as_a_repeat(database: sqlite3.Connection) -> None:
    names = ["dbid", "epoch", "event_number", "event_time", "event", "tenant_id"]
    insert = sql_texts.insert("rpt_agent", names, f"VALUES ({', '.join('?' * 6)})")
    assert database.execute(insert, (101, 1, 1, 1.0, "EventAgentLogin", 1)).rowcount == 1
    assert database.execute(insert, (101, 1, 1, 2.0, "EventAgentLogout", 1)).rowcount == 0
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(insert, (101, 1, 2, None, "EventAgentLogin", 1))
