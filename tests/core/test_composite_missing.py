"""Who is missing on all sources that are there is out after a while."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.core.composite_missing import Missing
from ixproxy.wire.streams import BEGIN
from tests.core.composed import Streams, names, of, party

ANNA = (1, "anna")
GRACE = 30.0
LOGIN = of(m.EventAgentLogin, media_list={"chat": 0})
LOGOUT = of(m.EventAgentLogout)
STATE: Any = of(m.EventPlaceAgentState, media_list={"chat": 0})


def passed(streams: Streams, *times: float) -> list[str]:
    """What is told as time passes."""
    told = [each for now in times for each in streams.composer.time_passed(now, GRACE)]
    streams.told += told
    return names(told)


def only_east_had_anna() -> Streams:
    """East, which told of her, is away; north came later and does not have her."""
    streams = Streams(east=1, north=2)
    streams.lose("north")
    streams.say("east", LOGIN)
    streams.lose("east")
    streams.begin("north")
    return streams


def test_time_counts_from_the_first_look_until_somebody_is_found() -> None:
    missing = Missing()
    missing.note(ANNA)
    assert not missing.is_overdue(ANNA, 5.0, 2.0)
    missing.note(ANNA)
    assert not missing.is_overdue(ANNA, 6.9, 2.0)
    assert missing.is_overdue(ANNA, 7.0, 2.0)
    missing.wait()
    assert not missing.is_overdue(ANNA, 7.0, 2.0)
    assert list(missing) == [ANNA]
    for _ in range(2):
        missing.found(ANNA)
    assert len(missing) == 0


def test_whom_only_a_source_has_that_is_away_is_out_after_the_grace() -> None:
    """Test idea 45: a node that is away keeps nobody logged in who is on no other."""
    streams = only_east_had_anna()
    assert streams.composer.waits
    assert passed(streams, 1.0, 30.9) == []
    assert passed(streams, 31.0) == ["AgentLogout*"]
    assert streams.states() == []
    assert not streams.composer.waits


def test_a_logout_that_was_missed_while_all_were_away_is_told_though_one_still_is() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.lose("east")
    streams.lose("north")
    assert streams.begin("north") == []
    assert passed(streams, 1.0, 31.0) == ["AgentLogout*"]


def test_a_state_that_lacks_her_counts_though_who_else_has_her_is_lost_only_then() -> None:
    """That a way is cut is noticed late; simulated seed 7933."""
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.lose("north")
    assert streams.begin("north") == []
    assert streams.lose("east") == []
    assert passed(streams, 1.0, 30.9) == []
    assert passed(streams, 31.0) == ["AgentLogout*"]
    assert streams.states() == []


def test_so_does_it_when_who_else_has_her_is_removed_and_only_one_is_left_that_is_away() -> None:
    streams = Streams(east=1, north=2, west=3)
    streams.all_say(LOGIN)
    streams.lose("east")
    streams.lose("north")
    streams.begin("north")
    assert streams.composer.source_removed("west") == []
    assert passed(streams, 1.0, 31.0) == ["AgentLogout*"]


def test_what_a_source_lacked_that_is_away_too_starts_no_time() -> None:
    streams = Streams(east=1, north=2, west=3)
    streams.say("east", LOGIN)
    streams.say("north", LOGIN)
    streams.lose("north")
    streams.begin("north")
    streams.lose("north")
    streams.lose("east")
    assert passed(streams, 1.0, 500.0) == [], "west never had her, and a loss logs nobody out"
    streams.begin("north")
    assert passed(streams, 501.0, 531.0) == ["AgentLogout*"]


def test_what_she_had_in_hand_there_is_taken_away_before() -> None:
    streams = Streams(east=1, north=2)
    streams.say("east", LOGIN)
    streams.say("east", party(m.EventPartyAdded))
    streams.lose("east")
    assert passed(streams, 1.0, 500.0) == [], "that a source is lost logs nobody out"
    streams.begin("north")
    assert passed(streams, 1.0, 31.0) == ["PartyRemoved*", "AgentLogout*"]


@pytest.mark.parametrize("how", ["a proxy gives her", "east is back"])
def test_who_is_found_in_time_is_not_told_out_and_in(how: str) -> None:
    streams = only_east_had_anna()
    assert passed(streams, 1.0, 30.0) == []
    if how == "east is back":
        assert streams.begin("east", STATE) == []
    else:
        assert streams.say("north", LOGIN) == []
    assert passed(streams, 31.0, 99.0) == []
    assert not streams.composer.waits


def test_nothing_is_over_while_nobody_is_there_or_somebody_is_about_to_say_who_is() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.lose("east")
    streams.lose("north")
    assert passed(streams, 1.0, 500.0) == []
    assert streams.begin("north") == []
    assert passed(streams, 501.0, 520.0) == []
    streams.composer.source_joined("east", 1)
    begin = m.EventActivityReport(activity=BEGIN, number_of_agents=1)
    assert streams.raw("east", begin) == []
    assert passed(streams, 540.0, 600.0) == []
    streams.lose("east")
    assert passed(streams, 601.0, 630.0) == []
    assert passed(streams, 631.0) == ["AgentLogout*"]


def test_a_source_that_is_asked_and_does_not_begin_is_not_waited_for() -> None:
    streams = only_east_had_anna()
    streams.composer.source_joined("east", 1)
    assert passed(streams, 1.0, 31.0) == ["AgentLogout*"]


def test_whoever_has_her_later_is_believed() -> None:
    """Nobody has said that it is over."""
    streams = only_east_had_anna()
    passed(streams, 1.0, 31.0)
    assert names(streams.begin("east", STATE)) == ["AgentLogin*"]
    assert names(streams.say("east", LOGOUT)) == ["AgentLogout"]
    given = only_east_had_anna()
    passed(given, 1.0, 31.0)
    assert names(given.say("north", LOGIN)) == ["AgentLogin"]
    assert given.begin("east") == []
    assert names(given.say("north", LOGOUT)) == ["AgentLogout"]


def test_nobody_is_told_out_twice() -> None:
    streams = only_east_had_anna()
    passed(streams, 1.0, 31.0)
    assert streams.begin("east") == []
    assert passed(streams, 99.0) == []
    assert names(streams.told) == ["AgentLogin", "AgentLogout*"]
