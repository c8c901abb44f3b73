from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any

import pytest

from ixproxy.errors import StorageError
from ixproxy.node.selections import Selection
from ixproxy.storage.columns import Columns, Values, all_columns
from ixproxy.storage.reading import ReaderOfMoments, Reading
from ixproxy.testing.store_samples import NOW, interaction
from ixproxy.values import Dialect


class Answers:
    """A connection that knows some interactions, and notes what it is asked."""

    dialect: Dialect = "sqlite"
    border = (KeyError,)

    def __init__(self, *ids: str) -> None:
        self.rows_there = [COLUMNS["interactions"].values(interaction(id)) for id in ids]
        self.asked: list[object] = []
        self.read = 0

    def by_keys(
        self, columns: Columns, wanted: tuple[str, ...], keys: Sequence[Values]
    ) -> Iterable[Values]:
        self.asked.append((wanted, list(keys)))
        return self.rows_there

    def rows(
        self, text: str, parameters: Mapping[str, Any], *, some: bool
    ) -> Generator[Values, None, None]:
        self.asked.append(some)
        if not self.rows_there:
            raise KeyError("nothing there")
        for row in self.rows_there:
            self.read += 1
            yield row

    def problem(self, problem: BaseException, doing: str) -> StorageError:
        return StorageError(f"{doing}: {problem}")


COLUMNS = all_columns()


def test_equal_keys_are_asked_for_once_and_no_keys_not_at_all() -> None:
    answers = Answers("a")
    reading = Reading(answers, COLUMNS)
    assert [row.key for row in reading.fetch("interactions", ("id",), [("a",), ["a"]])] == [("a",)]
    assert answers.asked == [(("id",), [("a",)])]
    assert reading.fetch("interactions", ("id",), []) == []
    with pytest.raises(StorageError, match="no column nonsense"):
        reading.fetch("interactions", ("nonsense",), [("a",)])


def test_no_more_is_read_than_is_wanted() -> None:
    answers = Answers(*"abcdef")
    assert len(Reading(answers, COLUMNS).select(Selection(1, most_bytes=2), NOW)) == 3
    assert answers.read == 3
    assert answers.asked == [True]
    assert len(Reading(answers, COLUMNS).select(Selection(1), NOW)) == 6
    assert answers.asked == [True, False]


def test_what_a_connection_raises_is_a_storage_error() -> None:
    reading = Reading(Answers(), COLUMNS)
    with pytest.raises(StorageError, match="selecting interactions: 'nothing there'"):
        reading.select(Selection(1), NOW)
    with pytest.raises(StorageError, match="counting interactions"):
        reading.count(Selection(1), NOW)


class Reader(ReaderOfMoments):
    """One whose moments begin and end as a test says."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.answers = Answers("a")
        super().__init__(Reading(self.answers, COLUMNS), self.lock)
        self.fails = False
        self.heard: list[str] = []

    def _begin_moment(self) -> int:
        assert self.lock.locked()
        return 7 if self._hear("begin") else 0

    def _end_moment(self) -> None:
        self._hear("end")

    def _drop_moment(self) -> None:
        self.heard.append("drop")

    def _hear(self, what: str) -> bool:
        self.heard.append(what)
        if self.fails:
            raise KeyError(what)
        return True


def test_moments_are_begun_one_after_another_and_ended_once() -> None:
    reader = Reader()
    assert reader.begin() == 7
    with pytest.raises(StorageError, match="under way"):
        reader.begin()
    reader.end()
    reader.end()
    assert reader.begin() == 7
    assert reader.heard == ["begin", "end", "begin"]


def test_of_a_moment_that_fails_nothing_is_left() -> None:
    reader = Reader()
    reader.fails = True
    with pytest.raises(StorageError, match="beginning a read"):
        reader.begin()
    reader.fails = False
    reader.begin()
    reader.fails = True
    with pytest.raises(StorageError, match="ending a read"):
        reader.end()
    reader.end()
    assert reader.heard == ["begin", "drop", "begin", "end", "drop"]


def test_who_reads_holds_the_guard_and_can_be_interrupted_only_then() -> None:
    reader = Reader()
    assert len(reader.select(Selection(1), NOW)) == 1
    assert len(reader.fetch_by("interactions", "id", ["a"])) == 1
    assert not reader.lock.locked()
    assert not reader._busy.is_set()
    reader.answers.rows_there = []
    with pytest.raises(StorageError):
        reader.select(Selection(1), NOW)
    assert not reader._busy.is_set()
