"""Looking into databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ixproxy.cli.demo_stores import look
from ixproxy.errors import StorageError


def database(path: Path, *rows: tuple[str, str, str], parties: int = 0) -> Path:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE interactions (id TEXT, media_type TEXT, queue TEXT)")
    connection.execute("CREATE TABLE parties (interaction_id TEXT)")
    connection.executemany("INSERT INTO interactions VALUES (?, ?, ?)", rows)
    connection.executemany("INSERT INTO parties VALUES (?)", [("x",)] * parties)
    connection.commit()
    connection.close()
    return path


def test_everything_is_counted_by_node_and_media_type(tmp_path: Path) -> None:
    stored = look(
        {
            "a": database(tmp_path / "a.db", ("1", "email", "Q1"), ("2", "chat", "Q2"), parties=2),
            "b": database(tmp_path / "b ?#.db", ("3", "email", "Q1"), ("2", "chat", "Q2")),
        }
    )
    assert stored.nodes_of == {"1": ["a"], "2": ["a", "b"], "3": ["b"]}
    assert stored.counts == {
        ("a", "email"): 1, ("a", "chat"): 1, ("b", "email"): 1, ("b", "chat"): 1,
    }  # fmt: skip
    assert stored.queues == {"Q1": {"1", "3"}, "Q2": {"2"}}
    assert stored.twice == ["2"]
    assert stored.parties == 2
    assert stored.per_node(("a", "b", "c")) == {"a": 2, "b": 2, "c": 0}


def test_a_database_in_use_can_be_read_and_is_not_written(tmp_path: Path) -> None:
    path = database(tmp_path / "a.db", ("1", "email", "Q1"))
    writer = sqlite3.connect(path)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO interactions VALUES ('2', 'chat', 'Q1')")
    assert list(look({"a": path}).nodes_of) == ["1"]
    writer.commit()
    assert list(look({"a": path}).nodes_of) == ["1", "2"]
    writer.close()


def test_one_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nowhere\.db"):
        look({"a": tmp_path / "nowhere.db"})
    assert not (tmp_path / "nowhere.db").exists()
