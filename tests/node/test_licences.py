from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import (
    EventForcedAgentStateChange,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConfirmSession,
)
from ixproxy.messages.agents import NO_SEAT, REPLAYED
from ixproxy.node.expiry import PROVISIONAL_SECONDS
from ixproxy.node.work import ConnectionLost, Sender
from tests.node.tried import TriedNode

Make = Callable[..., TriedNode]


def login(agent: str, *, provisional: bool = False) -> RequestAgentLogin:
    return RequestAgentLogin(tenant_id=1, agent_id=agent, provisional=provisional)


def logout(agent: str) -> RequestAgentLogout:
    return RequestAgentLogout(tenant_id=1, agent_id=agent)


def seats(node: TriedNode, number: int | None) -> None:
    """The number is changed while the node runs."""
    node.settings = replace(node.settings, agent_seats=number)
    node.core.configuration_changed(node.model, node.settings, node.now)


def names(node: TriedNode) -> list[str]:
    return sorted(row.agent_id for row in node.agents())


def test_a_login_beyond_the_seats_is_refused_until_one_is_free(make_node: Make) -> None:
    node = make_node(agent_seats=2)
    desk = node.desktop()
    node.ask(desk, login("Ann"))
    node.ask(desk, login("Bob"))
    assert node.refusal(desk, login("Cy")) == Code.NO_LICENCE == 3053
    node.ask(desk, logout("Ann"))
    node.ask(desk, login("Cy"))
    assert names(node) == ["Bob", "Cy"]


def test_a_provisional_login_takes_a_seat_too_and_only_one(make_node: Make) -> None:
    node = make_node(agent_seats=1)
    desk = node.desktop(through_proxy=True)
    stamp = node.ask(desk, login("Ann", provisional=True)).agent_session
    assert node.refusal(desk, login("Bob", provisional=True)) == Code.NO_LICENCE
    confirm = RequestConfirmSession(tenant_id=1, agent_id="Ann", agent_session=stamp)
    node.ask(desk, confirm)
    later = int(node.now * 1000) + 1000
    other = RequestConfirmSession(tenant_id=1, agent_id="Bob", agent_session=(later, 102))
    assert node.refusal(desk, other) == Code.NO_LICENCE
    node.ask(desk, logout("Ann"))
    node.ask(desk, login("Bob", provisional=True))
    node.wait(PROVISIONAL_SECONDS)
    node.ask(desk, other)


@pytest.mark.parametrize("provisional", [False, True])
def test_another_connection_of_an_agent_who_is_in_needs_no_seat(
    make_node: Make, provisional: bool
) -> None:
    node = make_node(agent_seats=1)
    node.ask(node.desktop("desk-1"), login("Ann"))
    second = node.desktop("desk-2", through_proxy=provisional)
    node.ask(second, login("Ann", provisional=provisional))
    seats(node, 0)
    node.ask(second, login("Ann", provisional=provisional))


def test_fewer_seats_log_the_newest_agents_out_and_what_they_hold_goes_back(
    make_node: Make,
) -> None:
    """Test idea 33: who is logged out, and how many events."""
    node = make_node(agent_seats=4)
    mail = node.media_server()
    desks = {}
    for agent in ("Ann", "Bob", "Cy", "Di"):
        desks[agent] = node.agent(agent)
        node.now += 1
    node.submit(mail)
    ((id, _),) = node.pull(desks["Di"]).items()
    waiting = node.desktop("waiting", through_proxy=True)
    seats(node, 2)
    assert node.core.next_due() == 0.0
    node.reported()
    node.wait(0)
    assert names(node) == ["Ann", "Bob"]
    assert node.parties(id) == []
    logouts = [each for each in node.reported() if type(each).__name__ == "EventAgentLogout"]
    assert [(each.agent_id, each.reason) for each in logouts] == [("Di", NO_SEAT), ("Cy", NO_SEAT)]
    for agent in ("Cy", "Di"):
        events = node.told(desks[agent])
        (told,) = [each for each in events if isinstance(each, EventForcedAgentStateChange)]
        assert (told.agent_state_change_operation, told.by_server) == ("Logout", True)
        assert told.reason == NO_SEAT
    assert node.refusal(waiting, login("Cy", provisional=True)) == Code.NO_LICENCE
    assert node.core.next_due() != 0.0
    node.wait(1)
    assert node.reported() == []


def test_who_is_not_confirmed_goes_first(make_node: Make) -> None:
    node = make_node(agent_seats=2)
    desk = node.desktop(through_proxy=True)
    stamp = node.ask(desk, login("Ann", provisional=True)).agent_session
    node.now += 1
    node.agent("Bob")
    seats(node, 1)
    node.wait(0)
    assert names(node) == ["Bob"]
    confirm = RequestConfirmSession(tenant_id=1, agent_id="Ann", agent_session=stamp)
    assert node.refusal(desk, confirm) in (Code.STALE_SESSION, Code.NO_LICENCE)


def test_a_start_with_fewer_seats_does_the_same(make_node: Make) -> None:
    node = make_node()
    for agent in ("Ann", "Bob"):
        node.agent(agent)
        node.now += 1
    node.settings = replace(node.settings, agent_seats=1)
    node.restart()
    node.wait(0)
    assert names(node) == ["Ann"]


def decided(agent: str, number: int) -> RequestConfirmSession:
    """The session of an agent that another node has decided."""
    return RequestConfirmSession(
        tenant_id=1, agent_id=agent, agent_session=(number, 102), extension={REPLAYED: 1}
    )


def full(make_node: Make) -> tuple[TriedNode, dict[str, Sender]]:
    """Bob and Cy have the two seats that there are; Bob is the older."""
    node = make_node(agent_seats=2)
    desks = {agent: node.desktop(agent, through_proxy=True) for agent in ("Ann", "Bob", "Cy")}
    node.ask(desks["Bob"], decided("Bob", 20))
    node.ask(desks["Cy"], decided("Cy", 30))
    node.reported()
    return node, desks


def test_a_full_node_takes_a_decided_session_that_is_older_than_its_newest(
    make_node: Make,
) -> None:
    """Nodes that did not hear of each other let in more agents than there are seats."""
    node, desks = full(make_node)
    node.ask(desks["Ann"], decided("Ann", 25))
    assert names(node) == ["Ann", "Bob"]
    (told,) = node.told(desks["Cy"])
    assert isinstance(told, EventForcedAgentStateChange)
    assert (told.agent_state_change_operation, told.reason) == ("Logout", NO_SEAT)
    assert told.agent_session == (30, 102)


def test_a_full_node_refuses_a_decided_session_that_is_newer_than_all(make_node: Make) -> None:
    node, desks = full(make_node)
    assert node.refusal(desks["Ann"], decided("Ann", 31)) == Code.NO_LICENCE
    seats(node, 0)
    assert node.refusal(desks["Ann"], decided("Ann", 1)) == Code.NO_LICENCE


def test_a_login_that_is_not_confirmed_gives_way_to_a_decided_session(make_node: Make) -> None:
    node = make_node(agent_seats=1)
    desks = {agent: node.desktop(agent, through_proxy=True) for agent in ("Ann", "Bob")}
    stamp = node.ask(desks["Bob"], login("Bob", provisional=True)).agent_session
    assert stamp is not None
    node.ask(desks["Ann"], decided("Ann", stamp[0] + 1))
    assert names(node) == ["Ann"]


def test_nobody_goes_for_a_session_while_another_agent_may_be_out_already(
    make_node: Make,
) -> None:
    """Whose clients are away may have logged out where this node could not hear it."""
    node, desks = full(make_node)
    node.run(ConnectionLost(desks["Bob"].session))
    assert node.refusal(desks["Ann"], decided("Ann", 25)) == Code.BUSY
    assert node.refusal(desks["Ann"], decided("Ann", 31)) == Code.BUSY
    node.wait(node.settings.agent_session_restore_timeout + 1)
    node.ask(desks["Ann"], decided("Ann", 25))
    assert names(node) == ["Ann", "Cy"]


EVERYBODY = ["Ann", "Bob", "Cy", "Di"]


@given(st.permutations(EVERYBODY), st.integers(1, 3))
def test_nodes_that_are_told_the_same_sessions_come_to_the_same_agents(
    order: list[str], number: int
) -> None:
    node = TriedNode()
    try:
        seats(node, number)
        desk = node.desktop(through_proxy=True)
        for agent in order:
            node.perform(desk, decided(agent, 10 + EVERYBODY.index(agent)))
        assert names(node) == EVERYBODY[:number]
    finally:
        node.discard()


STEPS = st.tuples(
    st.sampled_from(["in", "waits", "out", "seats"]),
    st.sampled_from(["Ann", "Bob", "Cy"]),
    st.integers(0, 3),
)


@given(st.lists(STEPS, max_size=15))
def test_there_are_never_more_agents_than_seats(steps: list[tuple[str, str, int]]) -> None:
    node = TriedNode()
    try:
        desk = node.desktop(through_proxy=True)
        limit: int | None = None
        for what, agent, number in steps:
            if what == "seats":
                limit = number
                seats(node, number)
                node.wait(0)
            else:
                waits = what == "waits"
                request = logout(agent) if what == "out" else login(agent, provisional=waits)
                node.perform(desk, request)
            there = {row.agent_id for row in node.agents()}
            assert limit is None or len(there) <= limit
            assert there == {name for _, name in node.turn().memory.agents}
    finally:
        node.discard()
