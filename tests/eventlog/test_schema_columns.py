"""Columns are read from schema files."""

from __future__ import annotations

import pytest

from ixproxy.eventlog.schema_columns import Column, Table, tables_of

SCRIPT = """
-- Words.

CREATE TABLE one (
    -- The first,
    -- of two.
    id INTEGER NOT NULL PRIMARY KEY,  -- which
    what TEXT                         -- anything
);
CREATE TABLE two (
    -- The other.
    a INTEGER NOT NULL,               -- the first, of two
    b REAL NOT NULL,                  -- the other
    PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX i ON one (what);
"""


def test_tables_with_their_columns_keys_and_comments() -> None:
    assert tables_of(SCRIPT) == {
        "one": Table(
            "one",
            "The first, of two.",
            (Column("id", "INTEGER", True, "which"), Column("what", "TEXT", False, "anything")),
            ("id",),
        ),
        "two": Table(
            "two",
            "The other.",
            (
                Column("a", "INTEGER", True, "the first, of two"),
                Column("b", "REAL", True, "the other"),
            ),
            ("a", "b"),
        ),
    }


def test_a_column_without_a_comment_is_refused() -> None:
    with pytest.raises(ValueError, match="what TEXT"):
        tables_of(SCRIPT.replace("-- anything", ""))


def test_a_table_without_a_comment_is_refused() -> None:
    with pytest.raises(ValueError, match="two has no comment"):
        tables_of(SCRIPT.replace("    -- The other.\n", ""))
