"""The tables of event logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_tables import MERGED, NAME, TABLES, declared, kind_of, needed
from ixproxy.eventlog.merging.agent_acts import COLUMNS
from ixproxy.eventlog.schemas import merged_part
from tests.eventlog.logs import log_at


@pytest.mark.parametrize("table", [*TABLES, "rpt_dropped", "rpt_source"])
def test_the_columns_are_those_that_the_schema_makes(tmp_path: Path, table: str) -> None:
    database = log_at(tmp_path).open()
    assert declared(table) == database.columns(table)
    database.close()


def test_what_is_never_null_is_known() -> None:
    assert needed("rpt_custom") == {*NAME, "tenant_id", "custom_event_id", "custom_event"}


def test_no_other_table_is_known() -> None:
    with pytest.raises(KeyError):
        declared("rpt_else")


@pytest.mark.parametrize("table", TABLES)
def test_rows_begin_with_what_names_an_event(table: str) -> None:
    assert tuple(declared(table))[: len(NAME)] == NAME


def test_the_rules_for_agents_read_columns_that_are_there() -> None:
    assert set(COLUMNS) <= set(declared("rpt_agent"))


def test_a_merged_history_has_more_columns_in_each_table() -> None:
    for table in TABLES:
        for name in MERGED:
            for kind in ("sqlite", "postgresql"):
                assert f"ALTER TABLE {table} ADD COLUMN {name} " in merged_part(kind)


def test_a_database_says_what_it_is(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    database = log.open()
    assert kind_of(database) == "log"
    database.run("UPDATE log_schema SET version = 2")
    with pytest.raises(StorageError, match=r"has version 2 .* this one knows up to version 1"):
        kind_of(database)
    database.run("UPDATE log_schema SET version = 1, kind = 'x'")
    with pytest.raises(StorageError, match="kind is 'x', expected log or merged"):
        kind_of(database)
    database.run("UPDATE log_schema SET version = 'x'")
    with pytest.raises(StorageError, match="version is 'x', expected a number"):
        kind_of(database)
    database.run("DELETE FROM log_schema")
    with pytest.raises(StorageError, match="log_schema has 0 rows"):
        kind_of(database)
    database.run("DROP TABLE log_schema")
    assert kind_of(database) is None
    database.close()
