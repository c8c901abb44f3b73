"""Addresses of event logs in tables."""

from __future__ import annotations

import pytest

from ixproxy.eventlog.addresses import LogAddress, read_address, with_schema


@pytest.mark.parametrize(
    ("text", "schema_name", "read"),
    [
        ("sqlite:a b.db", "", LogAddress("sqlite", "a b.db")),
        ("sqlite:/a?b#c%41.db", "x", LogAddress("sqlite", "/a?b#c%41.db")),
        ("postgresql://h/d", "", LogAddress("postgresql", "postgresql://h/d")),
        ("postgresql://h/d", "x", LogAddress("postgresql", "postgresql://h/d", "x")),
        (
            "postgresql://h/d?schema-name=Us%20%26%20them",
            "x",
            LogAddress("postgresql", "postgresql://h/d", "Us & them"),
        ),
        (
            "postgresql://u@h/d?sslmode=require&schema-name=s&port=1",
            "",
            LogAddress("postgresql", "postgresql://u@h/d?sslmode=require&port=1", "s"),
        ),
    ],
)
def test_an_address_says_where_a_log_is(text: str, schema_name: str, read: LogAddress) -> None:
    assert read_address(text, schema_name) == read


@pytest.mark.parametrize(
    "text",
    ["", "log.db", "sqlite:", "sqlite::memory:", "sqlite:a\0b", "mysql://h/d", "postgresql:d"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected sqlite:PATH, .* or postgresql://"):
        read_address(text)


@pytest.mark.parametrize("query", ["schema-name=", "schema-name=a&schema-name=b", "schema-name"])
def test_a_schema_has_one_name(query: str) -> None:
    with pytest.raises(ValueError, match="the name of one schema"):
        read_address(f"postgresql://h/d?{query}")


def test_what_is_wrong_is_said_without_the_address() -> None:
    for text in ("postgres://me:secret@h/d", "postgresql://me:secret@h/d?schema-name="):
        with pytest.raises(ValueError, match="expected") as caught:
            read_address(text)
        assert "secret" not in str(caught.value)


def test_the_name_of_a_schema_is_part_of_what_a_database_is_called() -> None:
    assert with_schema("postgresql://h/d", "") == "postgresql://h/d"
    named = with_schema("postgresql://h/d", "Us & them")
    assert read_address(named) == LogAddress("postgresql", "postgresql://h/d", "Us & them")
