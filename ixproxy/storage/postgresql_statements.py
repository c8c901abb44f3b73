"""
The statements that put, fetch and delete rows, any number at a time.

Each is one text by table: rows come as arrays, one for each column, so that the
server keeps it prepared whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ixproxy.node.sql_text import quoted_name
from ixproxy.storage.columns import Columns
from ixproxy.storage.postgresql_arrays import BY_TYPE, CUSTOM, Array, Blobs, arrays, storable
from ixproxy.storage.postgresql_session import Said


class TableStatements:
    """
    The statements of one table.

    :param custom: the kinds of custom properties among its columns.
    """

    def __init__(self, columns: Columns, custom: Mapping[str, str]) -> None:
        self.columns = columns
        types = {field.name: field.type for field in msgspec.structs.fields(columns.row_type)}
        self._kinds: dict[str, type[Array]] = {
            name: CUSTOM[custom[name]] if name in custom else _kind(types[name])
            for name in columns.names
        }
        table, names, key = columns.table, columns.names, columns.key
        changed = ", ".join(
            f"{quoted_name(name)} = excluded.{quoted_name(name)}"
            for name in names
            if name not in key
        )
        self._put = (
            f"INSERT INTO {table} ({_listed(names)}) SELECT * FROM unnest({_marks(names)}) "
            f"ON CONFLICT ({_listed(key)}) DO UPDATE SET {changed}"
        )
        if len(key) == 1:
            self._delete = f"DELETE FROM {table} WHERE {quoted_name(key[0])} = ANY (%s)"
        else:
            self._delete = f"DELETE FROM {table} USING {_wanted(key)} WHERE {_same(table, key)}"

    def put(self, rows: Sequence[Sequence[Any]]) -> Said:
        """Insert whole rows, whose keys differ, or overwrite those with the same keys."""
        return Said(self._put, arrays(list(self._kinds.values()), rows))

    def delete(self, keys: Sequence[Sequence[Any]]) -> Said | None:
        """Delete by keys; None: nothing can be stored under any of them."""
        kinds = [self._kinds[name] for name in self.columns.key]
        fit = storable(kinds, keys)
        return Said(self._delete, arrays(kinds, fit)) if fit else None

    def fetch(self, by: tuple[str, ...], keys: Sequence[Sequence[Any]]) -> Said | None:
        """Read the rows whose columns `by` have one of many values; None: likewise."""
        kinds = [self._kinds[name] for name in by]
        fit = storable(kinds, keys)
        if not fit:
            return None
        table, names = self.columns.table, self.columns.names
        if len(by) == 1:
            text = f"SELECT {_listed(names)} FROM {table} WHERE {quoted_name(by[0])} = ANY (%s)"
        else:
            text = f"SELECT {_listed(names)} FROM {_wanted(by)} JOIN {table} ON {_same(table, by)}"
        return Said(text, arrays(kinds, fit))


def _kind(field_type: Any) -> type[Array]:
    """Of a row's field: its type, or that or None."""
    options = [each for each in getattr(field_type, "__args__", ()) if each is not type(None)]
    optional = len(options) == 1 and not hasattr(field_type, "__origin__")
    return BY_TYPE.get(options[0] if optional else field_type, Blobs)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted_name, names))


def _marks(names: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(names))


def _wanted(names: Sequence[str]) -> str:
    listed = ", ".join(f"k{number}" for number in range(len(names)))
    return f"unnest({_marks(names)}) AS wanted ({listed})"


def _same(table: str, names: Sequence[str]) -> str:
    return " AND ".join(
        f"{table}.{quoted_name(name)} = k{number}" for number, name in enumerate(names)
    )
