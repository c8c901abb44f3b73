"""Rows of a node as tuples of columns, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from ixproxy.errors import StorageError
from ixproxy.node.rows import ROW_TYPES, InteractionRow, Row

Values = tuple[Any, ...]
AnyRow = TypeVar("AnyRow", bound=Row)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

# Columns that are not what SQLite returns: how each is written and read.
_PACKED: dict[tuple[str, str], tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    ("agents", "media"): (_encode, _decode),
    ("agents", "sessions"): (_encode, _decode),
    ("agents", "reasons"): (_encode, _decode),
    ("agents", "confirmed"): (int, bool),
    ("logouts", "lasting"): (int, bool),
    ("sessions", "tenants"): (_encode, _decode),
}


class Columns:
    """
    The columns of one table, in the order of every statement.

    :ivar names: all of them, custom properties last.
    :ivar key: the primary key, a part of `names`.
    """

    def __init__(self, row_type: type[Row], custom: Sequence[str] = ()) -> None:
        self.row_type = row_type
        self.table = row_type.table
        self.key = row_type.key_columns
        fields = [name for name in row_type.__struct_fields__ if name != "custom"]
        self.names = (*fields, *custom)
        self._fields = tuple(fields)
        self._custom = tuple(custom)
        self._read_fields = attrgetter(*fields)
        self._writers = [
            (fields.index(column), *packing)
            for (table, column), packing in _PACKED.items()
            if table == self.table
        ]

    def values(self, row: Row) -> Values:
        """
        What is stored of `row`, in the order of `names`.

        :raise StorageError: it has a custom property that has no column.
        """
        values: Values = self._read_fields(row)
        if self._writers:
            changed = list(values)
            for at, write, _ in self._writers:
                changed[at] = write(changed[at])
            return tuple(changed)
        if isinstance(row, InteractionRow) and (row.custom or self._custom):
            unknown = row.custom.keys() - set(self._custom)
            if unknown:
                raise StorageError(f"no column for custom property {', '.join(sorted(unknown))}")
            values += tuple(map(row.custom.get, self._custom))
        return values

    def row(self, values: Values) -> Row:
        """The row of which `values` were stored."""
        fields = dict(zip(self._fields, values, strict=False))
        for at, _, read in self._writers:
            fields[self._fields[at]] = read(values[at])
        if self._custom:
            own = zip(self._custom, values[len(self._fields) :], strict=True)
            fields["custom"] = {name: value for name, value in own if value is not None}
        return self.row_type(**fields)


def all_columns(custom: Sequence[str] = ()) -> dict[str, Columns]:
    """The columns of every table, by its name."""
    return {
        row_type.table: Columns(row_type, custom if row_type is InteractionRow else ())
        for row_type in ROW_TYPES
    }
