"""How the verbs of `ixctl eventlog` open databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.cli.eventlog_opening import (
    check_outputs,
    check_schema_name,
    is_there,
    opened,
    reaching,
)
from ixproxy.cli.outcomes import UsageError
from ixproxy.errors import NodeUnavailable, StorageError, StoreUnreachable


def test_a_database_is_opened_to_be_read_unless_it_is_to_be_made(tmp_path: Path) -> None:
    address = f"sqlite:{tmp_path / 'log.db'}"
    with pytest.raises(StorageError, match="there is no such file"):
        opened(address, "")
    opened(address, "", create=True).close()
    opened(address, "").close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("log.db", "log.db: expected sqlite:PATH"),
        ("mysql://me:secret@h/d", "mysql://me:…@h/d: expected sqlite:PATH"),
        ("postgresql://me:secret@h", "postgresql://me:…@h: expected the name of a database"),
        ("postgresql://me:secret@h/d?x=1", "me:…@h/d.x=1: expected behind the . what libpq knows"),
        ("postgresql://me:secret@h/d?schema-name=", "the name of one schema"),
    ],
)
def test_what_is_no_address_is_shown_without_its_password(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        opened(address, "")
    assert "secret" not in str(caught.value)


def test_a_file_is_there_or_not_and_a_server_is_asked(tmp_path: Path) -> None:
    assert not is_there(f"sqlite:{tmp_path / 'log.db'}")
    (tmp_path / "log.db").touch()
    assert is_there(f"sqlite:{tmp_path / 'log.db'}")
    assert is_there("postgresql://127.0.0.1:9/log")


def test_a_schema_name_is_for_databases_that_have_schemas() -> None:
    check_schema_name("logs", "sqlite:a.db", "postgresql://h/d")
    check_schema_name("", "sqlite:a.db")
    with pytest.raises(UsageError, match="only a log in PostgreSQL has one"):
        check_schema_name("logs", "sqlite:a.db", "sqlite:b.db")


def test_what_belongs_to_a_log_is_no_file_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "log.db").touch()
    (tmp_path / "link.db").symlink_to("log.db")
    (tmp_path / "again.db").hardlink_to(tmp_path / "log.db")
    named = ("log.db", "link.db", "again.db", "log.db-wal", "log.db-shm", "log.db-journal")
    for address in (f"sqlite:{tmp_path / 'log.db'}", f"sqlite:{tmp_path / 'link.db'}"):
        for name in named:
            with pytest.raises(UsageError, match=rf"{name}: expected another file, .*{address}"):
                check_outputs([tmp_path / "page", tmp_path / name], "postgresql://h/d", address)
        check_outputs([tmp_path / "page", tmp_path / "link.db-wal"], address)


def test_a_log_that_is_not_there_yet_is_no_file_to_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"belongs to sqlite:a\.db"):
        check_outputs([tmp_path / "b" / ".." / "a.db"], "sqlite:a.db")


def test_what_is_no_file_has_nothing_to_write_to() -> None:
    check_outputs([Path("a.db")], "postgresql://h/d", "mysql:a.db", "a.db")


def test_a_server_that_does_not_answer_is_no_mistake_of_the_command() -> None:
    with pytest.raises(NodeUnavailable, match="away"), reaching():
        raise StoreUnreachable("away")
    with pytest.raises(StorageError, match="broken"), reaching():
        raise StorageError("broken")
