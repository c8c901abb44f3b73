"""One state of each agent out of many: logins, authority, logouts, losses and returns."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.core.composite_agents import MOST_ECHOES
from ixproxy.messages.message import Party, Reason
from ixproxy.wire.shortening import SHORTENED
from tests.core.composed import Streams, names, of, party

LOGIN = of(m.EventAgentLogin, media_list={"chat": 0})
READY = of(m.EventReadyForMedia, media_type_name="chat")
NOT_READY = of(m.EventNotReadyForMedia, media_type_name="chat")
LOGOUT = of(m.EventAgentLogout)
NEWER = of(m.EventAgentLogin, stamp=(2, 2))


def state(stamp: tuple[int, int] = (1, 1), **more: Any) -> Any:
    return of(m.EventPlaceAgentState, stamp=stamp, **{"media_list": {"chat": 0}, **more})


def mass(*agents: str) -> m.EventMassAgentLogout:
    return m.EventMassAgentLogout(
        tenant_id=1,
        application_name="proxy1",
        agents=list(agents),
        number_of_agents=len(agents),
        event_time=100.0,
    )


def test_the_first_source_that_reports_the_login_has_its_media() -> None:
    streams = Streams(east=1, north=2)
    assert streams.say("north", LOGIN) == [LOGIN]
    assert streams.states()[0].media_list == {"chat": 0}


def test_a_late_home_is_not_told_twice() -> None:
    streams = Streams(east=1, north=2)
    streams.say("north", LOGIN)
    assert names(streams.say("north", READY)) == ["ReadyForMedia"]
    assert names(streams.say("north", NOT_READY)) == ["NotReadyForMedia"]
    for late in (LOGIN, READY, NOT_READY):
        assert streams.say("east", late) == []
    assert names(streams.say("east", READY)) == ["ReadyForMedia"]
    assert streams.say("north", READY) == []


def test_a_late_home_that_says_something_else_is_right() -> None:
    streams = Streams(east=1, north=2)
    streams.say("north", LOGIN)
    streams.say("north", READY)
    streams.say("east", LOGIN)
    disturb = of(m.EventDoNotDisturbOn)
    assert names(streams.say("east", disturb)) == ["DoNotDisturbOn", "NotReadyForMedia*"]
    other = Streams(east=1, north=2)
    other.say("north", LOGIN)
    told = other.say("east", of(m.EventAgentLogin, media_list={"email": 1}))
    assert names(told) == ["MediaRemoved*", "MediaAdded*", "ReadyForMedia*"]


def test_a_home_that_is_too_late_is_compared() -> None:
    streams = Streams(east=1, north=2)
    streams.say("north", LOGIN)
    for _ in range(MOST_ECHOES // 2 + 1):
        streams.say("north", READY)
        streams.say("north", NOT_READY)
    streams.say("north", READY)
    assert names(streams.say("east", LOGIN)) == ["NotReadyForMedia*"]


def test_the_authority_passes_on_when_it_is_away_and_back() -> None:
    """Test idea 45: node away: no cluster-wide logout; on return no duplicate logins."""
    streams = Streams(east=1, north=2, west=3)
    streams.all_say(LOGIN)
    assert streams.lose("east") == []
    assert names(streams.say("north", READY)) == ["ReadyForMedia"]
    assert streams.say("west", READY) == []
    back = streams.begin("east", state(media_list={"chat": 1}))
    assert back == []
    assert streams.say("north", NOT_READY) == []
    assert names(streams.say("east", NOT_READY)) == ["NotReadyForMedia"]


def test_differences_are_told_when_the_authority_changes() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.say("east", READY)
    assert names(streams.lose("east")) == ["NotReadyForMedia*"]
    assert names(streams.say("north", READY)) == ["ReadyForMedia"]


def test_everybody_away_logs_nobody_out() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    assert streams.lose("east") + streams.lose("north") == []
    assert len(streams.states()) == 1
    assert names(streams.begin("north")) == []
    assert names(streams.begin("east")) == ["AgentLogout*"]


def test_logout_does_not_wait_for_who_is_away() -> None:
    """Test idea 30: the node returns still believing the agent logged in."""
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.lose("north")
    assert streams.say("east", LOGOUT) == [LOGOUT]
    assert streams.begin("north", state()) == []
    assert streams.say("north", READY) == []
    assert streams.states() == []
    assert streams.say("north", LOGOUT) == []
    assert names(streams.say("north", NEWER)) == ["AgentLogin"]


def test_the_last_source_that_is_lost_ends_what_another_said_is_over() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    assert streams.say("east", LOGOUT) == []
    assert streams.lose("north") == [LOGOUT]


def test_after_the_authority_s_logout_only_the_logout_is_told() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.say("east", LOGOUT)
    assert streams.say("north", READY) == []
    assert streams.say("north", LOGOUT) == [LOGOUT]


def test_a_newer_session_ends_the_older_one_first() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.say("east", LOGOUT)
    assert names(streams.say("east", NEWER)) == ["AgentLogout", "AgentLogin"]
    assert streams.say("north", LOGOUT) == []
    assert streams.say("north", NEWER) == []
    assert streams.states()[0].agent_session == (2, 2)


def test_a_late_logout_of_an_older_session_is_nothing() -> None:
    """Test idea 38: late logout from the old session after the new login: ignored."""
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    assert names(streams.say("east", NEWER)) == ["AgentLogout*", "AgentLogin"]
    assert streams.say("north", LOGOUT) == []
    assert streams.say("north", LOGOUT) == []
    assert streams.composer.counters["events without a state"] == 1


def test_an_agent_who_comes_back_with_the_same_session_is_logged_in_again() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.all_say(LOGOUT)
    assert names(streams.all_say(LOGIN)) == ["AgentLogin"]
    assert streams.say("east", LOGOUT) == []
    assert streams.say("east", LOGIN) == []
    assert names(streams.say("east", READY)) == ["ReadyForMedia"]


def test_many_who_are_out_are_told_together_once() -> None:
    streams = Streams(east=1, north=2, west=3)
    for name in ("anna", "bert"):
        streams.all_say(of(m.EventAgentLogin, name))
    streams.told.clear()
    told = streams.all_say(mass("anna", "bert", "nobody"))
    assert names(told) == ["MassAgentLogout"]
    assert told[0].agents == ["anna", "bert"]  # type: ignore[attr-defined]
    assert streams.composer.counters["events without a state"] == 3
    assert streams.states() == []


def test_those_whom_the_last_source_names_are_told_by_name() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    assert streams.say("east", mass("anna")) == []
    assert streams.say("north", LOGOUT) == [LOGOUT]
    streams.all_say(NEWER)
    streams.say("east", mass("anna"))
    assert names(streams.lose("north")) == ["MassAgentLogout"]


def test_a_login_after_a_mass_logout_is_told_behind_a_logout_by_name() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.say("east", mass("anna"))
    assert names(streams.say("east", NEWER)) == ["AgentLogout", "AgentLogin"]
    other = Streams(east=1, north=2)
    other.all_say(LOGIN)
    other.say("east", mass("anna"))
    assert names(other.begin("north", state((2, 2)))) == ["AgentLogout", "AgentLogin*"]


def test_who_left_for_good_takes_along_what_only_it_had() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.say("east", of(m.EventAgentLogin, "bert"))
    streams.say("east", party(m.EventPartyAdded))
    told = streams.composer.source_removed("east")
    assert names(told) == ["PartyRemoved*", "AgentLogout*"]
    assert [each.agent_id for each in streams.states()] == ["anna"]
    assert not streams.composer.synced("east")


def test_interactions_on_a_source_that_is_away_stay_and_are_compared_then() -> None:
    """Test idea 45: a node away for a minute."""
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.say("north", party(m.EventPartyAdded, "i1"))
    streams.say("north", party(m.EventPartyAdded, "i2"))
    assert streams.lose("north") == []
    assert sorted(streams.states()[0].parties) == ["i1", "i2"]
    there = {"MediaType": "chat", "Queue": "Q", "UserData": {"a": 1}}
    parties = {"i2": Party(agent_id="anna"), "i3": Party(agent_id="anna")}
    back = state(interactions={"i2": there, "i3": {}}, parties=parties)
    told = streams.begin("north", back)
    assert names(told) == ["PartyRemoved*", "PartyAdded*", "PropertiesChanged*"]
    assert told[2].added_properties == {"a": 1}  # type: ignore[attr-defined]
    assert sorted(streams.states()[0].parties) == ["i2", "i3"]


def test_a_logout_leaves_nothing_in_hand_at_a_source_that_is_away() -> None:
    streams = Streams(east=1, north=2)
    streams.all_say(LOGIN)
    streams.say("north", party(m.EventPartyAdded))
    streams.lose("north")
    assert names(streams.say("east", LOGOUT)) == ["PartyRemoved*", "AgentLogout"]
    held: dict[str, Any] = {"interactions": {"i1": {}}, "parties": {"i1": Party(agent_id="anna")}}
    assert streams.begin("north", state(**held)) == []
    assert names(streams.say("east", NEWER)) == ["AgentLogin", "PartyAdded*"]
    assert names(streams.say("north", party(m.EventPartyRemoved))) == ["PartyRemoved"]


def test_a_state_that_had_no_room_takes_nothing_away() -> None:
    streams = Streams(east=1)
    streams.say("east", LOGIN)
    streams.say("east", party(m.EventPartyAdded))
    assert streams.begin("east", state(extension={SHORTENED: 1})) == []
    less: dict[str, Any] = {"interactions": {"i1": {}}, "parties": {"i1": Party(agent_id="anna")}}
    assert streams.begin("east", state(extension={SHORTENED: 1}, **less)) == []
    assert streams.states()[0].interactions["i1"]["Queue"] == "Q"


@pytest.mark.parametrize("restarted", [False, True])
def test_who_logged_in_meanwhile_is_told_on_return(restarted: bool) -> None:
    streams = Streams(east=1)
    streams.say("east", LOGIN)
    if restarted:
        streams.lose("east")
    else:
        streams.lose_stream("east")
    reason = Reason(reason=4)
    told = streams.begin("east", state((7, 1), state_reason=reason, event_number=3, dbid=1))
    assert names(told) == ["AgentLogout*", "AgentLogin*"]
    assert told[1].state_reason == reason  # type: ignore[attr-defined]
    assert {(each.event_number, each.dbid) for each in told[1:]} == {(3, 1)}
