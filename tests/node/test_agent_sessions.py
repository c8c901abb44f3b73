from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventForcedAgentStateChange,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConfirmSession,
    RequestSubmit,
    Workbin,
)
from ixproxy.messages.agents import ANOTHERS, BY_SERVER
from ixproxy.messages.message import Actor
from ixproxy.node.agent_sessions import CLOCKS_APART, PLACE_TAKEN, new_stamp, stamp_of
from ixproxy.node.rows import AgentRow
from ixproxy.node.work import Asked, Goodbye, Refuse
from ixproxy.values import Stamp
from tests.node.tried import TriedNode


def test_a_session_is_named_by_its_number_and_the_node_that_gave_it() -> None:
    row = AgentRow(tenant_id=1, agent_id="Ann", number=5, dbid=7)
    assert stamp_of(row) == Stamp(5, 7)


def test_a_new_stamp_is_greater_than_any_that_was_seen(node: TriedNode) -> None:
    desk = node.desktop(through_proxy=True)
    far = (int(node.now * 1000) + 10**6, 102)
    node.ask(
        desk,
        RequestAgentLogin(tenant_id=1, agent_id="Ann", provisional=True, agent_session=far),
    )
    turn = node.turn()
    assert new_stamp(turn) == Stamp(far[0] + 1, 101)
    assert new_stamp(turn) == Stamp(far[0] + 2, 101)


@pytest.mark.parametrize("request_class", [RequestAgentLogin, RequestConfirmSession])
def test_a_session_of_a_time_to_come_is_refused_for_it_would_use_up_all_numbers(
    node: TriedNode, request_class: type[RequestAgentLogin | RequestConfirmSession]
) -> None:
    desk = node.desktop(through_proxy=True)
    last = int((node.now + CLOCKS_APART) * 1000)
    for number, refused in ((2**63 - 1, True), (last + 1, True), (last, False)):
        asked = request_class(tenant_id=1, agent_id="Ann", agent_session=(number, 102))
        if refused:
            assert node.refusal(desk, asked) == Code.BAD_ATTRIBUTE
            assert new_stamp(node.turn()).number < last
        else:
            node.ask(desk, asked)
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Bob"))


def test_a_client_may_have_so_many_agents(node: TriedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.node.agents.MAX_AGENTS", 2)
    desk = node.desktop(through_proxy=True)
    ann = RequestAgentLogin(tenant_id=1, agent_id="Ann")
    bob = RequestAgentLogin(tenant_id=1, agent_id="Bob", provisional=True)
    cid = RequestAgentLogin(tenant_id=1, agent_id="Cid")
    node.ask(desk, ann)
    node.ask(desk, bob)
    assert node.refusal(desk, cid) == Code.LIMIT_REACHED
    node.ask(desk, ann)
    stamp = node.ask(desk, bob).agent_session
    node.ask(desk, RequestConfirmSession(tenant_id=1, agent_id="Bob", agent_session=stamp))
    assert node.refusal(desk, cid) == Code.LIMIT_REACHED
    node.ask(desk, RequestAgentLogout(tenant_id=1, agent_id="Ann"))
    node.ask(desk, cid)
    node.ask(node.desktop("other"), ann)


def test_a_client_may_have_several_agents_and_a_goodbye_logs_all_of_them_out(
    node: TriedNode,
) -> None:
    desk, other = node.desktop("desk-1"), node.desktop("desk-2")
    for agent in ("Ann", "Bob"):
        node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id=agent))
    node.ask(other, RequestAgentLogin(tenant_id=1, agent_id="Bob"))
    node.ask(desk, RequestAgentLogin(tenant_id=2, agent_id="Ann"))
    node.reported()
    node.run(Goodbye(desk.session))
    assert [(row.agent_id, row.sessions) for row in node.agents()] == [("Bob", [other.session])]
    assert node.names_reported() == ["EventAgentLogout", "EventAgentLogout"]


def test_only_what_the_agent_has_in_hand_goes_back_at_a_logout(node: TriedNode) -> None:
    mail, desk = node.media_server(), node.desktop()
    for tenant in (1, 2):
        node.ask(desk, RequestAgentLogin(tenant_id=tenant, agent_id="Ann"))
    drafts = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
    first, second = node.submit(mail, workbin=drafts), node.submit(mail)
    node.pull_ids(desk, first, second)
    node.ask(desk, RequestAgentLogout(tenant_id=2, agent_id="Ann"))
    assert [node.kept(id).state for id in (first, second)] == [3, 3]
    node.ask(desk, RequestAgentLogout(tenant_id=1, agent_id="Ann"))
    assert [node.kept(id).state for id in (first, second)] == [0, 0]
    assert node.kept(first).workbin_agent == "Ann"


def test_a_client_that_logs_in_again_and_out_in_one_batch_returns_what_it_has(
    node: TriedNode,
) -> None:
    mail, desk = node.media_server(), node.agent("Ann", through_proxy=True)
    id = node.submit(mail)
    node.pull_ids(desk, id)
    ann: dict[str, Any] = {"tenant_id": 1, "agent_id": "Ann"}
    node.run(
        Asked(mail, RequestSubmit(tenant_id=1, media_type="email", queue="Inbound"), 0, 1),
        Asked(desk, RequestAgentLogin(**ann, provisional=True), 0, 2),
        Asked(desk, RequestAgentLogout(**ann), 0, 3),
    )
    assert node.effects(Refuse) == []
    assert node.agents() == []
    assert node.parties(id) == []


def test_a_place_is_taken_from_the_provisional_login_on(node: TriedNode) -> None:
    one, other = (node.desktop(name, through_proxy=True) for name in ("desk-1", "desk-2"))

    def login(agent: str) -> RequestAgentLogin:
        return RequestAgentLogin(tenant_id=1, agent_id=agent, place_id="P", provisional=True)

    node.ask(one, login("Ann"))
    assert node.refusal(other, login("Bob")) == Code.PLACE_OCCUPIED
    stamp = node.ask(one, login("Ann")).agent_session
    node.ask(one, RequestAgentLogout(tenant_id=1, agent_id="Ann", agent_session=stamp))
    node.ask(other, login("Bob"))
    node.wait(10)
    node.ask(one, login("Ann"))


def test_of_two_agents_whom_others_know_at_one_place_the_newer_session_stands(
    node: TriedNode,
) -> None:
    one, other = (node.desktop(name, through_proxy=True) for name in ("desk-1", "desk-2"))
    now = int(node.now * 1000)

    def session(agent: str, number: int) -> RequestConfirmSession:
        return RequestConfirmSession(
            tenant_id=1, agent_id=agent, place_id="P", agent_session=(now + number, 102)
        )

    node.ask(one, session("Ann", 1))
    assert node.refusal(other, session("Bob", 0)) == Code.STALE_SESSION
    node.reported()
    node.ask(other, session("Bob", 2))
    assert node.names_reported() == ["EventAgentLogout", "EventAgentLogin"]
    assert [row.agent_id for row in node.agents()] == ["Bob"]
    (told,) = node.told(one)
    assert isinstance(told, EventForcedAgentStateChange)
    assert (told.agent_id, told.agent_state_change_operation, told.by_server) == (
        "Ann",
        "Logout",
        True,
    )
    assert told.reason == PLACE_TAKEN


@pytest.mark.parametrize(
    ("extension", "actors"),
    [
        ({}, ["Ann", "Ann", "Ann"]),
        ({BY_SERVER: 1}, [None, None, None]),
        ({BY_SERVER: ANOTHERS}, [None, None, "Ann"]),
    ],
)
def test_a_logout_that_a_proxy_tells_of_names_who_has_caused_it(
    node: TriedNode, extension: dict[str, object], actors: list[str | None]
) -> None:
    """As on the node where the agent forces another connection out, which has nothing in hand."""
    mail, desk = node.media_server(), node.desktop(through_proxy=True)
    session = (int(node.now * 1000), 102)
    node.ask(
        desk,
        RequestConfirmSession(tenant_id=1, agent_id="Ann", place_id="P", agent_session=session),
    )
    node.pull_ids(desk, node.submit(mail))
    node.reported()
    node.ask(
        desk,
        RequestAgentLogout(tenant_id=1, agent_id="Ann", agent_session=session, extension=extension),
    )
    events = node.reported()
    assert [type(event).__name__ for event in events] == [
        "EventPartyRemoved",
        "EventPlacedInQueue",
        "EventAgentLogout",
    ]
    named = [actor and Actor(agent_id=actor, place_id="P") for actor in actors]
    assert [event.actor for event in events] == named
