from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

import pytest

from ixproxy.errors import StorageError
from ixproxy.node.selections import Selection
from ixproxy.storage.columns import Columns, Values, all_columns
from ixproxy.storage.reading import Reading
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
