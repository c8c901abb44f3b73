"""Many reporting streams are one: brackets, numbers, and what passes."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.core import composite_sources
from ixproxy.core.composing import COUNTED, Composer
from ixproxy.messages.message import Actor, Reason
from tests.core.composed import EVERY, Streams, names, of, party


def test_one_login_of_two_nodes_is_one() -> None:
    streams = Streams(east=1, north=2)
    login = of(m.EventAgentLogin, media_list={"chat": 1}, event_number=7, dbid=1)
    assert streams.say("east", login) == [login]
    assert streams.say("north", of(m.EventAgentLogin, media_list={"chat": 1})) == []
    out = of(m.EventAgentLogout, reason=Reason(reason=3), actor=Actor(agent_id="anna"))
    assert streams.say("east", out) == []
    assert streams.say("north", out) == [out]
    assert streams.states() == []


def test_changes_are_told_once_by_the_home() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(of(m.EventAgentLogin, media_list={"chat": 0}))
    told = streams.say("north", of(m.EventReadyForMedia, media_type_name="chat"))
    assert told == []
    assert names(streams.say("east", of(m.EventReadyForMedia, media_type_name="chat"))) == [
        "ReadyForMedia"
    ]
    assert streams.states()[0].media_list == {"chat": 1}


def test_a_gap_is_counted_and_mended_by_a_new_state() -> None:
    """Test idea 41: sequence gap or repeat from a node: detected, counted, resynchronised."""
    streams = Streams(east=1)
    streams.say("east", of(m.EventAgentLogin, media_list={"chat": 0}))
    lost = of(m.EventReadyForMedia, media_type_name="chat")
    assert streams.say("east", lost, skip=1) == []
    assert streams.composer.wants_restart == {"east"}
    assert streams.composer.counters["gaps"] == 1
    assert not streams.composer.synced("east")
    state = of(m.EventPlaceAgentState, media_list={"chat": 1}, event_number=9, dbid=1)
    told = streams.begin("east", state, at=5)
    assert names(told) == ["ReadyForMedia*"]
    assert (told[0].event_number, told[0].dbid) == (9, 1)
    assert streams.composer.wants_restart == set()
    assert streams.composer.synced("east")


def test_a_repeat_is_counted_and_not_applied() -> None:
    """Test idea 41: sequence gap or repeat from a node: detected, counted, resynchronised."""
    streams = Streams(east=1)
    streams.say("east", of(m.EventAgentLogin))
    again = of(m.EventDoNotDisturbOn, reporting_event_sequence_number=1)
    assert streams.raw("east", again) == []
    assert streams.composer.counters["repeats"] == 1
    assert streams.composer.wants_restart == {"east"}


def test_an_interaction_of_nobody_who_is_known_is_dropped_and_counted() -> None:
    """Test idea 42: event without composite state: dropped, counted."""
    streams = Streams(east=1)
    assert streams.say("east", party(m.EventPartyAdded)) == []
    assert streams.say("east", of(m.EventReadyForMedia, media_type_name="chat")) == []
    assert streams.composer.counters["events without a state"] == 2


def test_interactions_pass_and_show_in_the_state() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(of(m.EventAgentLogin))
    assert names(streams.say("north", party(m.EventPartyAdded))) == ["PartyAdded"]
    assert list(streams.states()[0].parties) == ["i1"]
    assert streams.states()[0].interactions["i1"]["Queue"] == "Q"
    streams.say("north", party(m.EventPartyRemoved))
    assert streams.states()[0].parties == {}


def test_a_composer_without_sources_has_nothing() -> None:
    composer = Composer()
    assert composer.event_received("nobody", of(m.EventAgentLogin)) == []
    assert composer.source_lost("nobody") == composer.source_removed("nobody") == []
    assert composer.states(EVERY) == []
    assert len(composer) == 0


def test_a_stream_through_a_proxy_comes_to_the_same() -> None:
    """Test idea 48: direct and through a proxy: the same final state."""
    direct, through = Streams(east=1, north=2), Streams(proxy=0)
    direct.all_say(of(m.EventAgentLogin, media_list={"chat": 0}))
    direct.all_say(of(m.EventReadyForMedia, media_type_name="chat"))
    direct.say("north", party(m.EventPartyAdded))
    for event in direct.told:
        through.say("proxy", event)
    assert through.told == direct.told
    assert through.states() == direct.states()
    through.begin("proxy", *direct.states())
    assert through.states() == direct.states()


def test_states_that_are_not_as_many_as_announced_are_no_state() -> None:
    streams = Streams(east=1)
    begin = m.EventActivityReport(activity="Begin", number_of_agents=1)
    streams.raw("east", begin)
    streams.raw("east", m.EventActivityReport(activity="End"))
    assert streams.composer.wants_restart == {"east"}
    streams.begin("east")
    streams.raw("east", begin)
    streams.raw("east", of(m.EventPlaceAgentState))
    streams.raw("east", of(m.EventPlaceAgentState, "bert"))
    assert streams.composer.wants_restart == {"east"}
    assert streams.states() == []


def test_what_belongs_to_no_stream_is_counted() -> None:
    streams = Streams(east=1)
    streams.raw("east", of(m.EventAgentLogin))
    streams.raw("east", m.EventActivityReport(activity="Sleep"))
    assert streams.composer.counters["events that are of no stream"] == 2
    streams.lose_stream("east")
    streams.say("east", of(m.EventAgentLogin))
    streams.raw("east", m.EventActivityReport(activity="End"))
    assert streams.composer.counters["events before a state"] == 2
    assert streams.states() == []


def test_an_older_stream_may_end_before_the_new_one_begins() -> None:
    streams = Streams(east=1)
    streams.composer.source_joined("east", 1)
    assert streams.say("east", of(m.EventAgentLogin)) == []
    assert streams.composer.wants_restart == set()
    assert names(streams.begin("east", of(m.EventPlaceAgentState))) == ["AgentLogin*"]


def test_what_every_counter_is_called_is_known() -> None:
    streams = Streams(east=1)
    streams.say("east", of(m.EventAgentLogin), skip=3)
    assert set(streams.composer.counters) <= set(COUNTED)


def test_a_source_that_announces_more_agents_than_there_can_be_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(composite_sources, "MOST_AGENTS", 3)
    composer = Composer()
    composer.source_joined("east", 1)
    begin = m.EventActivityReport(activity="Begin", number_of_agents=10**9)
    composer.event_received("east", begin)
    assert len(composer) == 0, "nothing is kept for what is only announced"
    for number in range(10):
        composer.event_received("east", of(m.EventPlaceAgentState, f"a{number}"))
    assert len(composer) == 0
    assert composer.wants_restart == {"east"}
    assert composer.counters["streams of too much"] == 1


def test_interactions_in_states_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composite_sources, "MOST_IN_HAND", 3)
    streams = Streams(east=1)
    held: dict[str, dict[str, Any]] = {f"i{number}": {} for number in range(4)}
    streams.begin("east", of(m.EventPlaceAgentState, interactions=held))
    assert streams.composer.counters["streams of too much"] == 1
    assert len(streams.composer) == 0


def test_logins_without_end_break_the_stream_of_their_source_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(composite_sources, "MOST_AGENTS", 3)
    streams = Streams(east=1, north=2)
    for number in range(50):
        streams.say("east", of(m.EventAgentLogin, f"a{number}"))
    assert len(streams.states()) == 4
    assert streams.composer.wants_restart == {"east"}
    assert names(streams.say("north", of(m.EventAgentLogin, "bert", (1, 2)))) == ["AgentLogin"]


def test_parties_of_interactions_without_end_do_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composite_sources, "MOST_IN_HAND", 3)
    streams = Streams(east=1)
    for number in range(50):
        streams.say("east", party(m.EventPartyAdded, f"i{number}", f"a{number}"))
    assert streams.composer.counters["streams of too much"] == 1
    assert len(streams.composer) < 10
    assert streams.begin("east") == [], "and all is well when it begins anew"
    assert len(streams.composer) == 0
