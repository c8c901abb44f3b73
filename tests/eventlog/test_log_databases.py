"""Databases in which event logs lie: which address is which, and how it is opened."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.schemas import LOG
from ixproxy.eventlog.sqlite_database import SqliteDatabase
from tests.eventlog.logs import in_schema


@pytest.mark.parametrize("address", ["", "sqlite", "sqlite:", "mysql://a", "/a/path.db"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"expected sqlite:PATH, .* or postgresql://"):
        open_database(address)


def test_an_address_of_sqlite_is_that_of_a_file(tmp_path: Path) -> None:
    database = open_database(f"sqlite:{tmp_path / 'a.db'}", create=True)
    assert isinstance(database, SqliteDatabase)
    assert database.name == f"sqlite:{tmp_path / 'a.db'}"
    database.close()


def test_without_its_client_postgresql_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("ixproxy.eventlog.postgresql_d")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ixproxy.storage.postgresql_session", None)
    with pytest.raises(StorageError, match=r"install ixproxy\[postgresql\]"):
        open_database("postgresql://db/log")


@pytest.mark.processes
def test_a_schema_is_named_by_the_address_or_else_by_the_caller(postgresql_database: str) -> None:
    one, two = (in_schema(postgresql_database, name) for name in ("One & only", "two"))
    for address in (one, two):
        database = open_database(address, create=True)
        database.make(LOG)
        database.run("INSERT INTO rpt_source VALUES (1, ?, 1, 1, 1.0)", (address[-3:],))
        database.close()
    for address, schema_name, found in (
        (one, "", "nly"),
        (one, "two", "nly"),
        (postgresql_database, "two", "two"),
        (f"{postgresql_database}?options=-csearch_path%3Dtwo", "", "two"),
    ):
        database = open_database(address, schema_name=schema_name)
        assert database.rows("SELECT node FROM rpt_source") == [(found,)]
        assert database.name.endswith(
            "?schema-name=" + ("two" if found == "two" else "One%20%26%20only")
        )
        database.close()
    with pytest.raises(StorageError, match="has no schema 'three': make it with CREATE SCHEMA"):
        open_database(postgresql_database, schema_name="three")
