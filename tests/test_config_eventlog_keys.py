"""What the keys of an event log may hold."""

from __future__ import annotations

import pytest

from ixproxy.config_eventlog_keys import event_name, log_text, schema_name


def test_events_are_named_as_the_protocol_does() -> None:
    event_name("EventPlacedInQueue")
    with pytest.raises(ValueError, match='did you mean "EventPlacedInQueue"'):
        event_name("EventPlacedInQueu")
    with pytest.raises(ValueError, match="name of an event that is logged"):
        event_name("RequestSubmit")


@pytest.mark.parametrize("name", ["public", "_log", "Ixn1"])
def test_schemas_have_plain_names(name: str) -> None:
    schema_name(name)


@pytest.mark.parametrize("name", ["", "1st", "a.b", 'a"b', "a" * 64])
def test_what_would_have_to_be_quoted_is_no_name_of_a_schema(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        schema_name(name)


@pytest.mark.parametrize("text", ["sqlite:/srv/schema-name=1.db", "postgresql://db.example/logs"])
def test_an_address_of_a_log_is_one(text: str) -> None:
    log_text(text)


@pytest.mark.parametrize("query", ["schema-name=a", "sslmode=require&schema-name=a"])
def test_a_schema_is_no_part_of_an_address_in_the_file(query: str) -> None:
    with pytest.raises(ValueError, match="the key schema-name of event-logs"):
        log_text(f"postgresql://db.example/logs?{query}")


def test_an_address_of_a_log_has_a_kind_and_a_place() -> None:
    with pytest.raises(ValueError, match="expected a kind and a place"):
        log_text("/srv/log.db")
