from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.storage.schemas import VERSION, Schema, built_in


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_store_has_a_schema_of_the_same_version(kind: str) -> None:
    assert f"version {VERSION}," in built_in(kind).creation().splitlines()[0]


def test_files_are_named_by_store_and_version(tmp_path: Path) -> None:
    (tmp_path / "x-v3.sql").write_text("make")
    (tmp_path / "x-v2-to-v3.sql").write_text("bring up")
    schema = Schema(tmp_path, 3, "x")
    assert (schema.creation(), schema.upgrade(2)) == ("make", "bring up")
    with pytest.raises(OSError, match="x-v1-to-v2"):
        schema.upgrade(1)
