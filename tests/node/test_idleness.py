from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ixproxy.messages import (
    EventForcedAgentStateChange,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConfirmSession,
    RequestPing,
)
from ixproxy.node.idleness import IDLE
from ixproxy.node.work import Asked, Tick
from tests.node.tried import TriedNode

Make = Callable[..., TriedNode]
MINUTE = 60.0


def test_an_agent_of_whom_nothing_is_heard_is_logged_out_by_the_node(make_node: Make) -> None:
    node = make_node(login_session_timeout=10)
    mail, desk = node.media_server(), node.agent("Ann")
    node.submit(mail)
    ((id, _),) = node.pull(desk).items()
    node.wait(10 * MINUTE - 1)
    assert len(node.agents()) == 1
    node.reported()
    node.wait(1)
    assert node.agents() == []
    names = node.names_reported()
    assert names[-1] == "EventAgentLogout"
    assert node.parties(id) == []
    (told,) = [each for each in node.told(desk) if isinstance(each, EventForcedAgentStateChange)]
    assert (told.agent_state_change_operation, told.by_server) == ("Logout", True)
    assert told.reason == IDLE


def test_any_request_of_one_of_its_clients_counts(make_node: Make) -> None:
    node = make_node(login_session_timeout=10)
    first, second = node.agent("Ann"), node.desktop("desk-2")
    node.ask(second, RequestAgentLogin(tenant_id=1, agent_id="Ann", place_id="P-Ann"))
    for _ in range(4):
        node.wait(9 * MINUTE)
        node.ask(second, RequestPing())
    assert len(node.agents()) == 1
    node.wait(9 * MINUTE)
    node.perform(first, RequestAgentLogin(tenant_id=9, agent_id="Ann"))
    node.wait(9 * MINUTE)
    assert len(node.agents()) == 1, "a refused request is one, too"
    node.wait(1 * MINUTE)
    assert node.agents() == []


def test_the_node_looks_just_when_somebody_may_be_due(make_node: Make) -> None:
    node = make_node(login_session_timeout=10)
    assert node.core.next_due() is None
    desk = node.agent("Ann")
    began = node.now
    assert node.core.next_due() == began + 10 * MINUTE
    node.now += 4 * MINUTE
    node.ask(desk, RequestPing())
    assert node.core.next_due() == began + 10 * MINUTE
    node.wait(6 * MINUTE)
    assert node.core.next_due() == began + 14 * MINUTE
    node.wait(4 * MINUTE)
    assert node.agents() == []


def test_a_start_counts_as_a_request_of_everybody(make_node: Make) -> None:
    node = make_node(login_session_timeout=10, agent_session_restore_timeout=10_000)
    node.agent("Ann")
    node.wait(9 * MINUTE)
    node.restart()
    node.wait(9 * MINUTE)
    assert len(node.agents()) == 1
    node.wait(1 * MINUTE)
    assert node.agents() == []


def test_a_shorter_time_holds_at_once(make_node: Make) -> None:
    node = make_node(login_session_timeout=10)
    node.agent("Ann")
    node.wait(5 * MINUTE)
    shorter = replace(node.settings, login_session_timeout=4)
    node.core.configuration_changed(node.model, shorter, node.now)
    due = node.core.next_due()
    assert due is not None
    assert due <= node.now
    node.wait(0)
    assert node.agents() == []


def test_only_the_node_that_gave_the_stamp_ends_a_session(make_node: Make) -> None:
    node = make_node(login_session_timeout=10)
    desk = node.desktop("desk", through_proxy=True)
    confirm = RequestConfirmSession(tenant_id=1, agent_id="Ann", agent_session=(5, 102))
    node.ask(desk, confirm)
    node.wait(100 * MINUTE)
    assert len(node.agents()) == 1
    assert node.core.next_due() is None


def test_a_logout_that_was_taken_back_leaves_nobody_logged_in_for_ever(make_node: Make) -> None:
    node = make_node(login_session_timeout=10)
    desk = node.agent("Ann")
    logout = Asked(desk, RequestAgentLogout(tenant_id=1, agent_id="Ann"), 0, "logout")
    # The agent is out for the tick, which finds nobody to wait for; then nothing of it was.
    node.now += 10 * MINUTE
    node.store.commits = ["fails", "fails"]
    outcome = node.core.run([logout, Tick()], node.now)
    assert len(outcome.failures) == 1
    assert len(node.agents()) == 1
    assert node.core.next_due() == node.now + MINUTE
    node.wait(10 * MINUTE)
    assert node.agents() == []
