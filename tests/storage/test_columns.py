from __future__ import annotations

import pytest

from ixproxy.errors import StorageError
from ixproxy.node.rows import BY_TABLE, Row
from ixproxy.storage.columns import all_columns
from ixproxy.testing.store_samples import CUSTOM, SAMPLES, interaction


@pytest.mark.parametrize("row", SAMPLES, ids=lambda row: row.table)
def test_a_row_survives_the_way_into_columns_and_back(row: Row) -> None:
    columns = all_columns(list(CUSTOM))[row.table]
    values = columns.values(row)
    assert len(values) == len(columns.names)
    assert all(isinstance(value, int | float | str | bytes | None) for value in values)
    assert columns.row(values) == row


def test_every_table_has_its_key_among_its_columns() -> None:
    tables = all_columns()
    assert tables.keys() == BY_TABLE.keys()
    for columns in tables.values():
        assert set(columns.key) <= set(columns.names)


def test_a_custom_property_without_a_column_is_refused() -> None:
    columns = all_columns(["c_known"])["interactions"]
    assert columns.values(interaction("i", custom={"c_known": 1}))[-1] == 1
    with pytest.raises(StorageError, match="c_other"):
        columns.values(interaction("i", custom={"c_other": 1}))
    with pytest.raises(StorageError, match="c_other"):
        all_columns()["interactions"].values(interaction("i", custom={"c_other": 1}))


def test_a_custom_column_without_a_value_is_left_out_of_the_row() -> None:
    columns = all_columns(["c_a", "c_b"])["interactions"]
    row = columns.row(columns.values(interaction("i", custom={"c_b": "x"})))
    assert row == interaction("i", custom={"c_b": "x"})
