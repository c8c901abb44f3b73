from __future__ import annotations

from ixproxy.node.rows import ROW_TYPES
from ixproxy.testing.store_samples import FULL, SAMPLES, assorted


def test_there_is_a_sample_for_every_table() -> None:
    assert {type(row) for row in SAMPLES} == set(ROW_TYPES)


def test_the_full_sample_differs_from_the_defaults_in_every_column() -> None:
    for name, default in zip(
        type(FULL).__struct_fields__[3:], type(FULL).__struct_defaults__, strict=True
    ):
        assert getattr(FULL, name) != default, name


def test_assorted_rows_are_the_same_every_time_and_not_in_order() -> None:
    rows = assorted(50)
    assert rows == assorted(50)
    assert rows != sorted(rows, key=lambda row: row.id)
