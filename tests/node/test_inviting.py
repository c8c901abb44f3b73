from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventInvite,
    EventRevoked,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestCancelTake,
    RequestHold,
    RequestLeaveInteraction,
    RequestPlaceInQueue,
    RequestPlaceInWorkbin,
    RequestResume,
    RequestStopProcessing,
    Workbin,
)
from ixproxy.messages.message import Request
from ixproxy.node.work import Answer, ConnectionLost, Goodbye, Refuse, Registered, Sender
from tests.node.test_delivering import accept, conference, deliver, handled, routed, transfer
from tests.node.tried import TriedNode


def leave(id: str) -> RequestLeaveInteraction:
    return RequestLeaveInteraction(tenant_id=1, interaction_id=id)


def logout(agent: str) -> RequestAgentLogout:
    return RequestAgentLogout(tenant_id=1, agent_id=agent)


def refused(node: TriedNode, code: int, token: str = "later") -> str:
    """The last batch refused a request that waited, for certain; why."""
    (refusal,) = node.settled(token)
    assert isinstance(refusal, Refuse)
    assert (refusal.code, refusal.in_doubt) == (code, False)
    return refusal.description


def revoked(node: TriedNode, sender: Sender) -> list[bool]:
    """The revokes that the last batch had for a client: each, whether of an invitation."""
    return [bool(each.ticket_id) for each in node.told(sender) if isinstance(each, EventRevoked)]


MOVES: dict[str, Callable[[str], Request]] = {
    "stop": lambda id: RequestStopProcessing(tenant_id=1, interaction_id=id),
    "queue": lambda id: RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue="Other"),
    "workbin": lambda id: RequestPlaceInWorkbin(
        tenant_id=1,
        interaction_id=id,
        workbin=Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann"),
    ),
}


@pytest.mark.parametrize("move", MOVES)
def test_who_moves_or_ends_what_is_delivered_ends_the_invitation(
    node: TriedNode, move: str
) -> None:
    ann, mail = node.agent("Ann"), node.media_server()
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.reported()
    node.ask(mail, MOVES[move](id))
    why = "stopped" if move == "stop" else "placed elsewhere"
    assert refused(node, Code.INVITATION_OVER) == f"the interaction was {why}"
    assert revoked(node, ann) == [True]
    assert revoked(node, router) == [False]
    first, *others = node.names_reported()
    assert first == "EventRevoked"
    assert "EventRevoked" not in others
    assert node.invitations() == []
    assert node.timer("delivering", id) is None


@pytest.mark.parametrize("move", MOVES)
def test_who_moves_or_ends_what_several_have_revokes_it_from_all(
    node: TriedNode, move: str
) -> None:
    ann, bob, eve = node.agent("Ann"), node.agent("Bob"), node.agent("Eve")
    id = handled(node, ann)
    node.begin(ann, conference(id))
    node.ask(bob, accept(id))
    node.begin(ann, conference(id, "Eve"))
    node.reported()
    node.ask(ann, MOVES[move](id))
    refused(node, Code.INVITATION_OVER)
    assert revoked(node, ann) == []
    assert revoked(node, bob) == [False]
    assert revoked(node, eve) == [True]
    names = node.names_reported()
    assert names[:3] == ["EventRevoked", "EventPartyRemoved", "EventPartyRemoved"]
    assert node.parties(id) == []
    assert node.invitations() == []


def test_who_leaves_has_nothing_to_hand_over_but_others_may_still_join(node: TriedNode) -> None:
    ann, bob, eve = node.agent("Ann"), node.agent("Bob"), node.agent("Eve")
    zoe = node.agent("Zoe")
    id = handled(node, ann)
    node.begin(ann, conference(id))
    node.ask(bob, accept(id))
    node.begin(ann, transfer(id, "Eve"), "transfer")
    node.begin(ann, conference(id, "Zoe"), "conference")
    node.reported()
    node.ask(ann, leave(id))
    refused(node, Code.INVITATION_OVER, "transfer")
    assert node.settled("conference") == []
    assert (revoked(node, eve), revoked(node, zoe)) == ([True], [])
    assert node.names_reported() == ["EventRevoked", "EventPartyRemoved"]
    assert node.kept(id).assigned_to == "Bob"
    node.ask(zoe, accept(id))
    assert len(node.settled("conference")) == 1
    assert {party.agent_id for party in node.parties(id)} == {"Bob", "Zoe"}


def test_with_the_last_party_all_invitations_end(node: TriedNode) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, conference(id))
    node.ask(ann, leave(id))
    refused(node, Code.INVITATION_OVER)
    assert revoked(node, bob) == [True]
    assert node.kept(id).state == 0


@pytest.mark.parametrize("how", ["goodbye", "expiry", "not listed", "take cancelled", "logout"])
def test_an_inviter_who_is_gone_hands_nothing_over(
    make_node: Callable[..., TriedNode], how: str
) -> None:
    node = make_node(delivering_timeout=300)
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    take = node.parties(id)[0].take_number
    node.begin(ann, transfer(id))
    if how == "goodbye":
        node.run(Goodbye(ann.session))
    elif how == "expiry":
        node.run(ConnectionLost(ann.session))
        node.wait(61)
    elif how == "not listed":
        node.run(Registered(ann, 2, {}))
    elif how == "take cancelled":
        proxy = node.client("proxy", "Proxy", through_proxy=True)
        node.ask(proxy, RequestCancelTake(interaction_id=id, take_number=take))
    else:
        node.ask(ann, logout("Ann"))
    assert revoked(node, bob) == [True]
    assert node.invitations() == []
    assert node.kept(id).state == 0


@pytest.mark.parametrize("how", ["logout", "goodbye", "expiry"])
def test_an_agent_who_is_gone_is_invited_no_more(
    make_node: Callable[..., TriedNode], how: str
) -> None:
    node = make_node(delivering_timeout=300)
    ann, bob = node.agent("Ann"), node.agent("Bob")
    router, delivered = routed(node)
    shared = handled(node, ann)
    node.begin(router, deliver(delivered, "Bob"), "delivery")
    node.begin(ann, conference(shared), "conference")
    node.reported()
    if how == "logout":
        node.ask(bob, logout("Bob"))
        assert revoked(node, bob) == [True, True]
    elif how == "goodbye":
        node.run(Goodbye(bob.session))
    else:
        node.run(ConnectionLost(bob.session))
        assert node.settled("delivery") == []
        node.wait(61)
    refused(node, Code.TARGET_NOT_LOGGED_IN, "delivery")
    refused(node, Code.TARGET_NOT_LOGGED_IN, "conference")
    assert node.kept(delivered).state == 0
    assert [party.agent_id for party in node.parties(shared)] == ["Ann"]
    assert revoked(node, router) == [False]
    assert revoked(node, ann) == []
    assert node.names_reported() == [
        "EventRevoked",
        "EventPlacedInQueue",
        "EventRevoked",
        "EventAgentLogout",
    ]


def test_an_agent_with_another_connection_stays_invited(node: TriedNode) -> None:
    node.agent("Ann")
    second = node.agent("Ann", "desk-2")
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.run(Goodbye(second.session))
    assert len(node.invitations()) == 1


def test_an_agent_whose_client_is_away_is_invited_and_told_when_it_is_back(
    node: TriedNode,
) -> None:
    ann = node.agent("Ann")
    node.run(ConnectionLost(ann.session))
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.wait(20)
    node.run(Registered(ann, 2))
    (invite,) = node.told(ann)
    assert isinstance(invite, EventInvite)
    assert isinstance(node.outcome.effects[0], Answer)
    node.ask(ann, accept(id, invite.ticket_id))


def test_a_further_client_of_the_agent_is_told_of_the_invitation(node: TriedNode) -> None:
    ann = node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id, extension={"operation": "callback"}))
    (first,) = node.told(ann)
    second = node.agent("Ann", "desk-2")
    (again,) = node.told(second)
    assert isinstance(first, EventInvite)
    assert isinstance(again, EventInvite)
    assert again.event_number > first.event_number
    for name in ("ticket_id", "interaction", "actor", "party", "extension", "operation"):
        assert getattr(again, name) == getattr(first, name)
    assert node.told(ann) == []
    node.ask(second, accept(id, again.ticket_id))
    assert node.names_told(ann) == ["EventAccepted"]


def test_a_login_that_ends_the_agents_other_session_takes_the_invitation_over(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(allow_multiple_agent_connections="force-logout")
    node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    second = node.desktop("desk-2")
    node.ask(second, RequestAgentLogin(tenant_id=1, agent_id="Ann", place_id="P-Ann"))
    assert "EventInvite" in node.names_told(second)
    node.ask(second, accept(id))


def test_a_refused_request_sends_no_invitation_and_answers_nobody(node: TriedNode) -> None:
    ann = node.agent("Ann")
    node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, transfer(id))
    before = len(node.core._standing.memory.invitations)
    assert node.refusal(ann, transfer(id)) == Code.ALREADY_A_PARTY
    assert len(node.core._standing.memory.invitations) == before


@pytest.mark.parametrize("request_type", [RequestHold, RequestResume])
def test_what_several_have_is_held_by_any_of_them(node: TriedNode, request_type: Any) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, conference(id))
    node.ask(bob, accept(id))
    if request_type is RequestResume:
        node.ask(ann, RequestHold(tenant_id=1, interaction_id=id))
    node.ask(bob, request_type(tenant_id=1, interaction_id=id))
    assert node.kept(id).is_held == (request_type is RequestHold)
