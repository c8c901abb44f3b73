from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.messages.message import Event, Party, Reason
from ixproxy.testing.watching import StreamWatch

STAMP = (5, 101)
WHO: dict[str, Any] = {"tenant_id": 1, "agent_id": "anna", "agent_session": STAMP}
CHAT = {**WHO, "media_type_name": "chat"}
LOGIN = m.EventAgentLogin(**WHO, place_id="desk", media_list={"chat": 0})
LOGOUT = m.EventAgentLogout(**WHO)
ITEM: dict[str, Any] = {"tenant_id": 1, "interaction_id": "A"}
JOINS = m.EventPartyAdded(**ITEM, agent_id="anna", agent_session=STAMP, party=Party())
LEAVES = m.EventPartyRemoved(**ITEM, agent_id="anna", agent_session=STAMP)


def state(**more: Any) -> m.EventPlaceAgentState:
    return m.EventPlaceAgentState(**WHO, place_id="desk", **more)


def begun(*states: Event, number: int = 0, agents: int | None = None) -> StreamWatch:
    watch = StreamWatch("watch")
    watch.acknowledged(m.RequestStartPlaceAgentStateReportingAll())
    count = len(states) if agents is None else agents
    begin = m.EventActivityReport(
        activity="Begin", number_of_agents=count, reporting_event_sequence_number=number
    )
    for each in (begin, *states, m.EventActivityReport(activity="End")):
        watch.event_received(each)
    return watch


def told(watch: StreamWatch, *events: Any, first: int = 1) -> list[str]:
    """What is wrong after these events, numbered from `first`."""
    for number, event in enumerate(events, first):
        watch.event_received(replace(event, reporting_event_sequence_number=number))
    return [problem.removeprefix("watch: ") for problem in watch.problems]


def test_a_stream_that_keeps_its_rules_has_no_problems() -> None:
    watch = begun(number=7)
    ready = m.EventReadyForMedia(**CHAT, reason=Reason(reason=3))
    assert told(watch, LOGIN, ready, JOINS, LEAVES, JOINS, first=8) == []
    assert watch.agents[1, "anna"].shown() == {
        "session": STAMP,
        "place": "desk",
        "media": {"chat": 1},
        "do not disturb": 0,
        "reasons": {"chat": Reason(reason=3)},
        "reason": None,
        "parties": {"A": ""},
    }
    assert told(watch, LOGOUT, first=13) == []
    assert watch.agents == {}


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([LOGIN, LOGIN], "comes twice, before (5, 101)"),
        ([LOGOUT], "is of nobody who is logged in"),
        ([LOGIN, LOGOUT, LOGOUT], "is of nobody who is logged in"),
        ([JOINS], "is of nobody who is logged in"),
        ([LOGIN, JOINS, JOINS], "comes twice"),
        ([LOGIN, LEAVES], "is of no party"),
        ([LOGIN, m.EventMediaAdded(**CHAT)], "chat is there already"),
        ([LOGIN, m.EventNotReadyForMedia(**CHAT)], "chat is 0 already"),
        ([LOGIN, m.EventDoNotDisturbOff(**WHO)], "changes nothing"),
        (
            [LOGIN, m.EventMediaRemoved(**CHAT), m.EventReadyForMedia(**CHAT)],
            "there is no chat",
        ),
        (
            [m.EventMassAgentLogout(tenant_id=1, number_of_agents=1, agents=["anna"])],
            "names anna, who is not logged in",
        ),
        (
            [LOGIN, m.EventMassAgentLogout(tenant_id=1, number_of_agents=2, agents=["anna"])],
            "counts 2, names ['anna']",
        ),
    ],
)
def test_what_contradicts_what_was_told_is_found(events: list[Event], problem: str) -> None:
    [found] = told(begun(), *events)
    assert found.endswith(problem)


def test_times_of_an_agent_that_go_back_are_found() -> None:
    login = m.EventAgentLogin(**WHO, event_time=5.0)
    [found] = told(begun(), login, m.EventAgentLogout(**WHO, event_time=4.5))
    assert found.endswith("is 0.5 s before the one before")


def test_numbers_have_no_gap_and_nothing_comes_outside_of_a_stream() -> None:
    [found] = told(begun(number=4), LOGIN, first=6)
    assert found.endswith("has number 6 after 4")
    [found] = told(StreamWatch("watch"), m.EventInteractionSubmitted(**ITEM))
    assert found.endswith("comes outside of a stream")
    watch = begun()
    watch.acknowledged(m.RequestStopPlaceAgentStateReportingAll())
    assert not watch.whole
    assert told(watch, m.EventInteractionSubmitted(**ITEM)) != []


def test_what_else_is_acknowledged_does_not_end_a_stream() -> None:
    """Nobody was told that it began, and it runs: its client did not wait for the answer."""
    watch = StreamWatch("watch")
    for activity in ("Begin", "End"):
        watch.event_received(m.EventActivityReport(activity=activity, number_of_agents=0))
    watch.acknowledged(m.RequestStartExternalServiceReporting())
    assert told(watch, LOGIN) == []


def test_a_filtered_stream_says_what_came_before() -> None:
    watch = StreamWatch("watch")
    watch.acknowledged(m.RequestStartPlaceAgentStateReportingAll(filter={"Agents": {"anna": ""}}))
    for each in ("Begin", "End"):
        watch.event_received(m.EventActivityReport(activity=each))
    assert not watch.whole
    for number, previous in ((3, 0), (9, 3), (12, 10)):
        event = m.EventAgentConnectionClosed(
            **WHO, reporting_event_sequence_number=number, previous_sequence_number=previous
        )
        watch.agents.setdefault((1, "anna"), _logged_in())
        watch.event_received(event)
    [found] = watch.problems
    assert found.endswith("says that 10 was before it, not 9")


def test_a_mass_logout_may_name_agents_whom_the_filter_leaves_out() -> None:
    mass = m.EventMassAgentLogout(
        tenant_id=1,
        number_of_agents=2,
        agents=["anna", "bert"],
        reporting_event_sequence_number=1,
    )
    for logged_in, problems in ((["anna"], 0), ([], 1)):
        watch = StreamWatch("watch")
        watch.acknowledged(m.RequestStartPlaceAgentStateReporting(tenant_id=1, agents=["anna"]))
        for each in ("Begin", "End"):
            watch.event_received(m.EventActivityReport(activity=each))
        for name in logged_in:
            watch.agents[1, name] = _logged_in()
        watch.event_received(mass)
        assert watch.agents == {}
        assert len(watch.problems) == problems
        assert all("names anna, who" in problem for problem in watch.problems)


def _logged_in() -> Any:
    watch = begun()
    told(watch, LOGIN)
    return watch.agents[1, "anna"]


def test_an_initial_state_keeps_its_brackets() -> None:
    assert begun(state()).problems == []
    assert begun(state(), agents=2).problems[0].endswith("1 agents, not 2")
    assert begun(state(), state(), agents=1).problems[0].endswith("comes twice")
    bad = state(interactions={"A": {}})
    assert begun(bad).problems[0].endswith("names other interactions than parties")
    watch = begun()
    watch.event_received(state())
    assert watch.problems[0].endswith("comes without Begin")


def test_two_streams_are_held_against_each_other() -> None:
    one, other = begun(state()), begun(state(donot_disturb=1))
    assert one.differs_from(begun(state())) == []
    assert one.differs_from(other) == [
        "watch believes that do not disturb of anna is 0, watch says 1"
    ]
    assert len(one.differs_from(begun())) == 6


def test_what_is_told_of_a_session_that_a_newer_one_has_ended_is_let_pass() -> None:
    newer = m.EventAgentLogin(tenant_id=1, agent_id="anna", agent_session=(6, 101))
    watch = begun()
    assert told(watch, LOGIN, JOINS, LOGOUT, newer, LEAVES) == []
    assert watch.agents[1, "anna"].stamp == (6, 101)


def test_a_lost_stream_is_no_stream() -> None:
    watch = begun(state())
    watch.event_received(m.EventActivityReport(activity="Lost"))
    assert not watch.whole
    assert watch.agents == {}


def test_what_a_new_stream_shows_of_an_older_session_is_over_when_that_says_so() -> None:
    watch = begun(state(interactions={"A": {}}, parties={"A": Party()}))
    older = replace(LEAVES, agent_session=(4, 101))
    assert told(watch, older) == []
    assert watch.agents[1, "anna"].parties == {}
