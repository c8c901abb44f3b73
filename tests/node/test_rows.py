from __future__ import annotations

import msgspec
import pytest

from ixproxy.node.rows import BY_TABLE, ROW_TYPES, InteractionRow, PartyRow, Row


@pytest.mark.parametrize("row_type", ROW_TYPES, ids=str)
def test_a_rows_key_is_made_of_its_key_columns(row_type: type[Row]) -> None:
    assert set(row_type.key_columns) <= set(row_type.__struct_fields__)
    values = {
        field.name: field.name for field in msgspec.structs.fields(row_type) if field.required
    }
    row = row_type(**values)
    expected = tuple(getattr(row, column) for column in row_type.key_columns)
    assert row.key == expected
    assert BY_TABLE[row_type.table] is row_type


def test_tables_have_names_of_their_own() -> None:
    assert len(BY_TABLE) == len(ROW_TYPES)


def test_rows_cannot_be_changed() -> None:
    row = InteractionRow(id="a", tenant_id=1, media_type="email")
    with pytest.raises(AttributeError):
        row.state = 3  # type: ignore[misc]


def test_new_rows_share_nothing() -> None:
    first = InteractionRow(id="a", tenant_id=1, media_type="email")
    second = InteractionRow(id="b", tenant_id=1, media_type="email")
    first.custom["c"] = 1
    assert second.custom == {}


def test_a_party_is_named_by_interaction_and_session() -> None:
    party = PartyRow(
        interaction_id="a",
        session=b"s",
        tenant_id=1,
        party_type=2,
        take_number=1,
        joined_at=0.0,
    )
    assert party.key == ("a", b"s")
