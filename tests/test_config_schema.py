from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy.config_keys import Kind
from ixproxy.config_schema import (
    APPLICATION_TYPES,
    BACKUP,
    CLUSTER,
    NODE,
    PROXY,
    ROOT,
    SERVER_BACKUP,
    Table,
)
from tests.deployments import EVERYTHING

EVERY_TABLE = [*APPLICATION_TYPES.values(), PROXY, BACKUP, SERVER_BACKUP, ROOT]


def below(table: Table) -> Iterator[Table]:
    yield table
    inner = [*table.tables.values(), *table.arrays.values()]
    for each in [*inner, *([table.named] if table.named else [])]:
        yield from below(each)


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_no_name_in_a_table_has_two_meanings(table: Table) -> None:
    for each in below(table):
        names = [*each.keys, *each.tables, *each.arrays]
        assert len(set(names)) == len(names)
        assert each.named is None or not each.free


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_what_is_required_has_no_default_that_would_be_used(table: Table) -> None:
    for each in below(table):
        for name, key in each.keys.items():
            if key.required and key.kind is not Kind.CHOICE:
                assert key.default in ("", 0, ()), name


def test_everything_that_the_schema_has_is_in_the_file_that_tests_use() -> None:
    tables: dict[str, Any] = tomllib.loads(EVERYTHING)
    applications = tables["applications"]
    for table, names in (
        (NODE, ("ixn1",)),
        (PROXY, ("proxy1",)),
        (CLUSTER, ("cluster",)),
        (BACKUP, ("ixn1-b",)),
    ):
        given = set().union(*(applications[name] for name in names)) | {"type", "role"}
        assert set(table.keys) | set(table.tables) | set(table.arrays) <= given | {
            "tls",
            "allow",
            "endpoint",
        }
    tenant = ROOT.tables["tenants"].named
    assert tenant is not None
    assert set(tenant.keys) | set(tenant.tables) == set(tables["tenants"]["Environment"])
    assert set(ROOT.tables) == set(tables)
