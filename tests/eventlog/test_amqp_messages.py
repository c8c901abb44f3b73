"""What an entry is as a message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from proton import Message

from ixproxy import messages as m
from ixproxy.eventlog.amqp_messages import (
    LONGEST_PROPERTY,
    MessageWriter,
    encoded,
    iso,
    without_user_data,
)
from ixproxy.eventlog.amqp_settings import read_settings
from ixproxy.messages.message import Party
from ixproxy.node.log_work import Entry
from ixproxy.testing.amqp_peer import bytes_of
from ixproxy.testing.eventlog_outside import sample_event
from tests.eventlog.amqp_rig import DBID, EPOCH, entry, gap

FIELDS = {
    "segment": "Segment",
    "size": {"key": "Size", "type": "integer"},
    "none": "Missing",
}


def written(given: Entry, **settings: Any) -> Message:
    named = {name.replace("_", "-"): value for name, value in settings.items()}
    writer = MessageWriter(read_settings({"address": "amqp://host", **named}), "ixn1")
    message = Message()
    message.decode(writer.write(given).encoded)
    return message


def body_of(message: Message) -> Any:
    return json.loads(bytes_of(message))


def properties_of(message: Message) -> dict[str, Any]:
    given: Any = message.properties
    return dict(given)


def event_entry(event: Any) -> Entry:
    return Entry(DBID, EPOCH, 7, event)


def test_the_body_has_all_of_an_event_in_the_words_of_the_wire() -> None:
    message = written(entry(7))
    assert body_of(message) == {
        "event": "EventPlacedInQueue",
        "dbid": 101,
        "epoch": 3,
        "number": 7,
        "node": "ixn1",
        "table": "interaction",
        "time": 1_790_000_007.0,
        "at": "2026-09-21T14:13:27.000Z",
        "fields": {},
        "attributes": {
            "EventTime": 1_790_000_007.0,
            "EventNumber": 7,
            "Dbid": 101,
            "TenantId": 1,
            "MediaType": "email",
            "InteractionId": "I7",
            "Interaction": {"InteractionState": 0, "UserData": {"Segment": "gold", "Size": 7}},
            "Queue": "Inbox",
        },
    }


def test_the_message_is_durable_and_names_itself() -> None:
    message = written(entry(7))
    assert message.durable
    assert message.inferred
    assert message.id == "101-3-7"
    assert message.subject == "EventPlacedInQueue"
    assert message.content_type == "application/json"
    assert message.creation_time == 1_790_000_007.0


def test_readers_can_select_by_properties() -> None:
    message = written(entry(7), custom_fields=FIELDS)
    assert properties_of(message) == {
        "event": "EventPlacedInQueue",
        "dbid": 101,
        "epoch": 3,
        "number": 7,
        "node": "ixn1",
        "table": "interaction",
        "tenant": 1,
        "media_type": "email",
        "interaction_id": "I7",
        "c_segment": "gold",
        "c_size": 7,
    }
    assert body_of(message)["fields"] == {"c_segment": "gold", "c_size": 7}


def test_what_does_not_fit_a_property_is_in_the_body_alone() -> None:
    text = "x" * (LONGEST_PROPERTY + 1)
    given = entry(7, interaction={"UserData": {"Segment": text}}, tenant_id=2**64)
    message = written(given, custom_fields=FIELDS)
    properties = properties_of(message)
    assert "c_segment" not in properties
    assert "tenant" not in properties
    assert body_of(message)["fields"] == {"c_segment": text}
    assert body_of(message)["attributes"]["TenantId"] == 2**64


def test_user_data_is_left_out_where_it_is_not_to_be_logged() -> None:
    message = written(entry(7), log_userdata=False, custom_fields=FIELDS)
    body = body_of(message)
    assert body["attributes"]["Interaction"] == {"InteractionState": 0}
    assert body["fields"] == {}
    assert "gold" not in str(message)
    changed = m.EventPropertiesChanged(
        interaction={"UserData": {"a": "secret"}},
        added_properties={"a": "secret"},
        changed_properties={"b": "secret"},
        deleted_properties={"c": "secret"},
    )
    called = m.EventExternalServiceRequested(user_data={"a": "secret"}, esp_server="crm")
    for event in (changed, called):
        assert b"secret" not in bytes_of(written(event_entry(event), log_userdata=False))
        assert b"secret" in bytes_of(written(event_entry(event)))


def test_an_event_without_user_data_is_itself() -> None:
    event = m.EventAgentLogin(agent_id="ann")
    assert without_user_data(event) is event


@pytest.mark.parametrize(
    ("number", "table"),
    [(0, "interaction"), (1, "interaction"), (4, "agent"), (5, "agent"), (6, "esp")],
)
def test_each_message_says_in_which_table_it_would_stand(number: int, table: str) -> None:
    assert body_of(written(event_entry(sample_event(number))))["table"] == table


@pytest.mark.parametrize(("told", "table"), [({}, "custom"), ({"4711": "agent"}, "agent")])
def test_so_does_a_client_s_own_event(told: dict[str, str], table: str) -> None:
    message = written(event_entry(sample_event(7)), custom_events=told)
    assert properties_of(message)["table"] == table


def test_whom_it_is_about_may_be_its_party() -> None:
    taken = m.EventTakenFromQueue(party=Party(agent_id="ann"))
    ready = m.EventReadyForMedia(agent_id="bob", media_type_name="chat")
    assert properties_of(written(event_entry(taken)))["agent_id"] == "ann"
    properties = properties_of(written(event_entry(ready)))
    assert (properties["agent_id"], properties["media_type"]) == ("bob", "chat")


def test_what_was_dropped_is_a_message_too() -> None:
    message = written(gap(5, 9))
    assert message.id == "101-3-5"
    assert message.subject == "EventsDropped"
    body = body_of(message)
    assert (body["event"], body["table"], body["number"]) == ("EventsDropped", "dropped", 5)
    assert body["attributes"] == {
        "First": 5,
        "Last": 9,
        "FirstTime": 1_790_000_000.0,
        "LastTime": 1_790_000_060.5,
        "Events": {"EventHeld": 5},
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\xff\x00", "/wA="),
        (float("nan"), None),
        (2**70, 2**70),
        ("a\0b", "a\0b"),
        ("\ud800", "?"),
        ({1: {"x": "\udfff"}}, {"1": {"x": "?"}}),
    ],
)
def test_whatever_clients_attach_can_be_written(value: Any, shown: Any) -> None:
    given = entry(7, interaction={"UserData": {"Segment": value}}, interaction_id="a\ud800")
    body = body_of(written(given, custom_fields=FIELDS))
    assert body["attributes"]["Interaction"]["UserData"]["Segment"] == shown


@pytest.mark.parametrize("levels", [90, 2000])
def test_what_an_external_server_answers_is_written_however_deep_it_is(levels: int) -> None:
    deep: Any = 1
    for _ in range(levels):
        deep = [deep]
    answered = m.EventExternalServiceResponded(event_number=7, user_data={"a": deep, "b": 2})
    attributes = body_of(written(event_entry(answered)))["attributes"]
    assert attributes["UserData"]["b"] == 2
    assert attributes["EventNumber"] == 7


def test_json_is_utf_8_as_it_stands() -> None:
    assert encoded({"a": "é"}) == '{"a":"é"}'.encode()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_790_000_000.1239, "2026-09-21T14:13:20.123Z"),
        (253402300799.0, "9999-12-31T23:59:59.000Z"),
    ],
)
def test_times_are_shown_in_utc(seconds: float, text: str) -> None:
    assert iso(seconds) == text
