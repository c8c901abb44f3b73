from __future__ import annotations

from typing import Any

import psycopg
import pytest

from ixproxy.storage.postgresql_arrays import (
    KINDS,
    Array,
    Bigints,
    Blobs,
    Doubles,
    Numerics,
    Texts,
    arrays,
    storable,
    teach,
)

VALUES: list[tuple[type[Array], list[Any]]] = [
    (Bigints, [0, -(2**63), 2**63 - 1, True]),
    (Bigints, [None, 5, None]),
    (Bigints, []),
    (Doubles, [0.0, -1.5, 1e300, 7]),
    (Doubles, [None]),
    (Texts, ["", "a", 'é,{}"\\ NULL', None]),
    (Texts, []),
    (Blobs, [b"", bytes(range(256)), None]),
    (Numerics, [0, 2**70, 0.1, -1.5e-300, None, True]),
    (Numerics, []),
]


@pytest.mark.parametrize(("kind", "values"), VALUES)
def test_an_array_arrives_as_it_was(
    postgresql_database: str, kind: type[Array], values: list[Any]
) -> None:
    with psycopg.connect(postgresql_database) as connection:
        teach(connection)
        cursor = connection.cursor(binary=True)
        found = cursor.execute(
            f"SELECT * FROM unnest(%s::{kind.sql_type})".encode(), [kind.of(values)]
        )
        assert [value for (value,) in found] == values


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Bigints, 2**63), (Bigints, "5"), (Bigints, 1.5), (Doubles, "soon"), (Texts, "a\0b"),
        (Texts, 5), (Texts, "\ud800"), (Blobs, "text"), (Numerics, "5"),
    ],
)  # fmt: skip
def test_what_a_column_cannot_hold_is_not_stored(kind: type[Array], value: Any) -> None:
    assert storable([Texts, kind], [("a", value)]) == []
    assert storable([Texts], [("a",), ("b",)]) == [("a",), ("b",)]


def test_rows_become_columns() -> None:
    assert arrays([Bigints, Texts], [(1, "a"), (2, "b")]) == [
        Bigints.of([1, 2]),
        Texts.of(["a", "b"]),
    ]
    assert len({kind.oid for kind in KINDS}) == len(KINDS)
