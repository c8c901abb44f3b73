"""A selection of interactions as one statement, and the reading of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ixproxy.node.expressions import compile_order
from ixproxy.node.properties import Properties
from ixproxy.node.rows import InteractionRow
from ixproxy.node.selections import Selection
from ixproxy.node.sql_text import Dialect, quoted_name, quoted_text
from ixproxy.node.view_indexes import IndexWanted, wanted_index
from ixproxy.storage.columns import Columns, Values

_DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")
ARRIVAL = {dialect: compile_order("", Properties(), dialect) for dialect in _DIALECTS}
"""The order of a selection that names none: arrival in the queue."""

# How a named parameter, and whether two values are the same or both NULL, are written.
MARKS: dict[Dialect, str] = {"sqlite": ":{}", "postgresql": "%({})s"}
_SAME: dict[Dialect, str] = {"sqlite": "IS", "postgresql": "IS NOT DISTINCT FROM"}

# What may be large of a row, and how it is without; and how bytes are written.
_EMPTY = {
    name: getattr(InteractionRow(id="", tenant_id=0, media_type=""), name)
    for name in ("user_data", "in_queues", "out_queues")
}
_BYTES: dict[Dialect, str] = {"sqlite": "x'{}'", "postgresql": "'\\x{}'::bytea"}

# Spelled as the partial indexes of views are, or no store would use them.
_AVAILABLE = '"state" = 0 AND "is_locked" = 0'


def view_index(selection: Selection) -> IndexWanted:
    """The partial index for a view; equal ones have one name, whatever view they serve."""
    # Of the order only columns and directions count, which are the same in either dialect.
    return wanted_index(
        "",
        selection.queue,
        selection.order or ARRIVAL["sqlite"],
        selection.condition,
        selection.tenant_id,
    )


class Statement:
    """One selection as its store reads it: `text` and its named `parameters`."""

    def __init__(
        self, selection: Selection, columns: Columns, now: float, dialect: Dialect = "sqlite"
    ) -> None:
        self._selection = selection
        self._columns = columns
        self._dialect = dialect
        self.parameters: dict[str, Any] = {"now": now}
        place = self._place()
        terms = [*place, *self._narrowed()]
        self._where = " AND ".join(terms)
        counted = ""
        if selection.segment_limit:
            counted = self._full_segments(place)
            terms.append(self._not_in("full_segments"))
        order = selection.order or ARRIVAL[dialect]
        self._check(*order.columns)
        self.parameters.update(order.parameters)
        self.text = (
            f"{counted}SELECT {', '.join(self._shown())} FROM interactions "
            f"WHERE {' AND '.join(terms)} ORDER BY {order.sql}"
        )
        if selection.limit and not selection.segment_limit:
            self.text += f" LIMIT {self._given('limit', selection.limit)}"

    def count(self) -> str:
        """The statement that counts the selection's rows, whatever its limits."""
        return f"SELECT COUNT(*) FROM interactions WHERE {self._where}"

    def count_by(self, columns: Sequence[str]) -> str:
        """The same for each group of rows with equal values in `columns`."""
        self._check(*columns)
        listed = ", ".join(map(quoted_name, columns))
        return (
            f"SELECT {listed}, COUNT(*) FROM interactions WHERE {self._where} "
            f"GROUP BY {listed} ORDER BY {listed}"
        )

    def _shown(self) -> Iterator[str]:
        for name in self._columns.names:
            empty = _EMPTY.get(name) if self._selection.bare else None
            if empty is None:
                yield quoted_name(name)
            else:
                yield f"{_BYTES[self._dialect].format(empty.hex())} AS {quoted_name(name)}"

    def _place(self) -> list[str]:
        """Tenant and queue: constants for a pull, so that it finds its partial index."""
        selection = self._selection
        if selection.available and selection.queue:
            return [
                f'"tenant_id" = {int(selection.tenant_id)}',
                f'"queue" = {self._constant(selection.queue)}',
            ]
        tenant = f'"tenant_id" = {self._given("tenant", selection.tenant_id)}'
        if not selection.queue:
            return [tenant]
        return [tenant, f'"queue" = {self._given("queue", selection.queue)}']

    def _narrowed(self) -> Iterator[str]:
        selection = self._selection
        if selection.available:
            yield f'{_AVAILABLE} AND "is_held" = 0'
        if selection.lockable:
            yield '"state" < 2 AND "is_locked" = 0'
        if selection.media_type:
            yield f'"media_type" = {self._given("media", selection.media_type)}'
        for number, (column, value) in enumerate(selection.workbin):
            self._check(column)
            yield f"{quoted_name(column)} = {self._given(f'workbin_{number}', value)}"
        if selection.condition is not None:
            self._check(*selection.condition.columns)
            self.parameters.update(selection.condition.parameters)
            yield f"({selection.condition.sql})"

    def _full_segments(self, place: Sequence[str]) -> str:
        listed = ", ".join(self._segment_columns())
        limit = self._given("segment_limit", self._selection.segment_limit)
        where = " AND ".join([*place, "state > 1"])
        return (
            f"WITH full_segments AS MATERIALIZED (SELECT {listed or '1'} FROM interactions "
            f"WHERE {where} GROUP BY {listed or '1'} HAVING COUNT(*) >= {limit}) "
        )

    def _not_in(self, table: str) -> str:
        alike = _SAME[self._dialect]
        same = [f"{table}.{name} {alike} interactions.{name}" for name in self._segment_columns()]
        return f"NOT EXISTS (SELECT 1 FROM {table} WHERE {' AND '.join(same) or '1 = 1'})"

    def out(self) -> str:
        """The statement that counts, by segment, what is being worked on."""
        listed = ", ".join(self._segment_columns())
        return (
            f"SELECT {f'{listed}, ' if listed else ''}COUNT(*) FROM interactions "
            f"WHERE {' AND '.join([*self._place(), 'state > 1'])}"
            f"{f' GROUP BY {listed}' if listed else ''}"
        )

    def _segment_columns(self) -> list[str]:
        self._check(*self._selection.segmentation)
        return [quoted_name(column) for column in self._selection.segmentation]

    def _given(self, name: str, value: int | str) -> str:
        self.parameters[name] = value
        return MARKS[self._dialect].format(name)

    def _constant(self, text: str) -> str:
        # psycopg reads every per cent sign of a statement that has parameters.
        constant = quoted_text(text)
        return constant if self._dialect == "sqlite" else constant.replace("%", "%%")

    def _check(self, *columns: str) -> None:
        # SQLite takes a quoted name that is no column for a text, without a word.
        unknown = set(columns).difference(self._columns.names)
        if unknown:
            raise ValueError(f"interactions have no column {', '.join(sorted(unknown))}")


def within_segments(
    rows: Iterable[Values], selection: Selection, columns: Columns, out: Iterable[Values]
) -> Iterator[Values]:
    """
    The rows that may be taken together, up to the selection's limit.

    :param out: segment and number of what is being worked on, as `Statement.out` counts.
    """
    counted: dict[Values, int] = {tuple(line[:-1]): line[-1] for line in out}
    places = [columns.names.index(column) for column in selection.segmentation]
    taken = 0
    for row in rows:
        segment = tuple(row[place] for place in places)
        number = counted.get(segment, 0)
        if number >= selection.segment_limit:
            continue
        counted[segment] = number + 1
        yield row
        taken += 1
        if taken == selection.limit:
            return
