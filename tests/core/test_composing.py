"""Many reporting streams are one: brackets, numbers, and what passes."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.core.composing import Composer
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
