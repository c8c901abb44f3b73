"""
Two proxies log one agent in at the same time: every order in which messages may arrive.

Whatever the order, in the end all nodes have the same session of the agent, at
most one; who was told to be logged in is in it, and nobody else.
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import EventAck, EventForcedAgentStateChange, RequestAgentLogout
from ixproxy.node.model import NodeSettings
from ixproxy.values import NodeName, rendezvous
from tests.testing.interleavings import LOGIN, TENANT, World, every_end, session_of, some_ends

MODES = ("true", "false", "force-logout")
LOGOUT = RequestAgentLogout(tenant_id=TENANT, agent_id="ann")


def order(world: World) -> list[str]:
    """The nodes, the agent's home first."""
    return list(rendezvous(f"{TENANT}/ann", map(NodeName, world.nodes)))


def believed(heard: list[Any]) -> Any:
    """
    The session that a client must believe it is logged in by. A logout is answered with the
    session that it ended, so an answer that names one for the second time is that of a logout.
    """
    stamp, had = None, set()
    for message in heard:
        if isinstance(message, EventAck):
            stamp = None if message.agent_session in had else message.agent_session
            had.add(message.agent_session)
        elif isinstance(message, EventForcedAgentStateChange):
            ended = message.agent_state_change_operation == "Logout"
            stamp = None if ended and message.agent_session == stamp else stamp
    return stamp


def check(world: World) -> None:
    """Raise AssertionError where the nodes, the proxies and the clients do not agree."""
    rows = [node.rows() for node in world.nodes.values()]
    assert all(each == rows[0] for each in rows), rows
    assert len(rows[0]) <= 1, rows
    stamp, confirmed, sessions = rows[0][0] if rows[0] else (None, True, ())
    assert confirmed
    for at, proxy in enumerate(world.proxies):
        inside = session_of(at) in sessions
        assert believed(world.heard[at]) == (stamp if inside else None), (rows, world.heard)
        agents = proxy._agents
        assert [session.stamp for session in agents.sessions] == ([stamp] if inside else [])
        assert not agents.busy
        assert not agents._waiting
        assert not len(agents.forced)
        assert not len(agents.sessions.absences)


def both_log_in(world: World) -> None:
    for proxy in range(len(world.proxies)):
        world.say(proxy, LOGIN)


@pytest.mark.parametrize("mode", MODES)
def test_every_order_ends_with_one_session(mode: str) -> None:
    """Test idea 32: all three rules for a second connection, through two proxies."""
    world = World(2, 2, mode)
    both_log_in(world)
    winners = set()
    for end in every_end(world):
        check(end)
        heard = [believed(each) for each in end.heard]
        winners.add(tuple(stamp is not None for stamp in heard))
    assert winners == ({(True, True)} if mode == "true" else {(True, False), (False, True)})


@pytest.mark.parametrize("who", ["home", "other"])
@pytest.mark.parametrize("mode", MODES)
def test_a_proxy_that_has_lost_a_node_and_one_that_has_not(mode: str, who: str) -> None:
    """With the home node lost the two proxies ask different nodes first."""
    world = World(2, 2, mode)
    home, other = order(world)
    world.lose(0, home if who == "home" else other)
    world.run()
    both_log_in(world)
    for end in every_end(world):
        check(end)


@pytest.mark.parametrize("skew", [0.0, 5.0, -5.0])
@pytest.mark.parametrize("mode", MODES)
def test_proxies_that_see_different_nodes_agree_when_they_see_all(mode: str, skew: float) -> None:
    """Nobody can know better while it lasts; the newer session wins when it is over."""
    world = World(2, 2, mode, skew)
    home, other = order(world)
    world.lose(0, home)
    world.lose(1, other)
    world.run()
    both_log_in(world)
    for end in every_end(world):
        check(end)


@pytest.mark.parametrize("who", ["home", "other"])
@pytest.mark.parametrize("mode", MODES)
def test_a_link_that_breaks_at_any_moment(mode: str, who: str) -> None:
    """Test idea 29: the node drops in mid-login, and returns."""
    world = World(2, 2, mode)
    home, other = order(world)
    world.accidents = ((0, home if who == "home" else other),)
    both_log_in(world)
    for end in every_end(world):
        check(end)


@pytest.mark.parametrize("mode", MODES)
def test_a_login_and_a_logout_cross(mode: str) -> None:
    world = World(2, 2, mode)
    world.say(0, LOGIN)
    world.run()
    world.say(0, LOGOUT)
    world.say(1, LOGIN)
    for end in every_end(world):
        check(end)


@pytest.mark.parametrize("views", ["all", "home lost", "a link breaks", "the home node dies"])
@pytest.mark.parametrize("mode", MODES)
def test_three_nodes_by_chance(mode: str, views: str) -> None:
    world = World(2, 3, mode, skew=0.001)
    home = order(world)[0]
    if views == "home lost":
        world.lose(0, home)
        world.run()
    elif views == "a link breaks":
        world.accidents = ((0, home), (1, order(world)[1]))
    elif views == "the home node dies":
        world.accidents = ((0, home), (1, home))
    both_log_in(world)
    for end in some_ends(world, 7, 150):
        check(end)


@pytest.mark.parametrize("mode", MODES)
def test_a_login_that_one_node_refuses_is_not_reported_by_any(mode: str) -> None:
    """Test idea 27: all rolled back, one error, zero net reporting events."""
    world = World(2, 2, mode)
    world.nodes[order(world)[1]].settings = NodeSettings(agent_seats=0)
    world.say(0, LOGIN)
    for end in every_end(world):
        check(end)
        assert [message.error_code for message in end.heard[0]] == [Code.NO_LICENCE]
        assert not any(node.reported for node in end.nodes.values())


@pytest.mark.parametrize("lost_first", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_an_agent_who_comes_back_through_another_proxy_is_not_reported(
    mode: str, lost_first: bool
) -> None:
    """
    Test ideas 31 and 37: the nodes keep the session for its client, which names it
    through another proxy, whether they have heard of the loss or not.
    """
    world = World(1, 2, mode)
    world.say(0, LOGIN)
    world.run()
    stamp = believed(world.heard[0])
    world.add_proxy()
    if lost_first:
        world.leave(0)
        world.run()
    world.register(1, 0)
    world.run()
    for node in world.nodes.values():
        node.reported.clear()
    world.heard[1].clear()
    if not lost_first:
        world.leave(0)
    world.say(1, replace(LOGIN, agent_session=stamp))
    for end in every_end(world):
        assert believed(end.heard[1]) == stamp
        assert all(node.rows() == [(stamp, True, (session_of(0),))] for node in end.nodes.values())
        assert not any(node.reported for node in end.nodes.values())
