from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAccepted,
    EventAck,
    EventInvite,
    EventRejected,
    EventRevoked,
    Reason,
    RequestAgentLogin,
    RequestIntrude,
    RequestLeaveInteraction,
    RequestReject,
)
from ixproxy.node.work import Answer, ConnectionLost, Refuse, Registered
from tests.node.test_delivering import accept, conference, deliver, handled, routed, transfer
from tests.node.tried import TriedNode


def reject(id: str, ticket: int = 0, **more: Any) -> RequestReject:
    return RequestReject(tenant_id=1, interaction_id=id, ticket_id=ticket, **more)


def test_a_refused_delivery_goes_back_to_its_queue_and_the_strategy_has_nothing(
    node: TriedNode,
) -> None:
    ann, second = node.agent("Ann"), node.agent("Ann", "desk-2")
    router = node.router()
    before = node.kept(node.submit(node.media_server()))
    node.pull(router)
    offered_at = node.now
    node.begin(router, deliver(before.id))
    node.reported()
    lunch = Reason(reason_system_name="Lunch", reason_description="Not now")
    assert node.ask(ann, reject(before.id, reason=lunch)) == EventAck(interaction_id=before.id)
    (refusal,) = node.settled()
    assert isinstance(refusal, Refuse)
    assert (refusal.code, refusal.description) == (Code.INVITATION_REJECTED, "Not now")
    assert not refusal.in_doubt
    assert refusal is node.outcome.effects[0]
    rejected, placed = node.reported()
    assert isinstance(rejected, EventRejected)
    assert (rejected.reason, rejected.agent_id) == (lunch, "Ann")
    assert placed.queue == "Inbound"
    (elsewhere,) = node.told(second)
    assert isinstance(elsewhere, EventRevoked)
    assert elsewhere.ticket_id
    assert elsewhere.reason is not None
    assert elsewhere.reason.reason_system_name == "Rejected"
    (revoked,) = node.told(router)
    assert isinstance(revoked, EventRevoked)
    assert revoked.ticket_id == 0
    assert revoked.reason is not None
    assert revoked.reason.reason_system_name == "Rejected"
    row = node.kept(before.id)
    assert row.delivered_at == offered_at
    assert (row.state, row.queue, row.queue_seq) == (0, before.queue, before.queue_seq)
    assert node.pull(router).keys() == {before.id}


def test_a_refused_transfer_stays_with_who_asked(node: TriedNode) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, transfer(id))
    node.reported()
    node.ask(bob, reject(id))
    (refusal,) = node.settled()
    assert isinstance(refusal, Refuse)
    assert refusal.code == Code.INVITATION_REJECTED
    assert node.names_reported() == ["EventRejected"]
    assert node.told(ann) == []
    assert [party.agent_id for party in node.parties(id)] == ["Ann"]
    assert node.timer("delivering", id) is None


def test_the_first_answer_counts(node: TriedNode) -> None:
    ann, second = node.agent("Ann"), node.agent("Ann", "desk-2")
    router, id = routed(node)
    node.begin(router, deliver(id))
    (invite,) = node.told(second)
    assert isinstance(invite, EventInvite)
    node.ask(ann, accept(id, invite.ticket_id))
    assert node.refusal(second, accept(id, invite.ticket_id)) == Code.INVITATION_OVER
    assert node.refusal(second, reject(id)) == Code.INVITATION_OVER


def test_only_the_invited_agent_answers_and_only_by_the_right_ticket(node: TriedNode) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    router, id = routed(node)
    node.begin(router, deliver(id))
    (invite,) = node.told(ann)
    assert isinstance(invite, EventInvite)
    answers: tuple[Callable[..., Any], ...] = (accept, reject)
    for answer in answers:
        assert node.refusal(bob, answer(id)) == Code.INVITATION_OVER
        assert node.refusal(ann, answer(id, invite.ticket_id + 1)) == Code.INVITATION_OVER
        assert node.refusal(ann, answer("nothing")) == Code.UNKNOWN_INTERACTION
    node.ask(ann, accept(id))


def test_a_client_of_two_invited_agents_must_say_which(node: TriedNode) -> None:
    eve, gate = node.agent("Eve"), node.desktop("gate")
    for agent in ("Ann", "Bob"):
        node.ask(gate, RequestAgentLogin(tenant_id=1, agent_id=agent, place_id=f"P-{agent}"))
    id = handled(node, eve)
    node.begin(eve, conference(id, "Ann"), "first")
    (invite,) = node.told(gate)
    assert isinstance(invite, EventInvite)
    node.begin(eve, conference(id, "Bob"), "second")
    assert node.refusal(gate, accept(id)) == Code.MISSING_VALUE
    node.ask(gate, accept(id, invite.ticket_id))
    # A client session holds an interaction once.
    assert node.refusal(gate, accept(id)) == Code.ALREADY_A_PARTY
    node.ask(gate, reject(id))


def test_a_client_of_two_agents_may_transfer_from_one_to_the_other(node: TriedNode) -> None:
    gate = node.agent("Ann", "gate")
    id = handled(node, gate)
    node.ask(gate, RequestAgentLogin(tenant_id=1, agent_id="Bob", place_id="P-Bob"))
    node.begin(gate, transfer(id))
    (invite,) = node.told(gate)
    assert isinstance(invite, EventInvite)
    ack = node.ask(gate, accept(id, invite.ticket_id))
    answers = node.effects(Answer)
    assert [each.token for each in answers] == ["later", "token"]
    (party,) = node.parties(id)
    assert (party.agent_id, party.take_number) == ("Bob", ack.take_number)


def test_another_transfer_of_who_leaves_ends_with_the_first_that_is_accepted(
    node: TriedNode,
) -> None:
    ann, bob, eve = node.agent("Ann"), node.agent("Bob"), node.agent("Eve")
    id = handled(node, ann)
    node.begin(ann, transfer(id, "Bob"), "bob")
    node.begin(ann, transfer(id, "Eve"), "eve")
    node.reported()
    ack = node.ask(bob, accept(id))
    assert isinstance(node.settled("bob")[0], Answer)
    (refusal,) = node.settled("eve")
    assert isinstance(refusal, Refuse)
    assert refusal.code == Code.INVITATION_OVER
    assert node.names_told(eve) == ["EventRevoked"]
    revoked, added, removed = node.reported()
    assert revoked.party.agent_id == "Eve"
    assert (added.event_number, removed.party.agent_id) == (ack.take_number, "Ann")
    assert node.invitations() == []
    assert node.timer("delivering", id) is None


def test_a_strategy_that_lost_its_connection_hears_of_the_outcome_by_an_event(
    node: TriedNode,
) -> None:
    ann = node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.run(ConnectionLost(router.session))
    (refusal,) = node.settled()
    assert isinstance(refusal, Refuse)
    assert (refusal.code, refusal.in_doubt) == (Code.CANCELLED, True)
    node.run(Registered(router, 2, {id: 1}))
    assert node.effects(Answer)[0].message.held == {}
    node.ask(ann, accept(id))
    assert node.settled() == []
    (accepted,) = node.told(router)
    assert isinstance(accepted, EventAccepted)
    assert (accepted.agent_id, accepted.interaction_id) == ("Ann", id)


def test_an_agent_who_moved_meanwhile_hears_that_the_interaction_is_gone(
    node: TriedNode,
) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, transfer(id))
    take = node.parties(id)[0].take_number
    node.run(Registered(ann, 2, {id: take}))
    (refusal,) = node.settled()
    assert isinstance(refusal, Refuse)
    assert (refusal.code, refusal.in_doubt) == (Code.SUPERSEDED, True)
    node.ask(bob, accept(id))
    (revoked,) = node.told(ann)
    assert isinstance(revoked, EventRevoked)
    assert revoked.ticket_id == 0
    assert revoked.reason is not None
    assert revoked.reason.reason_system_name == "Transferred"


@pytest.mark.parametrize("answer", ["accept", "reject"])
def test_an_invitation_lives_on_when_the_node_does_not(node: TriedNode, answer: str) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    take = node.parties(id)[0].take_number
    node.begin(ann, transfer(id))
    (invite,) = node.told(bob)
    node.restart()
    node.run(Registered(ann, 2, {id: take}))
    node.run(Registered(bob, 2))
    (again,) = node.told(bob)
    assert isinstance(again, EventInvite)
    assert again.ticket_id == invite.ticket_id  # type: ignore[attr-defined]
    if answer == "accept":
        node.ask(bob, accept(id, again.ticket_id))
        assert node.names_told(ann) == ["EventRevoked"]
    else:
        node.ask(bob, reject(id, again.ticket_id))
        assert node.names_told(ann) == ["EventRejected"]
    assert node.invitations() == []


def test_another_connection_of_the_inviter_may_have_asked(node: TriedNode) -> None:
    ann, second, bob = node.agent("Ann"), node.agent("Ann", "desk-2"), node.agent("Bob")
    id = handled(node, ann)
    node.begin(second, transfer(id))
    node.ask(bob, accept(id))
    assert isinstance(node.settled()[0], Answer)
    assert node.names_told(ann) == ["EventRevoked"]
    assert node.told(second) == []
    node.ask(bob, RequestLeaveInteraction(tenant_id=1, interaction_id=id))
    assert node.kept(id).state == 0


def test_a_coach_hands_over_the_coaching_and_not_the_interaction(node: TriedNode) -> None:
    ann, bob, eve = (node.agent(name) for name in ("Ann", "Bob", "Eve"))
    id = handled(node, ann)
    coaching = RequestIntrude(tenant_id=1, interaction_id=id, visibility_mode="Coach")
    node.ask(bob, coaching)
    node.begin(bob, transfer(id, "Eve"))
    node.ask(eve, accept(id))
    assert node.kept(id).assigned_to == "Ann"
    # Who joins a coach that was left alone handles the interaction.
    node.ask(ann, RequestLeaveInteraction(tenant_id=1, interaction_id=id))
    assert node.kept(id).assigned_to == "Eve"
    node.begin(eve, conference(id, "Bob"))
    node.ask(bob, accept(id))
    assert node.kept(id).assigned_to == "Bob"
