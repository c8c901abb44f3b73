"""Reading rows of a store: by keys, by columns, by selections; the same for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from threading import Event
from typing import Any, Protocol, cast

from ixproxy.errors import StorageError
from ixproxy.node.rows import Row, SnapshotMemberRow
from ixproxy.node.selections import Selection
from ixproxy.node.sql_text import Dialect, quoted_name
from ixproxy.storage.columns import Columns, Values
from ixproxy.storage.selecting import MARKS, Statement, within_segments
from ixproxy.storage.statements import in_chunks

OUTBOX_CONSUMERS = """
WITH RECURSIVE found (name) AS (
    SELECT min(consumer) FROM outbox
    UNION ALL
    SELECT (SELECT min(consumer) FROM outbox WHERE consumer > found.name)
    FROM found WHERE found.name IS NOT NULL
)
SELECT name FROM found WHERE name IS NOT NULL ORDER BY name
"""
"""From each to the next, by the primary key; DISTINCT would read all rows."""


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
    """
    Queries on one connection; the caller sees to transactions and threads.

    :ivar questions: how the connection is asked.
    """

    def __init__(self, questions: Questions, columns: Mapping[str, Columns]) -> None:
        self.questions = questions
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
            return list(map(columns.row, self.questions.by_keys(columns, wanted, distinct)))
        except self.questions.border as problem:
            raise self.questions.problem(problem, f"reading {table}") from problem

    def select(self, selection: Selection, now: float) -> list[Row]:
        """The rows of a selection, in its order."""
        columns = self._columns["interactions"]
        questions = self.questions
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

    def newest(self, submitted_by: str, external_ids: Sequence[str], limit: int) -> list[Row]:
        """The newest interactions of a submitter with each of some external ids."""
        columns, questions = self._columns["interactions"], self.questions
        mark = MARKS[questions.dialect].format
        names = ", ".join(map(quoted_name, columns.names))
        rows: list[Row] = []
        try:
            for some in in_chunks(list(dict.fromkeys(external_ids)), 1):
                wanted = {"who": submitted_by, "limit": limit}
                wanted.update((f"e{at}", id) for at, id in enumerate(some))
                parts = [
                    f"SELECT * FROM (SELECT {names} FROM interactions "
                    f'WHERE "external_id" = {mark(f"e{at}")} AND "submitted_by" = {mark("who")} '
                    f'ORDER BY "submitted_at" DESC, "id" DESC LIMIT {mark("limit")}) AS n{at}'
                    for at in range(len(some))
                ]
                found = questions.rows(" UNION ALL ".join(parts), wanted, some=False)
                rows += map(columns.row, found)
        except questions.border as problem:
            raise questions.problem(problem, "reading by external ids") from problem
        return rows

    def members(self, snapshot_id: int, start: int, limit: int) -> list[SnapshotMemberRow]:
        """Members of a snapshot from a position on, in their order."""
        columns = self._columns["snapshot_members"]
        questions = self.questions
        wanted = {"snapshot": snapshot_id, "start": start, "limit": limit}
        marks = {name: MARKS[questions.dialect].format(name) for name in wanted}
        text = (
            f"SELECT {', '.join(map(quoted_name, columns.names))} FROM snapshot_members "
            f'WHERE "snapshot_id" = {marks["snapshot"]} AND "position" >= {marks["start"]} '
            f'ORDER BY "position" LIMIT {marks["limit"]}'
        )
        try:
            found = questions.rows(text, wanted, some=False)
            return [cast(SnapshotMemberRow, columns.row(values)) for values in found]
        except questions.border as problem:
            raise questions.problem(problem, "reading members of a snapshot") from problem

    def count(self, selection: Selection, now: float) -> int:
        """How many rows a selection has, its order and limits left out."""
        questions = self.questions
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
        questions = self.questions
        try:
            columns = self._columns["interactions"]
            statement = Statement(selection, columns, now, questions.dialect)
            text = statement.count_by(by)
            return list(map(tuple, questions.rows(text, statement.parameters, some=False)))
        except questions.border as problem:
            raise questions.problem(problem, "counting interactions") from problem


class ReaderOfMoments(ABC):
    """
    What the readers of all stores do alike; see `IStoreReader`.

    :param reading: of its connection.
    :param guard: held while something is read.
    """

    def __init__(self, reading: Reading, guard: AbstractContextManager[object]) -> None:
        self._reading = reading
        self._guard = guard
        self._in_moment = False
        self._busy = Event()
        self._closed = False

    def begin(self) -> int:
        """See `IStoreReader`."""
        if self._in_moment:
            raise StorageError("a read of one moment is under way")
        questions = self._reading.questions
        with self._at_work():
            try:
                number = self._begin_moment()
            except questions.border as problem:
                self._drop_moment()
                raise questions.problem(problem, "beginning a read") from problem
        self._in_moment = True
        return number

    def end(self) -> None:
        """See `IStoreReader`."""
        questions = self._reading.questions
        if self._in_moment:
            self._in_moment = False
            try:
                self._end_moment()
            except questions.border as problem:
                self._drop_moment()
                raise questions.problem(problem, "ending a read") from problem

    def select(self, selection: Selection, now: float) -> list[Any]:
        """See `IStoreReader`."""
        with self._at_work():
            return self._reading.select(selection, now)

    def count_by(
        self, selection: Selection, columns: Sequence[str], now: float
    ) -> list[tuple[Any, ...]]:
        """See `IStoreReader`."""
        with self._at_work():
            return self._reading.count_by(selection, columns, now)

    def fetch_by(self, table: str, column: str, values: Iterable[Any]) -> list[Any]:
        """See `IStoreReader`."""
        with self._at_work():
            return self._reading.fetch(table, (column,), [(value,) for value in values])

    def members(self, snapshot_id: int, start: int, limit: int) -> list[Any]:
        """See `IStoreReader`."""
        with self._at_work():
            return self._reading.members(snapshot_id, start, limit)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Only then can it be interrupted."""
        with self._guard:
            self._busy.set()
            try:
                yield
            finally:
                self._busy.clear()

    @abstractmethod
    def _begin_moment(self) -> int:
        """Begin to see one moment; returns the number of its last commit."""

    @abstractmethod
    def _end_moment(self) -> None:
        """See what is committed again."""

    @abstractmethod
    def _drop_moment(self) -> None:
        """One of the two failed: nothing of the moment is left."""


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
