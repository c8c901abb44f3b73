"""Columns that sources have beside those of the schema, in the target."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from tests.eventlog.logs import Log, in_schema, interaction, rows_of
from tests.eventlog.merges import Merging

ROWS = "SELECT interaction_id, c_amount FROM rpt_interaction ORDER BY merged_number"


class Places:
    """Where logs and targets are made."""

    def __init__(self, folder: Path, postgresql: str) -> None:
        self._folder, self._postgresql = folder, postgresql

    def new(self, name: str) -> str:
        if self._postgresql:
            return in_schema(self._postgresql, name)
        return f"sqlite:{self._folder / name}.db"

    def log(self, dbid: int, kind: str, value: object) -> str:
        """One with a column of a type, and an event that has something in it."""
        log = Log(self.new(f"log{dbid}"))
        log.run(f"ALTER TABLE rpt_interaction ADD COLUMN c_amount {kind}")
        log.write(dbid, [interaction(10 + dbid, f"i{dbid}", c_amount=value)])
        return log.address


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql_database") if postgresql else ""
    return Places(tmp_path, address)


def test_columns_of_one_name_and_different_types_become_text(places: Places) -> None:
    merging = Merging(places.new("merged"))
    merging(places.log(1, "INTEGER", 5), places.log(2, "TEXT", "five"), final=True)
    assert rows_of(merging.target, ROWS) == [("i1", "5"), ("i2", "five")]


def test_whole_numbers_and_others_are_numbers(places: Places) -> None:
    merging = Merging(places.new("merged"))
    merging(places.log(1, "INTEGER", 5), places.log(2, "REAL", 2.5), final=True)
    assert rows_of(merging.target, ROWS) == [("i1", 5), ("i2", 2.5)]


def test_a_source_that_comes_later_is_read_as_the_target_needs_it(places: Places) -> None:
    merging = Merging(places.new("merged"))
    text = places.log(1, "TEXT", "five")
    merging(text, final=True)
    merging(text, places.log(2, "INTEGER", 5), final=True)
    assert rows_of(merging.target, ROWS) == [("i1", "five"), ("i2", "5")]


def test_what_the_column_of_the_target_does_not_hold_is_refused_in_words(places: Places) -> None:
    merging = Merging(places.new("merged"))
    number = places.log(1, "INTEGER", 5)
    merging(number, final=True)
    with pytest.raises(StorageError, match="Nothing was merged") as caught:
        merging(number, places.log(2, "TEXT", "five"), final=True)
    assert "log2" in str(caught.value)
    assert "the column c_amount of rpt_interaction is TEXT, and in" in str(caught.value)
    assert "merged" in str(caught.value)
    assert rows_of(merging.target, ROWS) == [("i1", 5)]
