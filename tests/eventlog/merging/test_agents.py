"""One clean history of each agent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.merging.agent_acts import COLUMNS, AgentEvent
from ixproxy.eventlog.merging.agent_records import Session
from ixproxy.eventlog.merging.agents import AgentHistories, Emitted
from tests.eventlog.merging.agent_worlds import (
    absences,
    event,
    logged,
    merged_order,
    shape,
    true_histories,
)

PLACES = [COLUMNS.index(name) for name in ("event", "agent_session_number", "media_type")]


def shapes(emitted: Iterable[Emitted]) -> list[tuple[Any, ...]]:
    return [tuple(each.row[place] for place in PLACES) for each in emitted]


class Told:
    """The history so far, as the target would know it."""

    def __init__(self) -> None:
        self.out: list[Emitted] = []

    def told(self, act: AgentEvent) -> bool:
        wanted = act.event, act.session_number, act.media_type
        return any(shape == wanted for shape in shapes(self.out))

    def ended(self, session_number: int, session_dbid: int) -> bool:
        return ("EventAgentLogout", session_number, None) in shapes(self.out)


def merged(events: Iterable[AgentEvent], *, interrupted: bool = False) -> list[Emitted]:
    """The clean history; `interrupted`: all state is kept and read again between any two rows."""
    past = Told()
    agents = AgentHistories(past=past)
    for each in events:
        past.out += agents.seen(each)
        if interrupted:
            kept = msgspec.json.encode(list(agents.sessions.values()))
            sessions = msgspec.json.decode(kept, type=list[Session])
            agents = AgentHistories(sessions, agents.now, past=past)
    return [each._replace(row=tuple(each.row)) for each in past.out + agents.finish()]


DELAYS = st.lists(st.sampled_from([0.0, 0.01, 0.2, 1.5]), min_size=1, max_size=5)


@given(st.data())
def test_what_several_nodes_say_is_the_history_of_one(data: st.DataObject) -> None:
    acts = data.draw(true_histories())
    nodes = [logged(dbid, acts, (), data.draw(DELAYS)) for dbid in range(1, 4)]
    assert shapes(merged(merged_order(nodes))) == shape(acts)


@given(st.data())
def test_nodes_that_are_away_for_a_while_change_nothing(data: st.DataObject) -> None:
    acts = data.draw(true_histories())
    nodes = [
        logged(dbid, acts, data.draw(absences(acts)) if dbid > 1 else (), data.draw(DELAYS))
        for dbid in range(1, 4)
    ]
    assert shapes(merged(merged_order(nodes))) == shape(acts)


@given(st.data())
def test_it_does_not_matter_when_all_is_kept_and_read_again(data: st.DataObject) -> None:
    acts = data.draw(true_histories())
    nodes = [
        logged(dbid, acts, data.draw(absences(acts)), data.draw(DELAYS)) for dbid in range(1, 3)
    ]
    events = merged_order(nodes)
    assert merged(events, interrupted=True) == merged(events)


@given(st.data())
def test_logs_that_name_no_sessions_are_merged_by_overlap(data: st.DataObject) -> None:
    acts = data.draw(true_histories())
    delays = st.lists(st.sampled_from([0.0, 0.01, 0.1]), min_size=1, max_size=5)
    nodes = [logged(dbid, acts, (), data.draw(delays), named=False) for dbid in range(1, 4)]
    expected = [(name, None, media) for name, _, media in shape(acts)]
    assert shapes(merged(merged_order(nodes))) == expected


def test_a_node_that_comes_back_and_is_told_again_is_no_news() -> None:
    events = [
        event(1, 1.0, "AgentLogin", media_list='{"chat": 0}'),
        event(1, 2.0, "ReadyForMedia", media_type="chat"),
        event(2, 3.0, "AgentLogin", media_list='{"chat": 0}'),
        event(2, 500.0, "ReadyForMedia", media_type="chat"),
        event(2, 501.0, "AgentLogin", media_list='{"chat": 1}'),
    ]
    assert shapes(merged(events)) == [
        ("EventAgentLogin", 1, None),
        ("EventReadyForMedia", 1, "chat"),
    ]


def test_changes_that_nodes_hear_in_another_order_are_there_once() -> None:
    def ready(dbid: int, time: float, media: str) -> AgentEvent:
        return event(dbid, time, "ReadyForMedia", media_type=media)

    logins = [event(dbid, 1.0, "AgentLogin") for dbid in (1, 2)]
    events = [
        *logins,
        ready(1, 2.0, "chat"),
        ready(2, 2.1, "email"),
        event(1, 2.2, "NotReadyForMedia", media_type="chat"),
        ready(1, 2.3, "email"),
        ready(2, 2.4, "chat"),
        event(2, 2.5, "NotReadyForMedia", media_type="chat"),
    ]
    assert [name for name, _, _ in shapes(merged(events))] == [
        "EventAgentLogin",
        "EventReadyForMedia",
        "EventReadyForMedia",
        "EventNotReadyForMedia",
    ]


@pytest.mark.parametrize(
    ("home", "logouts", "told"),
    [
        (9, {1: 6.0, 2: 7.0, 3: 8.0}, (3, 8.0)),
        (1, {1: 6.0, 2: 7.0, 3: 8.0}, (1, 6.0)),
        (3, {1: 6.0, 2: 7.0, 3: 8.0}, (3, 8.0)),
        (2, {1: 6.0, 2: 7.0, 3: 8.0}, (2, 7.0)),
        (1, {1: 6.0, 2: 7.0, 3: 60.0}, (3, 60.0)),
    ],
)
def test_the_logout_is_the_homes_or_that_of_the_last_node_if_that_is_later(
    home: int, logouts: dict[int, float], told: tuple[int, float]
) -> None:
    events = [
        *(event(dbid, 1.0, "AgentLogin", agent_session_dbid=home) for dbid in logouts),
        *(event(node, at, "AgentLogout", agent_session_dbid=home) for node, at in logouts.items()),
    ]
    assert [(each.row[0], each.time) for each in merged(events)] == [(1, 1.0), told]


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_is_told_of_no_session_behind_a_logout_stays_behind_it(interrupted: bool) -> None:
    nobodys: dict[str, Any] = {"agent_session_number": None, "agent_session_dbid": None}
    out = merged(
        [
            *(event(dbid, 1, "AgentLogin") for dbid in (1, 2)),
            event(2, 5, "AgentNotAvailable", **nobodys),
            event(1, 6, "AgentNotAvailable", **nobodys),
            event(1, 10, "AgentLogout"),
            event(1, 10, "AgentNotAvailable", number=10001, **nobodys),
            event(2, 10.5, "AgentLogout"),
            event(2, 10.5, "AgentNotAvailable", number=10501, **nobodys),
        ],
        interrupted=interrupted,
    )
    names = [name for name, *_ in shapes(out)]
    assert list(zip(names, [each.time for each in out], strict=True)) == [
        ("EventAgentLogin", 1),
        ("EventAgentNotAvailable", 5),
        ("EventAgentLogout", 10),
        ("EventAgentNotAvailable", 10),
    ]


def test_a_node_that_is_silent_for_ever_is_waited_for_no_longer_than_said() -> None:
    agents = AgentHistories(restore=60.0)
    for each in (event(1, 1.0, "AgentLogin"), event(2, 1.0, "AgentLogin")):
        agents.seen(each)
    assert agents.seen(event(1, 10.0, "AgentLogout")) == []
    assert agents.passed(70.0) == []
    assert shapes(agents.passed(70.1)) == [("EventAgentLogout", 1, None)]
    assert agents.seen(event(2, 80.0, "AgentLogout")) == []


def test_a_node_that_comes_back_after_that_says_nothing_more_of_the_session() -> None:
    agents = AgentHistories(restore=60.0)
    for each in (event(1, 1.0, "AgentLogin"), event(2, 1.0, "AgentLogin")):
        agents.seen(each)
    agents.seen(event(1, 10.0, "AgentLogout"))
    assert shapes(agents.passed(71.0)) == [("EventAgentLogout", 1, None)]
    for late in (False, True):
        for name in ("DoNotDisturbOn", "AgentLogin", "DoNotDisturbOff"):
            assert agents.seen(event(2, 80.0, name, late=late)) == [], (name, late)
    assert agents.seen(event(2, 90.0, "AgentLogout")) == []
    assert agents.counters["after the end"] == 4
    assert shapes(agents.seen(second(2, 100.0, "AgentLogin"))) == [("EventAgentLogin", 2, None)]


def test_a_node_that_still_works_with_the_agent_is_waited_for() -> None:
    agents = AgentHistories(restore=60.0)
    for each in (event(1, 1.0, "AgentLogin"), event(2, 1.0, "AgentLogin")):
        agents.seen(each)
    agents.seen(event(1, 10.0, "AgentLogout"))
    assert shapes(agents.seen(event(2, 50.0, "DoNotDisturbOn"))) == [
        ("EventDoNotDisturbOn", 1, None)
    ]
    assert agents.passed(109.0) == []
    assert shapes(agents.seen(event(2, 109.5, "AgentLogout"))) == [("EventAgentLogout", 1, None)]


def second(dbid: int, time: float, name: str) -> AgentEvent:
    return event(dbid, time, name, agent_session_number=2)


def test_the_next_session_of_the_agent_ends_one_that_was_about_to_end() -> None:
    events = [
        event(1, 1.0, "AgentLogin"),
        event(2, 1.0, "AgentLogin"),
        event(1, 10.0, "AgentLogout"),
        second(1, 11.0, "AgentLogin"),
        event(2, 11.5, "AgentLogout"),
        second(2, 11.6, "AgentLogin"),
    ]
    assert [(name, number) for name, number, _ in shapes(merged(events))] == [
        ("EventAgentLogin", 1),
        ("EventAgentLogout", 1),
        ("EventAgentLogin", 2),
    ]


def test_two_sessions_at_the_same_time_stay_two() -> None:
    events = [
        event(1, 1.0, "AgentLogin"),
        second(2, 2.0, "AgentLogin"),
        event(1, 3.0, "AgentLogout"),
        second(2, 4.0, "AgentLogout"),
    ]
    assert [(name, number) for name, number, _ in shapes(merged(events))] == [
        ("EventAgentLogin", 1),
        ("EventAgentLogin", 2),
        ("EventAgentLogout", 1),
        ("EventAgentLogout", 2),
    ]


def test_a_session_that_its_only_node_leaves_for_another_ends_without_a_word() -> None:
    agents = AgentHistories()
    agents.seen(event(1, 1.0, "AgentLogin"))
    agents.seen(second(1, 5.0, "AgentLogin"))
    assert agents.sessions["1.1"].closed == 5.0
    assert agents.seen(event(1, 6.0, "DoNotDisturbOn")) == []
    assert agents.counters["after the end"] == 1


def test_a_session_that_a_node_had_ended_and_logs_in_to_again_is_open_again() -> None:
    names = ["AgentLogin", "AgentLogout", "AgentLogin", "AgentLogout"]
    events = [
        event(dbid, place * 10.0 + dbid, name)
        for place, name in enumerate(names)
        for dbid in (1, 2)
    ]
    assert [name for name, _, _ in shapes(merged(events))] == [f"Event{name}" for name in names]


def test_a_log_that_begins_in_the_middle_of_a_session_tells_the_rest_of_it() -> None:
    events = [
        event(1, 1.0, "NotReadyForMedia", media_type="chat"),
        event(2, 1.1, "NotReadyForMedia", media_type="chat"),
        event(1, 2.0, "AgentLogout"),
        event(2, 2.1, "AgentLogout"),
        event(1, 3.0, "AgentLogout", agent_id="bert", agent_session_number=9),
        event(2, 3.1, "AgentLogout", agent_id="bert", agent_session_number=9),
    ]
    assert shapes(merged(events)) == [
        ("EventNotReadyForMedia", 1, "chat"),
        ("EventAgentLogout", 1, None),
        ("EventAgentLogout", 9, None),
    ]


def test_what_clients_say_of_agents_is_never_a_copy() -> None:
    events = [event(dbid, 1.0 + dbid, "CustomReporting") for dbid in (1, 2)]
    assert len(merged(events)) == 2


def test_what_names_no_agent_is_left_as_it_is() -> None:
    assert len(merged([event(1, 1.0, "MassAgentLogout", agent_id=None)] * 2)) == 2


def test_what_was_over_for_long_is_not_kept() -> None:
    agents = AgentHistories()
    agents.seen(event(1, 1.0, "AgentLogin"))
    agents.seen(event(1, 2.0, "AgentLogout"))
    agents.passed(602.0)
    assert "1.1" in agents.sessions
    agents.passed(603.0)
    assert not agents.sessions
    assert "1.1" in agents.changed


def unnamed(dbid: int, time: float, name: str, place: str = "p1") -> AgentEvent:
    return event(
        dbid, time, name, agent_session_number=None, agent_session_dbid=None, place_id=place
    )


def test_without_names_a_node_that_comes_back_is_in_the_session_of_the_others() -> None:
    events = [
        *(unnamed(dbid, 1.0, "AgentLogin") for dbid in (1, 2)),
        unnamed(1, 50.0, "AgentLogout"),
        unnamed(1, 60.0, "AgentLogin"),
        *(unnamed(dbid, 90.0, "AgentLogout") for dbid in (1, 2)),
    ]
    assert [name for name, _, _ in shapes(merged(events))] == [
        "EventAgentLogin",
        "EventAgentLogout",
    ]


def test_without_names_sessions_at_two_places_are_two() -> None:
    events = [unnamed(1, 1.0, "AgentLogin"), unnamed(2, 2.0, "AgentLogin", "p2")]
    assert len(merged(events)) == 2


def test_without_names_a_node_that_never_logged_an_agent_out_begins_a_new_session() -> None:
    events = [unnamed(1, 1.0, "AgentLogin"), unnamed(1, 900.0, "AgentLogin")]
    assert len(merged(events)) == 2


def test_what_nodes_share_is_said_with_their_own_clocks() -> None:
    agents = AgentHistories()
    for each in (event(1, 1.0, "AgentLogin"), event(2, 41.0, "AgentLogin")):
        agents.seen(each._replace(time=1.0))
    assert agents.shared == [(1, 1.0, 2, 41.0)]


def crashes(times: int) -> list[AgentEvent]:
    """An agent of a node that ends without a word, and who logs in to the next one."""
    return [
        event(2 + turn, 1000.0 * turn, "AgentLogin", agent_session_number=turn)
        for turn in range(1, times + 1)
    ]


def test_sessions_of_nodes_that_are_gone_for_ever_are_not_kept_for_ever() -> None:
    agents = AgentHistories()
    for each in crashes(50):
        agents.seen(each)
        assert len(agents.sessions) <= 2
    agents.passed(60_000.0)
    assert list(agents.sessions) == ["50.1"]


def test_a_session_that_was_left_over_may_be_spoken_of_and_ends() -> None:
    agents = AgentHistories()
    emitted = [agents.seen(each) for each in crashes(2)]
    ready = event(3, 2500.0, "ReadyForMedia", media_type="chat")
    emitted += [agents.seen(ready), agents.passed(3090.0)]
    assert set(agents.sessions) == {"1.1", "2.1"}
    emitted.append(agents.passed(3200.0))
    assert set(agents.sessions) == {"2.1"}
    emitted += [
        agents.seen(event(3, 4000.0, "NotReadyForMedia", media_type="chat")),
        agents.seen(event(3, 4100.0, "AgentLogout")),
        agents.passed(9000.0),
    ]
    assert shapes(each for out in emitted for each in out) == [
        ("EventAgentLogin", 1, None),
        ("EventAgentLogin", 2, None),
        ("EventReadyForMedia", 1, "chat"),
        ("EventNotReadyForMedia", 1, "chat"),
        ("EventAgentLogout", 1, None),
    ]
    assert set(agents.sessions) == {"2.1"}


def test_a_session_that_was_left_over_is_kept_as_it_is() -> None:
    events = [*crashes(3), event(3, 3100.0, "ReadyForMedia", media_type="chat")]
    assert merged(events, interrupted=True) == merged(events)
