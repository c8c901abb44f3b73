"""A database with event logs of some nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog import log_source
from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.log_source import BEGINNING, LogSource, Written
from ixproxy.eventlog.log_tables import NAME, TABLES, declared
from tests.eventlog.logs import Log, custom, esp, interaction, log_at, login

ALL = {table: list(declared(table)) for table in TABLES}


def source_of(log: Log) -> LogSource:
    return LogSource(open_database(log.address))


def test_the_events_of_a_node_come_in_its_order_out_of_all_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_source, "PAGE", 2)
    log = log_at(tmp_path)
    log.write(1, [interaction(9, "a"), login(1), esp(3, "a"), custom(2), interaction(5, "b")] * 3)
    log.write(2, [interaction(1, "c")])
    log.write(1, [interaction(1, "d")], epoch=2)
    source = source_of(log)
    items = list(source.events(1, BEGINNING, (2, 16), ALL))
    assert [item.place for item in items] == [*((1, n) for n in range(1, 16)), (2, 16)]
    assert [item.table for item in items[:5]] == [0, 1, 2, 3, 0]
    assert [item.place for item in source.events(1, (1, 14), (2, 16), ALL)] == [(1, 15), (2, 16)]
    assert [item.place for item in source.events(1, (1, 13), (1, 15), ALL)] == [(1, 14), (1, 15)]
    source.close()


def test_what_a_table_does_not_have_is_none(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(1, "a")])
    source = source_of(log)
    columns = {**ALL, "rpt_interaction": [*NAME, "c_more", "interaction_id"]}
    assert [item.row for item in source.events(1, BEGINNING, (1, 1), columns)] == [
        (1, 1, 1, 1.0, "EventPlacedInQueue", None, "a")
    ]
    source.close()


def test_nodes_say_how_far_they_have_logged(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(10, "a")], until=12)
    log.write(7, [], until=3)
    source = source_of(log)
    assert source.streams() == {1: Written("ixn1", (1, 1), 12.0), 7: Written("ixn7", (1, 0), 3.0)}
    source.close()


def test_of_nodes_that_say_nothing_what_is_there_counts(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(10, "a"), esp(12, "a"), interaction(11, "a")])
    log.write(5, [login(4)])
    log.run("DELETE FROM rpt_source")
    source = source_of(log)
    assert source.streams() == {1: Written("", (1, 3), 12.0), 5: Written("", (1, 1), 4.0)}
    source.close()


def test_an_event_is_found_by_its_name(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(10, "a")])
    log.run("DROP TABLE rpt_esp")
    source = source_of(log)
    assert source.name_of("rpt_interaction", 1, (1, 1)) == (10.0, "EventPlacedInQueue")
    assert source.name_of("rpt_interaction", 1, (1, 2)) is None
    assert source.name_of("rpt_esp", 1, (1, 1)) is None
    source.close()


def test_the_first_logins_are_those_that_name_a_session(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [login(1, 8), login(2, None), login(3, 9), login(4, 10)])
    source = source_of(log)
    assert source.logins(1, BEGINNING, 2) == [(8, 1, 1.0), (9, 1, 3.0)]
    source.close()


def test_what_was_dropped_is_read_as_it_is(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    row = (1, 1, 2, 5, 11.0, 12.0, "EventHeld", 3)
    log.run(f"INSERT INTO rpt_dropped VALUES {row}")
    source = source_of(log)
    assert list(source.dropped()) == [row]
    source.close()
    log.run("DROP TABLE rpt_dropped")
    source = source_of(log)
    assert list(source.dropped()) == []
    source.close()


def test_columns_of_its_own_are_known_with_their_types(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.run("ALTER TABLE rpt_custom ADD COLUMN c_size INTEGER")
    source = source_of(log)
    assert {table: own for table, own in source.own.items() if own} == {
        "rpt_custom": {"c_size": "INTEGER"}
    }
    source.close()


def test_columns_of_another_type_are_read_as_the_schema_has_them(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.run("ALTER TABLE rpt_interaction DROP COLUMN tenant_id")
    log.run("ALTER TABLE rpt_interaction DROP COLUMN queue")
    log.run("ALTER TABLE rpt_interaction ADD COLUMN queue INTEGER")
    log.run(
        "INSERT INTO rpt_interaction (dbid, epoch, event_number, event_time, event, queue) "
        "VALUES (1, 1, 1, 5, 'EventHeld', 17)"
    )
    source = source_of(log)
    columns = {**ALL, "rpt_interaction": [*NAME, "tenant_id", "queue"]}
    assert [item.row for item in source.events(1, BEGINNING, (1, 1), columns)] == [
        (1, 1, 1, 5.0, "EventHeld", 0, "17")
    ]
    source.close()


@pytest.mark.parametrize(
    "bad",
    [
        "event_time = 'noon'",
        "event_time = 9e999",
        "event_time = -1e11",
        "event = x'00'",
        "event_number = 'a'",
    ],
)
def test_a_row_that_names_no_event_is_said(tmp_path: Path, bad: str) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(1, "a")])
    log.run(f"UPDATE rpt_interaction SET {bad}")
    source = source_of(log)
    last = (1, "b") if "number" in bad else (1, 1)
    with pytest.raises(StorageError, match="a row of rpt_interaction names no event: dbid 1,"):
        list(source.events(1, BEGINNING, last, ALL))  # type: ignore[arg-type]
    source.close()


def test_a_login_at_no_time_says_nothing_of_clocks(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [login(1)])
    source = source_of(log)
    assert source.logins(1, BEGINNING, 10) == [(1, 1, 1.0)]
    log.run("UPDATE rpt_agent SET event_time = 9e999")
    with pytest.raises(StorageError, match="event_time inf"):
        source.logins(1, BEGINNING, 10)
    source.close()


def test_a_node_that_has_logged_for_ever_is_said(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(1, "a")], until=float("inf"))
    source = source_of(log)
    with pytest.raises(StorageError, match="until inf"):
        source.streams()
    source.close()


@pytest.mark.parametrize("column", ["dbid", "logged_epoch", "logged_number", "logged_until"])
def test_a_node_that_does_not_say_how_far_it_is_is_said(tmp_path: Path, column: str) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(1, "a")])
    log.run("CREATE TABLE said AS SELECT * FROM rpt_source")
    log.run("DROP TABLE rpt_source")
    log.run(f"UPDATE said SET {column} = 'x'")
    log.run("ALTER TABLE said RENAME TO rpt_source")
    source = source_of(log)
    with pytest.raises(StorageError, match="rpt_source says of node "):
        source.streams()
    source.close()


def test_a_last_event_without_a_time_is_said(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(1, "a")])
    log.run("UPDATE rpt_interaction SET event_time = 'noon'")
    log.run("DELETE FROM rpt_source")
    source = source_of(log)
    with pytest.raises(StorageError, match="event_time 'noon'"):
        source.streams()
    source.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE log_schema SET kind = 'merged'", "of the kind 'merged'"),
        ("UPDATE log_schema SET version = 9", "has version 9"),
        ("ALTER TABLE rpt_esp RENAME COLUMN event_time TO at", "rpt_esp has no column event_time"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, statement: str, said: str) -> None:
    log = log_at(tmp_path)
    log.run(statement)
    with pytest.raises(StorageError, match=said):
        source_of(log)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    address = f"sqlite:{tmp_path / 'other.db'}"
    database = open_database(address, create=True)
    database.run("CREATE TABLE stock (item TEXT)")
    with pytest.raises(StorageError, match="no tables of an event log"):
        LogSource(database)
    database.close()
