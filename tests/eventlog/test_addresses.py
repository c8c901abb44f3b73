"""Addresses of event logs in tables."""

from __future__ import annotations

import pytest

from ixproxy.eventlog.addresses import LogAddress, database_of, place_of, read_address, with_schema


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


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://H.example/d",
        "postgresql://h.example:5432/d",
        "postgresql://me:secret@h.example/d?sslmode=require",
        "postgresql:///d?host=h.example&port=5432",
        "postgresql://me@other/e?host=H.EXAMPLE&dbname=d",
        "postgresql://h.example/%64?schema-name=public",
        "postgresql://d@h.example",
    ],
)
def test_addresses_of_the_same_tables_are_one_place(text: str) -> None:
    assert place_of(text) == place_of("postgresql://h.example/d")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://h.example:5433/d",
        "postgresql://h.example/D",
        "postgresql://other/d",
        "postgresql://h.example,other/d",
        "postgresql://h.example/d?schema-name=s",
        "postgresql://h.example/d?service=s",
        "postgresql://[::1]/d",
        "sqlite:d",
        "amqp://h.example/d",
        "postgresql://[::1/d",
        "",
    ],
)
def test_addresses_of_other_tables_are_other_places(text: str) -> None:
    assert place_of(text) != place_of("postgresql://h.example/d")


def test_ports_belong_to_their_hosts() -> None:
    assert place_of("postgresql://a,B:1/d") == place_of("postgresql://A:5432,b:1/d")
    assert place_of("postgresql://a,b/d?port=1") == place_of("postgresql://a:1,b:1/d")
    assert place_of("postgresql://[::1]:5432/d") == place_of("postgresql://[::1]/d")


def test_a_file_is_the_same_however_its_path_is_written() -> None:
    assert place_of("sqlite:/srv/x/../log.db") == place_of("sqlite:/srv//log.db")


def test_schemas_are_in_one_database() -> None:
    assert database_of("postgresql://h/d?schema-name=s") == database_of("postgresql://H:5432/d")
    assert database_of("postgresql://h/d") != database_of("postgresql://h/e")
    assert database_of("sqlite:a.db") != database_of("sqlite:b.db")
