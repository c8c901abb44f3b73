from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventAgentLogin,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConfirmSession,
)
from ixproxy.node.work import ConnectionLost
from tests.node.tried import TriedNode

Make = Callable[..., TriedNode]
Stamped = tuple[int, int]


def login(agent: str = "Ann", **more: Any) -> RequestAgentLogin:
    return RequestAgentLogin(tenant_id=1, agent_id=agent, **more)


def logout(agent: str = "Ann", **more: Any) -> RequestAgentLogout:
    return RequestAgentLogout(tenant_id=1, agent_id=agent, **more)


def confirm(stamp: Stamped, agent: str = "Ann", **more: Any) -> RequestConfirmSession:
    return RequestConfirmSession(tenant_id=1, agent_id=agent, agent_session=stamp, **more)


def stamp_of(ack: EventAck) -> Stamped:
    assert ack.agent_session is not None
    return ack.agent_session


def confirmed(node: TriedNode) -> list[Stamped]:
    return sorted((row.number, row.dbid) for row in node.agents() if row.confirmed)


def test_a_client_at_the_node_itself_logs_in_at_once(node: TriedNode) -> None:
    desk = node.desktop()
    stamp = stamp_of(node.ask(desk, login(place_id="P", media_list={"email": 11, "chat": 0})))
    assert stamp == (int(node.now * 1000), 101)
    (row,) = node.agents()
    assert (row.agent_id, row.place_id, row.confirmed) == ("Ann", "P", True)
    assert (row.media, row.sessions) == ({"email": 1, "chat": 0}, [desk.session])
    (event,) = node.reported()
    assert isinstance(event, EventAgentLogin)
    assert (event.agent_id, event.place_id, event.agent_session) == ("Ann", "P", stamp)
    assert event.media_list == {"email": 1, "chat": 0}


def test_stamps_grow_whatever_the_clock_does(node: TriedNode) -> None:
    desk = node.desktop()
    stamps = []
    for step in (0.0, 0.0, -500.0, 1.0):
        node.now += step
        stamps.append(stamp_of(node.ask(desk, login())))
        node.ask(desk, logout())
    assert stamps == sorted(set(stamps))
    node.ask(desk, login())
    node.restart()
    node.now -= 10_000
    desk = node.desktop()
    assert stamp_of(node.ask(desk, login("Bob"))) > stamps[-1]


def test_a_repeated_login_is_acknowledged_without_an_event(node: TriedNode) -> None:
    desk = node.desktop()
    request = login(place_id="P", media_list={"email": 1})
    first = stamp_of(node.ask(desk, request))
    node.reported()
    assert stamp_of(node.ask(desk, request)) == first
    assert stamp_of(node.ask(desk, login(place_id="P", agent_session=first))) == first
    assert node.reported() == []


def test_a_repeated_login_with_other_media_changes_them(node: TriedNode) -> None:
    desk = node.desktop()
    node.ask(desk, login(media_list={"email": 0}))
    node.reported()
    node.ask(desk, login(media_list={"email": 1, "chat": 0}))
    # In the order of their names, on every node alike.
    assert node.names_reported() == ["EventMediaAdded", "EventReadyForMedia"]
    assert node.agents()[0].media == {"email": 1, "chat": 0}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (RequestAgentLogin(tenant_id=9, agent_id="Ann"), Code.UNKNOWN_TENANT),
        (RequestAgentLogin(tenant_id=1), Code.MISSING_VALUE),
        (login(media_list={"letter": 1}), Code.UNKNOWN_MEDIA_TYPE),
        (RequestAgentLogin(tenant_id=2, agent_id="Bob"), Code.UNKNOWN_AGENT),
        (RequestAgentLogin(tenant_id=2, agent_id="Ann", place_id="P9"), Code.UNKNOWN_AGENT),
        (login(provisional=True), Code.NOT_ALLOWED),
    ],
)
def test_a_login_of_what_is_not_known_is_refused(
    node: TriedNode, wrong: RequestAgentLogin, code: int
) -> None:
    assert node.refusal(node.desktop(), wrong) == code


def test_a_place_is_for_one_agent_at_a_time(node: TriedNode) -> None:
    first, second = node.desktop("desk-1"), node.desktop("desk-2")
    node.ask(first, login("Ann", place_id="P"))
    assert node.refusal(second, login("Bob", place_id="P")) == Code.PLACE_OCCUPIED
    node.ask(second, RequestAgentLogin(tenant_id=2, agent_id="Ann", place_id="P1"))
    node.ask(first, logout("Ann"))
    node.ask(second, login("Bob", place_id="P"))


def test_the_agent_id_may_serve_as_the_place(make_node: Make) -> None:
    node = make_node(agent_login_control="ignore")
    node.ask(node.desktop(), login("Ann", place_id="P"))
    assert node.agents()[0].place_id == "Ann"


def test_an_unregistered_session_logs_nobody_in(node: TriedNode) -> None:
    desk = node.desktop()
    node.restart()
    assert node.refusal(desk, login()) == Code.NOT_REGISTERED


def test_a_second_connection_joins_and_the_last_logout_ends_the_session(node: TriedNode) -> None:
    first, second = node.desktop("desk-1"), node.desktop("desk-2")
    stamp = stamp_of(node.ask(first, login(place_id="P")))
    node.reported()
    assert stamp_of(node.ask(second, login())) == stamp
    assert node.reported() == []
    assert node.refusal(second, login(place_id="Q")) == Code.ALREADY_LOGGED_IN
    assert stamp_of(node.ask(first, logout())) == stamp, "as who did not name it may not know it"
    assert node.reported() == []
    assert node.agents()[0].sessions == [second.session]
    node.ask(second, logout())
    assert node.names_reported() == ["EventAgentLogout"]
    assert node.agents() == []


def test_a_second_client_is_refused_where_one_is_allowed(make_node: Make) -> None:
    node = make_node(allow_multiple_agent_connections="false")
    first, second = node.desktop("desk-1"), node.desktop("desk-2")
    stamp = stamp_of(node.ask(first, login()))
    assert node.refusal(second, login()) == Code.ALREADY_LOGGED_IN
    assert stamp_of(node.ask(first, login())) == stamp
    node.run(ConnectionLost(first.session))
    assert node.refusal(second, login()) == Code.ALREADY_LOGGED_IN
    assert stamp_of(node.ask(second, login(agent_session=stamp))) == stamp


def test_a_second_client_may_force_the_first_out(make_node: Make) -> None:
    node = make_node(allow_multiple_agent_connections="force-logout")
    mail, first, second = node.media_server(), node.desktop("desk-1"), node.desktop("desk-2")
    old = stamp_of(node.ask(first, login(place_id="P", media_list={"email": 1})))
    before = node.kept(node.submit(mail))
    node.pull_ids(first, before.id)
    node.reported()
    new = stamp_of(node.ask(second, login(place_id="P2")))
    assert new > old
    assert confirmed(node) == [new]
    assert node.kept(before.id) == before
    assert node.names_told(first) == ["EventRevoked", "EventForcedAgentStateChange"]
    assert node.told(second) == []
    assert node.names_reported() == [
        "EventPartyRemoved",
        "EventPlacedInQueue",
        "EventAgentLogout",
        "EventAgentLogin",
    ]
    assert node.refusal(first, logout(agent_session=old)) == Code.STALE_SESSION


def test_a_logout_returns_what_the_agent_has_in_hand(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    before = node.kept(node.submit(mail))
    node.pull_ids(ann, before.id)
    node.reported()
    node.ask(ann, logout())
    assert node.kept(before.id) == before
    assert node.names_told(ann) == ["EventRevoked"]
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue", "EventAgentLogout"]


def test_a_logout_of_nobody_is_told_so(node: TriedNode) -> None:
    desk, other = node.desktop("desk-1"), node.desktop("desk-2")
    assert node.refusal(desk, logout()) == Code.NOT_LOGGED_IN_FOR_LOGOUT
    stamp = stamp_of(node.ask(desk, login()))
    assert node.refusal(other, logout()) == Code.NOT_LOGGED_IN_FOR_LOGOUT
    node.ask(desk, logout(agent_session=stamp))
    assert node.ask(desk, logout(agent_session=stamp)) == EventAck()


def test_a_login_that_names_an_older_session_is_stale(node: TriedNode) -> None:
    desk = node.desktop()
    number, dbid = stamp_of(node.ask(desk, login()))
    assert node.refusal(desk, login(agent_session=(number - 1, dbid))) == Code.STALE_SESSION
    newer = (number + 1, 102)
    assert stamp_of(node.ask(desk, login(agent_session=newer))) == newer
    assert confirmed(node) == [newer]


@pytest.fixture
def behind(node: TriedNode) -> Callable[[str], Any]:
    return lambda name: node.desktop(name, through_proxy=True)


def test_a_proxys_login_is_nothing_until_it_is_confirmed(
    node: TriedNode, behind: Callable[[str], Any]
) -> None:
    desk, mail = behind("desk-1"), node.media_server()
    id = node.submit(mail)
    node.reported()
    stamp = stamp_of(node.ask(desk, login(provisional=True, media_list={"email": 0})))
    assert node.reported() == []
    with pytest.raises(Exception, match=str(Code.AGENT_NOT_LOGGED_IN)):
        node.pull_ids(desk, id)
    assert node.agents()[0].confirmed is False
    done = node.ask(desk, confirm(stamp, place_id="P", media_list={"email": 1}))
    assert stamp_of(done) == stamp
    (event,) = node.reported()
    assert (event.agent_session, event.media_list, event.place_id) == (stamp, {"email": 1}, "P")
    assert node.ask(desk, confirm(stamp, place_id="P", media_list={"email": 1})) == done
    assert node.reported() == []
    node.wait(11)
    assert confirmed(node) == [stamp]
    node.pull_ids(desk, id)


def test_a_provisional_login_is_undone_by_a_logout_that_names_it(
    node: TriedNode, behind: Callable[[str], Any]
) -> None:
    desk = behind("desk-1")
    stamp = stamp_of(node.ask(desk, login(provisional=True)))
    assert node.ask(desk, logout(agent_session=stamp)) == EventAck()
    assert node.agents() == []
    assert node.ask(desk, logout(agent_session=stamp)) == EventAck()
    assert node.reported() == []


def test_the_home_node_confirms_only_what_it_still_knows(
    node: TriedNode, behind: Callable[[str], Any]
) -> None:
    desk = behind("desk-1")
    stamp = stamp_of(node.ask(desk, login(provisional=True)))
    node.wait(10)
    assert node.refusal(desk, confirm(stamp)) == Code.STALE_SESSION
    assert stamp_of(node.ask(desk, login(provisional=True, agent_session=stamp))) == stamp
    assert stamp_of(node.ask(desk, confirm(stamp))) == stamp


def test_other_nodes_take_what_they_are_told_unless_they_know_better(
    node: TriedNode, behind: Callable[[str], Any]
) -> None:
    desk = behind("desk-1")
    there = (int(node.now * 1000) + 5, 102)
    node.ask(desk, confirm(there, media_list={"chat": 1}))
    assert confirmed(node) == [there]
    older = (there[0] - 1, 103)
    assert node.refusal(desk, confirm(older)) == Code.STALE_SESSION
    newer = (there[0], 103)
    node.reported()
    node.ask(desk, confirm(newer))
    assert confirmed(node) == [newer]
    assert node.names_reported() == ["EventAgentLogout", "EventAgentLogin"]
    assert node.refusal(desk, confirm((0, 0), agent="")) == Code.MISSING_VALUE
    nameless = RequestConfirmSession(tenant_id=1, agent_id="Ann")
    assert node.refusal(desk, nameless) == Code.MISSING_VALUE


def test_a_stamp_of_the_home_node_is_kept_by_the_others(
    node: TriedNode, behind: Callable[[str], Any]
) -> None:
    desk = behind("desk-1")
    stamp = (int(node.now * 1000) + 7, 102)
    assert stamp_of(node.ask(desk, login(provisional=True, agent_session=stamp))) == stamp
    assert stamp_of(node.ask(desk, login(provisional=True, agent_session=stamp))) == stamp
    assert len(node.agents()) == 1
    assert stamp_of(node.ask(node.desktop("other"), login("Bob"))) > stamp


def test_behind_a_proxy_too_a_second_connection_joins(
    node: TriedNode, behind: Callable[[str], Any]
) -> None:
    first, second, third = behind("desk-1"), behind("desk-2"), behind("desk-3")
    stamp = stamp_of(node.ask(first, login(provisional=True)))
    assert stamp_of(node.ask(second, login(provisional=True))) == stamp
    node.ask(second, logout(agent_session=stamp))
    node.ask(first, confirm(stamp))
    assert stamp_of(node.ask(third, login(provisional=True))) == stamp
    node.reported()
    node.ask(third, confirm(stamp))
    assert node.reported() == []
    assert sorted(node.agents()[0].sessions) == sorted([first.session, third.session])


def test_a_second_client_is_refused_while_the_first_is_not_confirmed_yet(
    make_node: Make,
) -> None:
    node = make_node(allow_multiple_agent_connections="false")
    first = node.desktop("desk-1", through_proxy=True)
    second = node.desktop("desk-2", through_proxy=True)
    stamp = stamp_of(node.ask(first, login(provisional=True)))
    assert node.refusal(second, login(provisional=True)) == Code.ALREADY_LOGGED_IN
    assert node.refusal(second, login()) == Code.ALREADY_LOGGED_IN
    again = stamp_of(node.ask(first, login(provisional=True)))
    assert again > stamp
    assert [(row.number, row.dbid) for row in node.agents()] == [again]
    node.ask(first, confirm(again))
    assert node.refusal(second, login(provisional=True)) == Code.ALREADY_LOGGED_IN


def test_of_two_provisional_logins_from_different_homes_the_higher_stamp_wins(
    make_node: Make,
) -> None:
    node = make_node(allow_multiple_agent_connections="false")
    first = node.desktop("desk-1", through_proxy=True)
    second = node.desktop("desk-2", through_proxy=True)
    number, dbid = stamp_of(node.ask(first, login(provisional=True)))
    lower, higher = (number - 1, 102), (number, 102)
    assert (
        node.refusal(second, login(provisional=True, agent_session=lower)) == Code.ALREADY_LOGGED_IN
    )
    node.ask(second, login(provisional=True, agent_session=higher))
    assert [(row.number, row.dbid) for row in node.agents()] == [higher]
    assert node.refusal(first, confirm((number, dbid))) == Code.STALE_SESSION
    node.ask(second, confirm(higher))
    assert confirmed(node) == [higher]


def test_what_a_node_missed_does_not_stand_in_the_way_of_a_newer_session(
    make_node: Make,
) -> None:
    node = make_node(allow_multiple_agent_connections="false")
    first = node.desktop("desk-1", through_proxy=True)
    second = node.desktop("desk-2", through_proxy=True)
    number, _ = stamp_of(node.ask(first, login()))
    newer = (number + 1, 102)
    request = login(provisional=True, agent_session=newer)
    assert node.refusal(second, request) == Code.ALREADY_LOGGED_IN
    node.run(ConnectionLost(first.session))
    node.ask(second, request)
    node.ask(second, confirm(newer))
    assert confirmed(node) == [newer]


def test_with_force_the_older_stays_until_the_newer_is_confirmed(make_node: Make) -> None:
    node = make_node(allow_multiple_agent_connections="force-logout")
    mail = node.media_server()
    first = node.desktop("desk-1", through_proxy=True)
    second = node.desktop("desk-2", through_proxy=True)
    old = stamp_of(node.ask(first, login(provisional=True)))
    node.ask(first, confirm(old))
    before = node.kept(node.submit(mail))
    node.pull_ids(first, before.id)
    new = stamp_of(node.ask(second, login(provisional=True)))
    assert confirmed(node) == [old]
    assert node.kept(before.id).state == 3
    node.ask(second, confirm(new))
    assert confirmed(node) == [new]
    assert node.kept(before.id) == before
    assert "EventRevoked" in node.names_told(first)


def test_a_client_that_logs_in_again_with_force_keeps_what_it_has_in_hand(
    make_node: Make,
) -> None:
    node = make_node(allow_multiple_agent_connections="force-logout")
    mail, desk = node.media_server(), node.desktop("desk-1", through_proxy=True)
    number, _ = stamp_of(node.ask(desk, login()))
    id = node.submit(mail)
    node.pull_ids(desk, id)
    node.ask(desk, confirm((number + 1, 102)))
    assert node.kept(id).state == 3
    assert node.told(desk) == []


def test_confirmed_sessions_are_valid_after_a_start_and_provisional_ones_soon_gone(
    node: TriedNode, behind: Callable[[str], Any]
) -> None:
    ann, bob = node.agent("Ann"), behind("desk-bob")
    node.ask(bob, login("Bob", provisional=True))
    node.restart()
    assert sorted(row.agent_id for row in node.agents()) == ["Ann", "Bob"]
    node.wait(10)
    assert [row.agent_id for row in node.agents()] == ["Ann"]
    ann = node.desktop("desk-Ann", session=ann.session)
    node.pull_ids(ann, node.submit(node.media_server()))
