"""Most agents of a source that comes or goes are as they were."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.core.composing import Composer
from ixproxy.messages.message import Event
from ixproxy.wire.streams import BEGIN, END

ANNA = m.EventPlaceAgentState(
    tenant_id=1, agent_id="anna", place_id="desk", agent_session=(7, 101), media_list={"email": 1}
)


def told(composer: Composer, source: str, *states: m.EventPlaceAgentState) -> list[Event]:
    """A source's stream begins: what is told by its states."""
    composer.source_joined(source, {"east": 101, "west": 102}[source])
    begin = m.EventActivityReport(activity=BEGIN, number_of_agents=len(states))
    events = [begin, *states, m.EventActivityReport(activity=END)]
    return [each for event in events for each in composer.event_received(source, event)]


def both() -> Composer:
    """A composer that two sources have told of the same agent."""
    composer = Composer()
    assert [type(each) for each in told(composer, "east", ANNA)] == [m.EventAgentLogin]
    assert told(composer, "west", ANNA) == []
    return composer


@pytest.mark.parametrize("source", ["east", "west"])
def test_a_source_that_comes_back_with_what_is_known_has_nothing_to_tell(source: str) -> None:
    composer = both()
    assert composer.source_lost(source) == []
    assert told(composer, source, ANNA) == []
    ready = m.EventNotReadyForMedia(
        tenant_id=1, agent_id="anna", agent_session=(7, 101), media_type_name="email",
        reporting_event_sequence_number=1,
    )  # fmt: skip
    assert composer.event_received("west", ready) == []
    [event] = composer.event_received("east", ready)
    assert isinstance(event, m.EventNotReadyForMedia), "the home's word counts again"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"media_list": {"email": 0}}, m.EventNotReadyForMedia),
        ({"media_list": {"email": 1, "chat": 0}}, m.EventMediaAdded),
        ({"donot_disturb": 1}, m.EventDoNotDisturbOn),
        ({"interactions": {"i": {"MediaType": "chat"}}}, m.EventPartyAdded),
    ],
)
def test_whatever_the_home_comes_back_with_that_is_new_is_told(
    change: dict[str, Any], kind: type[Event]
) -> None:
    composer = both()
    composer.source_lost("east")
    assert [type(each) for each in told(composer, "east", replace(ANNA, **change))] == [kind]


def test_what_an_agent_had_in_hand_is_missed() -> None:
    composer = Composer()
    told(composer, "east", replace(ANNA, interactions={"i": {"MediaType": "chat"}}))
    composer.source_lost("east")
    assert [type(each) for each in told(composer, "east", ANNA)] == [m.EventPartyRemoved]


def test_a_source_that_goes_ends_what_only_it_had_not_ended() -> None:
    composer = both()
    out = m.EventAgentLogout(
        tenant_id=1, agent_id="anna", agent_session=(7, 101), reporting_event_sequence_number=1
    )
    assert composer.event_received("east", out) == []
    assert [type(each) for each in composer.source_lost("west")] == [m.EventAgentLogout]
