"""Rows are read past the nodes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.testing.chaos_rows import read_rows, truncate_log


def made(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE receipts (receipt TEXT, interaction_id TEXT)")
        connection.execute("INSERT INTO receipts VALUES ('R1', 'A')")
        connection.commit()
    return f"sqlite:{path}"


def test_rows_of_all_nodes_say_whose_they_are(tmp_path: Path) -> None:
    stores = {name: made(tmp_path / f"{name}.db") for name in ("ixn1", "ixn2")}
    assert read_rows(stores, ("receipts",)) == {
        "receipts": [
            {"receipt": "R1", "interaction_id": "A", "node": "ixn1"},
            {"receipt": "R1", "interaction_id": "A", "node": "ixn2"},
        ]
    }


def test_what_cannot_be_read_says_of_which_node(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="ixn1"):
        read_rows({"ixn1": f"sqlite:{tmp_path}/nothing.db"}, ("receipts",))
    with pytest.raises(StorageError, match="ixn2"):
        read_rows({"ixn2": "postgresql://nobody@127.0.0.1:1/nothing"}, ("receipts",))


def test_a_log_can_be_made_to_begin_anew(tmp_path: Path) -> None:
    address = made(tmp_path / "ixn1.db")
    with closing(sqlite3.connect(tmp_path / "ixn1.db")) as connection:
        connection.execute("INSERT INTO receipts VALUES ('R2', 'B')")
        connection.commit()
        log = tmp_path / "ixn1.db-wal"
        assert log.stat().st_size > 0
        truncate_log(address)
        assert log.stat().st_size == 0
