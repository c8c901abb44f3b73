"""Which agent session a row belongs to."""

from __future__ import annotations

from ixproxy.eventlog.merging.agent_acts import AgentEvent
from ixproxy.eventlog.merging.agent_finding import SETTLING, Sessions
from ixproxy.eventlog.merging.agent_records import Session
from tests.eventlog.merging.agent_worlds import event


def session(key: str, began: float = 1.0, **more: object) -> Session:
    return Session(key, "." in key, 1, "anna", "p1", began, **more)  # type: ignore[arg-type]


def unnamed(dbid: int, time: float, name: str = "AgentLogin", place: str = "p1") -> AgentEvent:
    return event(
        dbid, time, name, agent_session_number=None, agent_session_dbid=None, place_id=place
    )


def test_a_session_is_found_by_its_name() -> None:
    one = session("1.1", nodes={1: 1.0})
    sessions = Sessions([one, session("a")])
    for name in ("AgentLogin", "AgentLogout"):
        seen = event(7, 1.0, name)
        assert (sessions.for_login(seen), sessions.of(seen)) == (one, one)
        other = seen._replace(session_number=2)
        assert (sessions.for_login(other), sessions.of(other)) == (None, None)


def test_those_of_an_agent_are_in_their_order() -> None:
    sessions = Sessions([session("b", 2.0), session("a", 2.0), session("3.1", 1.0)])
    assert [each.key for each in sessions.of_agent(event(1, 1.0, "AgentLogin"))] == [
        "3.1",
        "a",
        "b",
    ]
    assert sessions.of_agent(event(1, 1.0, "AgentLogin", agent_id="bert")) == []


def test_what_is_forgotten_is_not_found() -> None:
    one = session("1.1")
    sessions = Sessions([one])
    sessions.forget(one)
    assert sessions.all == {}
    assert sessions.of_agent(event(1, 1.0, "AgentLogin")) == []


def test_a_login_without_a_name_belongs_to_what_others_have_open() -> None:
    one = session("a", nodes={1: 1.0})
    assert Sessions([one]).for_login(unnamed(2, 500.0)) is one
    assert Sessions([one]).for_login(unnamed(2, 500.0, place="p2")) is None
    assert Sessions([one]).for_login(unnamed(2, 500.0)._replace(agent_id="bert")) is None


def test_a_node_that_has_a_session_alone_and_logs_in_begins_another() -> None:
    assert Sessions([session("a", nodes={1: 1.0})]).for_login(unnamed(1, 500.0)) is None
    two = session("a", nodes={1: 1.0, 2: 1.0})
    assert Sessions([two]).for_login(unnamed(1, 500.0)) is two


def test_a_node_that_left_a_moment_ago_begins_another_and_later_comes_back() -> None:
    one = session("a", nodes={2: 1.0}, left={1: 100.0})
    assert Sessions([one]).for_login(unnamed(1, 100.0 + SETTLING)) is None
    assert Sessions([one]).for_login(unnamed(1, 100.1 + SETTLING)) is one


def test_a_slow_nodes_login_to_what_is_over_already_is_found() -> None:
    one = session("a", left={1: 2.0}, closed=2.0)
    assert Sessions([one]).for_login(unnamed(2, 3.0)) is one
    assert Sessions([one]).for_login(unnamed(1, 3.0)) is None
    assert Sessions([one]).for_login(unnamed(2, 1.0 + SETTLING)) is None


def test_a_change_without_a_name_belongs_to_the_oldest_that_its_node_has() -> None:
    one = session("a", nodes={2: 1.0}, left={1: 4.0})
    two = session("b", 5.0, nodes={1: 5.0})
    sessions = Sessions([one, two])
    assert sessions.of(unnamed(2, 6.0, "AgentLogout")) is one
    assert sessions.of(unnamed(1, 6.0, "AgentLogout")) is two
    assert sessions.of(unnamed(3, 6.0, "AgentLogout")) is two
    assert sessions.of(unnamed(3, 6.0, "AgentLogout", "p2")) is None


def test_what_was_over_for_long_is_not_found_without_a_name() -> None:
    sessions = Sessions([session("a", left={1: 4.0}, closed=4.0)])
    assert sessions.of(unnamed(2, 5.0, "AgentLogout")) is not None
    assert sessions.of(unnamed(2, 4.0 + SETTLING, "AgentLogout")) is None
