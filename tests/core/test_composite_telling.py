"""Composed events: their times, their marks, and those who are lost together."""

from __future__ import annotations

from collections import Counter

from ixproxy import messages as m
from ixproxy.core.composite_sources import Held, Origin, Source
from ixproxy.core.composite_states import AgentState
from ixproxy.core.composite_telling import Composite, Telling, agent_event
from ixproxy.messages.message import Party
from ixproxy.values import Stamp
from ixproxy.wire.streams import numbered
from tests.core.composed import names, of

ANNA = (1, "anna")


def agent(time: float = 100.0) -> Composite:
    return Composite(Stamp(1, 1), "desk", AgentState(), 0.0, time, Origin(time, 1, 7))


def test_times_of_an_agent_do_not_go_back() -> None:
    """Test idea 46: clock skew of 2 s between nodes: durations never negative."""
    telling, anna = Telling(Counter()), agent(100.0)
    telling.tell_of(anna, of(m.EventDoNotDisturbOn, event_time=98.0))
    telling.tell_of(anna, of(m.EventDoNotDisturbOff, event_time=101.0))
    assert [each.event_time for each in telling.take()] == [100.0, 101.0]
    assert telling.take() == []


def test_what_was_missed_is_marked_and_counted() -> None:
    counters: Counter[str] = Counter()
    telling = Telling(counters)
    telling.say(ANNA, agent(), m.EventReadyForMedia, Origin(105.0, 2, 9), media_type_name="chat")
    (event,) = telling.take()
    assert names([event]) == ["ReadyForMedia*"]
    assert (event.event_time, event.dbid, event.event_number) == (105.0, 2, 9)
    assert counters == {"differences": 1}


def test_numbers_of_the_source_s_stream_are_taken_off() -> None:
    telling = Telling(Counter())
    telling.tell(numbered(of(m.EventDoNotDisturbOn), 5, 3))
    (event,) = telling.take()
    assert (event.reporting_event_sequence_number, event.previous_sequence_number) == (0, 0)


def test_those_who_are_lost_together_are_told_together_and_last() -> None:
    telling = Telling(Counter())
    mass = m.EventMassAgentLogout(tenant_id=1, application_name="proxy1", event_time=100.0)
    other = m.EventMassAgentLogout(tenant_id=1, application_name="proxy2", event_time=100.0)
    telling.tell_among_many(ANNA, agent(), mass)
    telling.tell_among_many((1, "bert"), agent(103.0), mass)
    telling.tell_among_many((1, "carl"), agent(), other)
    telling.tell_of(agent(), of(m.EventDoNotDisturbOn))
    first, second, third = telling.take()
    assert isinstance(first, m.EventDoNotDisturbOn)
    assert isinstance(second, m.EventMassAgentLogout)
    assert isinstance(third, m.EventMassAgentLogout)
    assert (second.agents, second.number_of_agents) == (["anna", "bert"], 2)
    assert second.event_time == 103.0
    assert third.agents == ["carl"]


def test_more_than_an_event_has_room_for_are_told_in_several() -> None:
    telling = Telling(Counter())
    mass = m.EventMassAgentLogout(tenant_id=1, application_name="proxy1")
    names = [f"{number:0250}" for number in range(1000)]
    for name in names:
        telling.tell_among_many((1, name), agent(), mass)
    told = telling.take()
    assert len(told) == 2
    assert [name for each in told for name in each.agents] == names  # type: ignore[attr-defined]


def test_interactions_are_taken_away_and_told_once() -> None:
    telling, anna, source = Telling(Counter()), agent(), Source("east", 1)
    held = Held(Party(agent_id="anna"), Stamp(1, 1), {"MediaType": "chat"})
    source.take_in_hand(ANNA, "i1", held)
    for _ in range(2):
        telling.tell_holding(source, ANNA, anna)
    assert names(telling.take()) == ["PartyAdded*"]
    for _ in range(2):
        telling.take_away(source, ANNA, anna)
    (gone,) = telling.take()
    assert isinstance(gone, m.EventPartyRemoved)
    assert (gone.interaction_id, gone.media_type, gone.party) == ("i1", "chat", held.party)


def test_an_event_that_no_source_sent_is_about_the_agent_s_session() -> None:
    event = agent_event(ANNA, agent(), m.EventAgentLogout, Origin(1.0, 2, 3))
    assert (event.tenant_id, event.agent_id, event.place_id) == (1, "anna", "desk")
    assert event.agent_session == (1, 1)


def test_what_a_source_tells_without_a_session_is_told_of_the_one_that_is_known() -> None:
    telling = Telling(Counter())
    telling.tell_of(agent(), of(m.EventDoNotDisturbOn, agent_session=None))
    (told,) = telling.take()
    assert told.agent_session == (1, 1)  # type: ignore[attr-defined]
