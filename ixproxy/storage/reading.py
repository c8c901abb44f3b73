"""Reading rows of a store: by keys, by columns, by selections; the same for all of them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from ixproxy.errors import StorageError
from ixproxy.node.rows import Row
from ixproxy.node.selections import Selection
from ixproxy.node.sql_text import Dialect
from ixproxy.storage.columns import Columns, Values
from ixproxy.storage.selecting import Statement, within_segments


class Questions(Protocol):
    """How one connection is asked; see `border`."""

    dialect: Dialect

    @property
    def border(self) -> tuple[type[BaseException], ...]:
        """What it raises when it is asked."""

    def by_keys(
        self, columns: Columns, wanted: tuple[str, ...], keys: Sequence[Values]
    ) -> Iterable[Values]:
        """What is stored where the `wanted` columns have the values of one of `keys`."""

    def rows(
        self, text: str, parameters: Mapping[str, Any], *, some: bool
    ) -> Generator[Values, None, None]:
        """
        What a statement finds; closed when enough was read.

        :param some: perhaps not all of them are wanted.
        """

    def problem(self, problem: BaseException, doing: str) -> StorageError:
        """What it raised, for a person."""


class Reading:
    """Queries on one connection; the caller sees to transactions and threads."""

    def __init__(self, questions: Questions, columns: Mapping[str, Columns]) -> None:
        self._questions = questions
        self._columns = columns

    def fetch(
        self, table: str, wanted: tuple[str, ...], keys: Sequence[Sequence[Any]]
    ) -> list[Row]:
        """The rows whose `wanted` columns have the values of one of `keys`, each row once."""
        columns = self._columns[table]
        unknown = set(wanted) - set(columns.names)
        if unknown:
            raise StorageError(f"{table} has no column {', '.join(sorted(unknown))}")
        distinct = list(dict.fromkeys(map(tuple, keys)))
        if not distinct:
            return []
        try:
            return list(map(columns.row, self._questions.by_keys(columns, wanted, distinct)))
        except self._questions.border as problem:
            raise self._questions.problem(problem, f"reading {table}") from problem

    def select(self, selection: Selection, now: float) -> list[Row]:
        """The rows of a selection, in its order."""
        columns = self._columns["interactions"]
        questions = self._questions
        try:
            statement = Statement(selection, columns, now, questions.dialect)
            some = bool(selection.most_bytes or selection.segment_limit)
            out: list[Values] = []
            if selection.segment_limit:
                out = list(questions.rows(statement.out(), statement.parameters, some=False))
            found = questions.rows(statement.text, statement.parameters, some=some)
            with closing(found):
                chosen: Iterable[Values] = found
                if selection.segment_limit:
                    chosen = within_segments(found, selection, columns, out)
                return _rows(chosen, columns, selection.most_bytes)
        except questions.border as problem:
            raise questions.problem(problem, "selecting interactions") from problem

    def count(self, selection: Selection, now: float) -> int:
        """How many rows a selection has, its order and limits left out."""
        questions = self._questions
        try:
            columns = self._columns["interactions"]
            statement = Statement(selection, columns, now, questions.dialect)
            ((number,),) = questions.rows(statement.count(), statement.parameters, some=False)
        except questions.border as problem:
            raise questions.problem(problem, "counting interactions") from problem
        return int(number)

    def count_by(
        self, selection: Selection, by: Sequence[str], now: float
    ) -> list[tuple[Any, ...]]:
        """How many rows of a selection there are for each set of values of some columns."""
        questions = self._questions
        try:
            columns = self._columns["interactions"]
            statement = Statement(selection, columns, now, questions.dialect)
            text = statement.count_by(by)
            return list(map(tuple, questions.rows(text, statement.parameters, some=False)))
        except questions.border as problem:
            raise questions.problem(problem, "counting interactions") from problem


def _rows(chosen: Iterable[Values], columns: Columns, most_bytes: int) -> list[Row]:
    """The rows, two at least, until their user data takes more than `most_bytes`; 0: all."""
    if not most_bytes:
        return list(map(columns.row, chosen))
    rows: list[Row] = []
    left = most_bytes
    user_data = columns.names.index("user_data")
    for values in chosen:
        rows.append(columns.row(values))
        left -= len(values[user_data])
        if left < 0 and len(rows) > 1:
            break
    return rows
