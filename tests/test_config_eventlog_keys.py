"""What the keys of an event log may hold."""

from __future__ import annotations

import pytest

from ixproxy.config_eventlog_keys import event_name, schema_name


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
