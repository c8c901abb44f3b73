"""A selection of interactions as one statement, and the reading of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ixproxy.node.expressions import compile_order
from ixproxy.node.properties import Properties
from ixproxy.node.selections import Selection
from ixproxy.node.sql_text import quoted_name, quoted_text
from ixproxy.node.view_indexes import IndexWanted, wanted_index
from ixproxy.storage.columns import Columns, Values

ARRIVAL = compile_order("", Properties())
"""The order of a selection that names none: arrival in the queue."""

# Spelled as the partial indexes of views are, or SQLite would not use them.
_AVAILABLE = '"state" = 0 AND "is_locked" = 0'


def view_index(selection: Selection) -> IndexWanted:
    """The partial index for a view; equal ones have one name, whatever view they serve."""
    return wanted_index(
        "",
        selection.queue,
        selection.order or ARRIVAL,
        selection.condition,
        selection.tenant_id,
    )


class Statement:
    """One selection as SQLite reads it: `text` and its named `parameters`."""

    def __init__(self, selection: Selection, columns: Columns, now: float) -> None:
        self._selection = selection
        self._columns = columns
        self.parameters: dict[str, Any] = {"now": now}
        place = self._place()
        terms = [*place, *self._narrowed()]
        self._where = " AND ".join(terms)
        counted = ""
        if selection.segment_limit:
            counted = self._full_segments(place)
            terms.append(self._not_in("full_segments"))
        order = selection.order or ARRIVAL
        self._check(*order.columns)
        self.parameters.update(order.parameters)
        self.text = (
            f"{counted}SELECT {', '.join(map(quoted_name, columns.names))} FROM interactions "
            f"WHERE {' AND '.join(terms)} ORDER BY {order.sql}"
        )
        if selection.limit and not selection.segment_limit:
            self.text += " LIMIT :limit"
            self.parameters["limit"] = selection.limit

    def count(self) -> str:
        """The statement that counts the selection's rows, whatever its limits."""
        return f"SELECT COUNT(*) FROM interactions WHERE {self._where}"

    def _place(self) -> list[str]:
        """Tenant and queue: constants for a pull, so that it finds its partial index."""
        selection = self._selection
        if selection.available and selection.queue:
            return [
                f'"tenant_id" = {int(selection.tenant_id)}',
                f'"queue" = {quoted_text(selection.queue)}',
            ]
        self.parameters["tenant"] = selection.tenant_id
        if not selection.queue:
            return ['"tenant_id" = :tenant']
        self.parameters["queue"] = selection.queue
        return ['"tenant_id" = :tenant', '"queue" = :queue']

    def _narrowed(self) -> Iterator[str]:
        selection = self._selection
        if selection.available:
            yield f'{_AVAILABLE} AND "is_held" = 0'
        if selection.media_type:
            self.parameters["media"] = selection.media_type
            yield '"media_type" = :media'
        for number, (column, value) in enumerate(selection.workbin):
            self._check(column)
            self.parameters[f"workbin_{number}"] = value
            yield f"{quoted_name(column)} = :workbin_{number}"
        if selection.condition is not None:
            self._check(*selection.condition.columns)
            self.parameters.update(selection.condition.parameters)
            yield f"({selection.condition.sql})"

    def _full_segments(self, place: Sequence[str]) -> str:
        listed = ", ".join(self._segment_columns())
        self.parameters["segment_limit"] = self._selection.segment_limit
        where = " AND ".join([*place, "state > 1"])
        return (
            f"WITH full_segments AS MATERIALIZED (SELECT {listed or '1'} FROM interactions "
            f"WHERE {where} GROUP BY {listed or '1'} HAVING COUNT(*) >= :segment_limit) "
        )

    def _not_in(self, table: str) -> str:
        same = [f"{table}.{name} IS interactions.{name}" for name in self._segment_columns()]
        return f"NOT EXISTS (SELECT 1 FROM {table} WHERE {' AND '.join(same) or '1'})"

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
