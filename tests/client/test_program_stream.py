"""The composed stream as a program is told it."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.client.program_stream import ProgramStream
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Event, KeyValues, Party
from tests.failures import LoggedFailures

ANNA: dict[str, Any] = {"tenant_id": 1, "agent_id": "anna", "place_id": "desk"}
LOGIN = m.EventAgentLogin(**ANNA)
READY = m.EventReadyForMedia(**ANNA, media_type_name="chat")
MAIL = m.EventPlacedInQueue(tenant_id=1, media_type="email")


def stream(given: KeyValues, *tenants: int) -> tuple[ProgramStream, list[Event]]:
    told: list[Event] = []
    return ProgramStream(tenants, given, told.append), told


def test_nothing_is_told_before_the_state() -> None:
    whole, told = stream({}, 1)
    whole.event(LOGIN)
    assert told == []
    whole.begin([m.EventPlaceAgentState(**ANNA), m.EventPlaceAgentState(tenant_id=2)])
    whole.event(LOGIN)
    begin, state, end, login = told
    assert isinstance(begin, m.EventActivityReport)
    assert (begin.activity, begin.number_of_agents) == ("Begin", 1)
    assert isinstance(state, m.EventPlaceAgentState)
    assert isinstance(end, m.EventActivityReport)
    assert end.activity == "End"
    assert login.reporting_event_sequence_number == begin.reporting_event_sequence_number + 1


def test_a_filtered_stream_counts_as_the_whole_one() -> None:
    chats, told = stream({"MediaTypes": ["chat"]}, 1)
    chats.begin(())
    for event in (MAIL, READY, MAIL, READY):
        chats.event(event)
    numbers = [
        (each.reporting_event_sequence_number, each.previous_sequence_number) for each in told[2:]
    ]
    assert numbers == [(2, 0), (4, 2)]


def test_of_a_state_there_is_left_what_is_about_the_media_types() -> None:
    chats, told = stream({"MediaTypes": ["chat"]}, 1)
    both = {"c": {"MediaType": "chat"}, "e": {"MediaType": "email"}}
    chats.begin(
        [
            m.EventPlaceAgentState(
                **ANNA,
                media_list={"chat": 1, "email": 1},
                interactions=both,
                parties={"c": Party(), "e": Party()},
            )
        ]
    )
    state = told[1]
    assert isinstance(state, m.EventPlaceAgentState)
    assert state.media_list == {"chat": 1}
    assert list(state.interactions) == list(state.parties) == ["c"]


def test_a_stream_about_all_tenants_is_about_those_that_servers_have() -> None:
    everything, told = stream({})
    everything.begin(())
    everything.event(LOGIN)
    everything.tenants_known([1])
    everything.event(LOGIN)
    assert len(told) == 3
    named, _ = stream({}, 2)
    named.tenants_known([1])
    assert named.tenants == {2}


def test_a_filter_that_is_not_understood_is_refused() -> None:
    with pytest.raises(RequestRefused, match="Colour"):
        stream({"Colour": []}, 1)


def test_a_callback_that_fails_does_not_end_the_stream(logged_failures: LoggedFailures) -> None:
    told: list[Event] = []

    def callback(event: Event) -> None:
        told.append(event)
        raise ValueError("no")

    whole = ProgramStream((1,), {}, callback)
    whole.begin(())
    whole.event(LOGIN)
    assert len(told) == 3
    assert len(logged_failures.flush(ValueError)) == 3
