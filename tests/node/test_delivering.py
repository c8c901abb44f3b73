from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventAgentInvited,
    EventInvite,
    RequestAccept,
    RequestChangeProperties,
    RequestConference,
    RequestDeliver,
    RequestIntrude,
    RequestLeaveInteraction,
    RequestPull,
    RequestTransfer,
)
from ixproxy.messages.message import Actor, Party
from ixproxy.node.delivering import MAX_EXTENSION, MAX_INVITATIONS
from ixproxy.node.work import Answer, Refuse, Sender
from tests.node.tried import TriedNode


def deliver(id: str, agent: str = "Ann", **more: Any) -> RequestDeliver:
    return RequestDeliver(tenant_id=1, interaction_id=id, agent_id=agent, **more)


def transfer(id: str, agent: str = "Bob", **more: Any) -> RequestTransfer:
    return RequestTransfer(tenant_id=1, interaction_id=id, agent_id=agent, **more)


def conference(id: str, agent: str = "Bob", **more: Any) -> RequestConference:
    return RequestConference(tenant_id=1, interaction_id=id, agent_id=agent, **more)


def intrude(id: str, **more: Any) -> RequestIntrude:
    return RequestIntrude(tenant_id=1, interaction_id=id, **more)


def accept(id: str, ticket: int = 0) -> RequestAccept:
    return RequestAccept(tenant_id=1, interaction_id=id, ticket_id=ticket)


def routed(node: TriedNode) -> tuple[Sender, str]:
    """A router with an interaction."""
    router = node.router()
    id = node.submit(node.media_server())
    node.pull(router)
    node.reported()
    return router, id


def handled(node: TriedNode, by: Sender) -> str:
    """An interaction that an agent has pulled."""
    id = node.submit(node.media_server())
    node.pull_ids(by, id)
    node.reported()
    return id


def test_a_delivery_invites_the_agent_and_ends_the_strategys_part(node: TriedNode) -> None:
    ann = node.agent("Ann")
    router, id = routed(node)
    node.now += 1
    node.begin(router, deliver(id, extension={"operation": "callback"}))
    invited, removed = node.reported()
    assert isinstance(invited, EventAgentInvited)
    assert invited.party == Party(agent_id="Ann", place_id="P-Ann")
    assert invited.operation == "Deliver"
    assert (removed.party.strategy_id, removed.operation) == ("ors-1", "Deliver")
    (invite,) = node.told(ann)
    assert isinstance(invite, EventInvite)
    assert (invite.ticket_id, invite.interaction_id) == (invited.event_number, id)
    assert invite.actor == Actor(router_id="ors-1", strategy_id="ors-1")
    assert invite.extension == {"operation": "callback"}
    assert invite.interaction["InteractionState"] == 2
    row = node.kept(id)
    assert (row.state, row.delivered_at, node.parties(id)) == (2, node.now, [])
    assert node.timer("routing", id) is None
    timer = node.timer("delivering", id)
    assert timer is not None
    assert timer.due_at == node.now + 30


def test_the_agent_accepts_and_both_requests_are_answered_before_any_event(
    node: TriedNode,
) -> None:
    ann = node.agent("Ann")
    second = node.agent("Ann", "desk-2")
    router, id = routed(node)
    node.begin(router, deliver(id))
    (invite,) = node.told(second)
    assert isinstance(invite, EventInvite)
    ack = node.ask(ann, accept(id, invite.ticket_id))
    effects = node.outcome.effects
    assert effects[0] == Answer("later", EventAck(interaction_id=id))
    assert isinstance(effects[1], Answer)
    assert effects[1].token == "token"
    (party,) = node.parties(id)
    assert (party.session, party.agent_id, party.place_id) == (ann.session, "Ann", "P-Ann")
    assert ack.take_number == party.take_number
    added = node.reported()[-1]
    assert (type(added).__name__, added.event_number) == ("EventPartyAdded", ack.take_number)
    row = node.kept(id)
    assert (row.state, row.assigned_to) == (3, "Ann")
    assert node.timer("delivering", id) is None
    assert node.timer("handling", id) is not None
    (accepted,) = node.told(second)
    assert type(accepted).__name__ == "EventAccepted"
    assert accepted.ticket_id == invite.ticket_id  # type: ignore[attr-defined]
    assert node.told(ann) == node.told(router) == []
    assert node.invitations() == []


def test_the_first_offer_is_remembered(node: TriedNode) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    router, id = routed(node)
    first = node.now
    node.begin(router, deliver(id))
    node.ask(ann, accept(id))
    node.now += 5
    node.begin(ann, transfer(id))
    node.ask(bob, accept(id))
    assert node.kept(id).delivered_at == first


def test_an_agent_is_named_by_place_or_by_both(node: TriedNode) -> None:
    node.agent("Ann")
    router, id = routed(node)
    for agent, place, code in (
        ("", "", Code.MISSING_VALUE),
        ("", "P-Bob", Code.TARGET_NOT_LOGGED_IN),
        ("Ann", "P-Bob", Code.TARGET_NOT_LOGGED_IN),
        ("Bob", "", Code.TARGET_NOT_LOGGED_IN),
    ):
        assert node.refusal(router, deliver(id, agent, place_id=place)) == code
    node.begin(router, deliver(id, "", place_id="P-Ann"))
    assert [row.agent_id for row in node.invitations()] == ["Ann"]


def test_who_is_not_listed_where_agents_are_is_not_known(node: TriedNode) -> None:
    router = node.router()
    id = node.submit(node.media_server(), tenant_id=2)
    node.ask(router, RequestPull(tenant_id=2, view_id="Inbound/All"))
    request = RequestDeliver(tenant_id=2, interaction_id=id, agent_id="Bob")
    assert node.refusal(router, request) == Code.UNKNOWN_AGENT


def test_who_does_not_want_to_be_disturbed_is_not_invited(node: TriedNode) -> None:
    node.agent("Ann")
    router, id = routed(node)
    (row,) = node.agents()
    node.store.begin()
    node.store.write([replace(row, donot_disturb=1)], [])
    node.store.commit(node.core.last_event_number)
    node.restart()
    node.run()
    assert node.refusal(router, deliver(id)) == Code.DO_NOT_DISTURB


def test_only_who_takes_part_invites(node: TriedNode) -> None:
    ann, bob, router = node.agent("Ann"), node.agent("Bob"), node.router()
    id = handled(node, ann)
    assert node.refusal(router, deliver(id, "Bob")) == Code.NOT_A_PARTY
    assert node.refusal(bob, transfer(id, "Ann")) == Code.NOT_A_PARTY
    assert node.refusal(bob, conference(id, "Ann")) == Code.NOT_A_PARTY
    assert node.refusal(ann, transfer("none")) == Code.UNKNOWN_INTERACTION
    assert node.refusal(ann, conference(id, "Ann")) == Code.ALREADY_A_PARTY


def test_an_agent_is_invited_once_at_a_time(node: TriedNode) -> None:
    ann = node.agent("Ann")
    node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, conference(id))
    assert node.refusal(ann, conference(id)) == Code.ALREADY_A_PARTY
    assert node.refusal(ann, transfer(id)) == Code.ALREADY_A_PARTY


def test_not_more_agents_are_invited_at_a_time_than_there_is_room_for(node: TriedNode) -> None:
    ann = node.agent("Ann")
    id = handled(node, ann)
    for number in range(MAX_INVITATIONS):
        node.agent(f"A{number}")
        node.begin(ann, conference(id, f"A{number}"), f"later-{number}")
    node.agent("Bob")
    assert node.refusal(ann, conference(id)) == Code.LIMIT_REACHED
    node.ask(node.agent("A7"), accept(id))
    node.begin(ann, conference(id))


def test_a_transfer_hands_over_when_it_is_accepted(node: TriedNode) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, transfer(id))
    assert [party.agent_id for party in node.parties(id)] == ["Ann"]
    (invite,) = node.told(bob)
    assert invite.actor == Actor(agent_id="Ann", place_id="P-Ann")
    assert node.names_reported() == ["EventAgentInvited"]
    node.now += 7
    node.ask(bob, accept(id))
    assert node.settled() == [Answer("later", EventAck(interaction_id=id))]
    added, removed = node.reported()
    assert [added.party.agent_id, removed.party.agent_id] == ["Bob", "Ann"]
    assert added.operation == removed.operation == "Transfer"
    assert [party.agent_id for party in node.parties(id)] == ["Bob"]
    assert node.kept(id).assigned_to == "Bob"
    timer = node.timer("handling", id)
    assert timer is not None
    assert timer.due_at == node.now + 180 * 60
    assert node.told(ann) == node.told(bob) == []


def test_a_conference_adds_a_party_and_all_others_are_told(node: TriedNode) -> None:
    ann, bob, eve = node.agent("Ann"), node.agent("Bob"), node.agent("Eve")
    id = handled(node, ann)
    node.begin(ann, conference(id))
    ack = node.ask(bob, accept(id))
    assert node.names_told(ann) == ["EventPartyAdded"]
    node.begin(ann, conference(id, "Eve"))
    node.ask(eve, accept(id))
    assert node.names_told(ann) == node.names_told(bob) == ["EventPartyAdded"]
    parties = {party.agent_id: party for party in node.parties(id)}
    assert parties.keys() == {"Ann", "Bob", "Eve"}
    assert parties["Bob"].take_number == ack.take_number
    assert node.kept(id).assigned_to == "Ann"


@pytest.mark.parametrize(
    ("mode", "seen_by_ann", "seen_by_coach"),
    [
        ("", True, True),
        ("Conference", True, True),
        ("Coach", True, False),
        ("Monitor", False, False),
    ],
)
def test_who_joins_is_seen_as_the_visibility_mode_has_it(
    node: TriedNode, mode: str, seen_by_ann: bool, seen_by_coach: bool
) -> None:
    ann, coach, eve = node.agent("Ann"), node.agent("Coach"), node.agent("Eve")
    id = handled(node, ann)
    node.begin(ann, conference(id, "Coach", visibility_mode="Coach"))
    (invite,) = node.told(coach)
    assert invite.visibility_mode == "Coach"  # type: ignore[attr-defined]
    node.ask(coach, accept(id))
    node.reported()
    node.ask(eve, intrude(id, visibility_mode=mode))
    (added,) = node.reported()
    assert (added.operation, added.party.visibility_mode) == ("Intrude", mode or "Conference")
    assert bool(node.told(ann)) == seen_by_ann
    assert bool(node.told(coach)) == seen_by_coach
    assert added.interaction["AgentId"] == "Ann"


def test_an_unknown_visibility_mode_is_refused_with_those_that_there_are(node: TriedNode) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    effect = node.perform(ann, conference(id, visibility_mode="Loud"))
    assert isinstance(effect, Refuse)
    assert effect.code == Code.BAD_ATTRIBUTE
    assert effect.description == "VisibilityMode: 'Loud' is none of Conference, Coach, Monitor"
    assert node.refusal(bob, intrude(id, visibility_mode="Loud")) == Code.BAD_ATTRIBUTE


def test_who_intrudes_needs_somebody_who_handles_it(node: TriedNode) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    router, id = routed(node)
    assert node.refusal(bob, intrude(id)) == Code.NOT_HANDLED
    other = handled(node, ann)
    assert node.refusal(ann, intrude(other)) == Code.ALREADY_A_PARTY
    assert node.refusal(node.desktop("nobody"), intrude(other)) == Code.AGENT_NOT_LOGGED_IN
    ack = node.ask(bob, intrude(other))
    assert ack.take_number in [party.take_number for party in node.parties(other)]
    assert router


def test_who_is_invited_accepts_and_does_not_intrude(node: TriedNode) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, conference(id))
    assert node.refusal(bob, intrude(id)) == Code.ALREADY_A_PARTY
    node.ask(bob, accept(id))


@pytest.mark.parametrize("kind", [transfer, conference])
def test_asking_another_agent_is_a_sign_that_handling_goes_on(
    node: TriedNode, kind: Callable[[str], Any]
) -> None:
    ann = node.agent("Ann")
    node.agent("Bob")
    id = handled(node, ann)
    node.now += 60
    node.begin(ann, kind(id))
    timer = node.timer("handling", id)
    assert timer is not None
    assert timer.due_at == node.now + 180 * 60


def test_who_joins_and_who_leaves_shows_that_handling_goes_on(node: TriedNode) -> None:
    ann, bob, eve = node.agent("Ann"), node.agent("Bob"), node.agent("Eve")
    id = handled(node, ann)
    node.begin(ann, conference(id))
    for sender, request in (
        (bob, accept(id)),
        (eve, intrude(id)),
        (ann, RequestLeaveInteraction(tenant_id=1, interaction_id=id)),
    ):
        node.now += 20
        node.ask(sender, request)
        timer = node.timer("handling", id)
        assert timer is not None
        assert timer.due_at == node.now + 180 * 60
    node.wait(180 * 60)
    assert node.kept(id).state == 0
    assert node.names_told(bob) == node.names_told(eve) == ["EventRevoked"]
    assert node.told(ann) == []


def test_a_strategy_may_change_what_it_has_delivered_but_moves_it_no_more(
    node: TriedNode,
) -> None:
    node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    change = RequestChangeProperties(tenant_id=1, interaction_id=id, changed_properties={"a": 1})
    node.ask(router, change)
    assert node.user_data(id) == {"a": 1}
    assert node.refusal(router, deliver(id)) == Code.NOT_A_PARTY


def test_an_agent_is_not_invited_without_end(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ixproxy.node.delivering.MAX_INVITED", 2)
    ann = node.agent("Ann")
    node.agent("Bob")
    for number in range(2):
        node.begin(ann, transfer(handled(node, ann)), f"later-{number}")
    assert node.refusal(ann, transfer(handled(node, ann))) == Code.LIMIT_REACHED
    node.agent("Carl")
    node.begin(ann, transfer(handled(node, ann), "Carl"))


def test_what_an_invitation_carries_along_is_limited(node: TriedNode) -> None:
    ann = node.agent("Ann")
    node.agent("Bob")
    id = handled(node, ann)
    much = {"Note": "n" * MAX_EXTENSION}
    assert node.refusal(ann, conference(id, extension=much)) == Code.LIMIT_REACHED
    assert not node.invitations()
    node.begin(ann, conference(id, extension={"Note": "n" * (MAX_EXTENSION - 100)}))
