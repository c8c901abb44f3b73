"""What clients say becomes rows too: calls, custom events and fields; and what is no row."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.eventlog.custom_fields import CustomField
from ixproxy.eventlog.rows import NOT_LOGGED, RowMaker
from ixproxy.eventlog.schemas import AGENT, CUSTOM, ESP, EVENT_TABLES, INTERACTION
from ixproxy.messages.message import Actor, Event
from ixproxy.testing.eventlog_outside import NOW, entry, gap, sample_event
from tests.eventlog.test_rows import ABOUT, PLAIN, WHO, row, shown

TYPED = PLAIN._replace(
    fields=(CustomField("customer", "Customer"), CustomField("amount", "Amount", "integer"))
)


def test_a_call_to_an_external_server() -> None:
    event = m.EventExternalServiceResponded(
        **ABOUT, actor=WHO, esp_client_refid=5, esp_request_id="r1", esp_server="crm",
        esp_request_envelope={"Service": "S", "Method": 7, "a": 1, "FaultCode": "9",
                              "FaultString": "no"},
        user_data={"k": "v"},
    )  # fmt: skip
    assert row(event)[0] == ESP
    found = {
        "esp_client_refid": 5, "esp_request_id": "r1", "esp_server": "crm", "service": "S",
        "method": "7", "parameters": '{"a":1}', "fault_code": "9", "fault_text": "no",
        "actor_router": "urs", "actor_strategy": "Sales",
    }  # fmt: skip
    assert shown(event) == {**found, "user_data": '{"k":"v"}'}
    assert shown(event, PLAIN._replace(log_userdata=False)) == found
    assert shown(m.EventExternalServiceRequested(**ABOUT)) == {}


def test_custom_events_go_where_the_settings_say() -> None:
    settings = TYPED._replace(custom_events={1: INTERACTION, 2: AGENT, 3: CUSTOM})
    said = {"AgentId": "bob", "PlaceId": "p2", "x": 1}
    about = {**ABOUT, "interaction": {"InteractionState": 0, "UserData": {"Amount": "12"}}}
    for number, table in ((1, INTERACTION), (2, AGENT), (3, CUSTOM), (0, CUSTOM), (4, CUSTOM)):
        event = m.EventCustomReporting(**about, actor=WHO, custom_event_id=number, event=said)
        found = row(event, settings)
        assert found[0] == table
        assert found[1]["custom_event_id"] == number
        assert found[1]["custom_event"] == '{"AgentId":"bob","PlaceId":"p2","x":1}'
        assert found[1]["actor_router"] == "urs"
        assert found[1].get("c_amount") == (None if table == AGENT else 12)


@pytest.mark.parametrize(
    ("said", "agent", "place"),
    [
        ({"AgentId": "bob", "PlaceId": "p2"}, "bob", "p2"),
        ({"AgentId": "bob", "PlaceId": 2}, "bob", None),
        ({"AgentId": 5}, "ann", "p1"),
        ({"AgentId": ""}, "ann", "p1"),
        ({}, "ann", "p1"),
    ],
)
def test_an_event_of_an_agent_is_about_whom_it_names_or_who_said_it(
    said: dict[str, Any], agent: str, place: str | None
) -> None:
    actor = Actor(agent_id="ann", place_id="p1")
    event = m.EventCustomReporting(**ABOUT, actor=actor, custom_event_id=2, event=said)
    found = shown(event, PLAIN._replace(custom_events={2: AGENT}))
    assert (found["agent_id"], found.get("place_id")) == (agent, place)
    assert (found["actor_agent"], found["actor_place"]) == ("ann", "p1")


def test_custom_fields_are_those_of_the_user_data() -> None:
    event = m.EventHeld(**{**ABOUT, "interaction": {"UserData": {"Customer": "x", "Amount": 5}}})
    assert shown(event, TYPED) == {"c_customer": "x", "c_amount": 5}
    assert shown(event, TYPED._replace(log_userdata=False)) == {}
    assert shown(m.EventHeld(**ABOUT), TYPED) == {}


def test_what_is_no_such_value_is_counted() -> None:
    maker = RowMaker(TYPED)
    odd = {**ABOUT, "interaction": {"UserData": {"Customer": ["x"], "Amount": "many"}}}
    assert maker.rows([entry(5, what=m.EventHeld(**odd))]).unconverted == 2
    strange = {**ABOUT, "interaction": {"UserData": "none"}}
    assert maker.rows([entry(5, what=m.EventHeld(**strange))]).unconverted == 0


def test_what_was_dropped_is_a_row_for_each_kind_of_event() -> None:
    rows = RowMaker(PLAIN).rows([entry(1), gap(5, 9, epoch=2, EventHeld=3, EventAgentLogin=1)])
    assert rows.dropped == [
        (101, 2, 5, 9, NOW + 5, NOW + 9, "EventAgentLogin", 1),
        (101, 2, 5, 9, NOW + 5, NOW + 9, "EventHeld", 3),
    ]
    assert (rows.epoch, rows.number, rows.time) == (2, 9, NOW + 9)


def test_the_last_entry_says_how_far_it_goes_though_no_table_is_for_it() -> None:
    nothing = m.EventTopic(event_time=NOW + 50, event_number=7, dbid=101)
    rows = RowMaker(PLAIN).rows([entry(1), entry(7, epoch=3, what=nothing)])
    assert (rows.epoch, rows.number, rows.time) == (3, 7, NOW + 50)
    assert rows.ignored == 1


def every_event() -> list[type[Event]]:
    """All kinds that there are."""
    found = [each for _, each in inspect.getmembers(m, inspect.isclass) if issubclass(each, Event)]
    return [each for each in found if each.__name__.startswith("Event") and each is not Event]


@pytest.mark.parametrize("kind", every_event(), ids=lambda kind: kind.__name__)
def test_each_kind_of_event_has_a_table_or_a_reason_to_have_none(kind: type[Event]) -> None:
    rows = RowMaker(PLAIN).rows([entry(1, what=kind())])
    assert rows.ignored == (kind in NOT_LOGGED)
    assert sum(map(len, rows.events.values())) == (kind not in NOT_LOGGED)


def test_rows_stand_in_the_order_of_their_entries() -> None:
    rows = RowMaker(PLAIN).rows([entry(number) for number in range(1, 65)])
    assert list(rows.events) == list(EVENT_TABLES)
    for found in rows.events.values():
        assert [values[2] for values in found] == sorted(values[2] for values in found)
    assert sum(map(len, rows.events.values())) == 64
    assert sample_event(1).event_number == 1
