"""The tables of capture points in doc/ are ones that can be used."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ixproxy.capture import database_settings, kafka_settings
from ixproxy.capture.asking import Keys
from ixproxy.capture.database_parameters import Dialect
from tests.documents import blocks

DOC = Path(__file__).parent.parent.parent / "doc"
OF_THE_NODE = {"name", "use"}
KINDS = {
    "database": database_settings.read_settings,
    "kafka": kafka_settings.read_settings,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_a_page_is_read_by_its_kind(kind: str) -> None:
    page = DOC / f"capture-{kind}.md"
    tables = [
        point
        for block in blocks(page, page.read_text())
        if block.language == "toml"
        for application in tomllib.loads(block.text)["applications"].values()
        for point in application["capture"]
    ]
    assert tables
    for table in tables:
        assert table["use"] == kind
        KINDS[kind]({key: value for key, value in table.items() if key not in OF_THE_NODE})


def test_the_page_of_the_database_names_every_query_and_setting() -> None:
    text = (DOC / "capture-database.md").read_text()
    given = {"address": "sqlite:/x"} | dict.fromkeys(
        ("capture-query", "captured-update", "error-update"), "SELECT 1"
    )
    asked = Keys(given)
    database_settings._queries(asked, Dialect.SQLITE)
    database_settings._queues(asked)
    for key in asked._asked:
        assert f"`{key}`" in text, key
