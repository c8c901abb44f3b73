"""The schema files, and what they say of every column."""

from __future__ import annotations

import pytest

from ixproxy.eventlog.schemas import DROPPED, EVENT_TABLES, SOURCE, VERSION, built_in, tables


def test_each_table_is_there_with_its_key() -> None:
    found = tables()
    assert set(found) == {"log_schema", SOURCE, DROPPED, *EVENT_TABLES}
    for table in EVENT_TABLES:
        assert found[table].key == ("dbid", "epoch", "event_number")
        assert [column.name for column in found[table].columns[:6]] == [
            "dbid", "epoch", "event_number", "event_time", "event", "tenant_id",
        ]  # fmt: skip


def test_every_column_has_a_comment_that_tells_more_than_its_name() -> None:
    for table in tables().values():
        for column in table.columns:
            assert len(column.comment) > 5, (table.name, column.name)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_older_versions_lead_on(kind: str) -> None:
    schema = built_in(kind)
    assert schema.creation()
    for version in range(1, VERSION):
        assert schema.upgrade(version)
