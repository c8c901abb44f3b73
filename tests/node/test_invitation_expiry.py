from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventForcedAgentStateChange,
    EventRevoked,
    RequestAgentLogin,
)
from ixproxy.node.work import Announce, Refuse
from tests.node.test_delivering import accept, conference, deliver, handled, routed, transfer
from tests.node.tried import TriedNode


def test_a_delivery_that_is_not_answered_goes_back_to_its_queue(node: TriedNode) -> None:
    ann = node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.reported()
    node.wait(29.9)
    assert node.settled() == []
    node.wait(0.1)
    (refusal,) = node.settled()
    assert isinstance(refusal, Refuse)
    assert (refusal.code, refusal.in_doubt) == (Code.INVITATION_EXPIRED, False)
    answers = [each for each in node.outcome.effects if not isinstance(each, Announce)]
    assert answers[0] is refusal
    assert node.names_reported() == ["EventRevoked", "EventPlacedInQueue"]
    (theirs,), (ours,) = node.told(ann), node.told(router)
    for event in (theirs, ours):
        assert isinstance(event, EventRevoked)
        assert event.reason is not None
        assert event.reason.reason_system_name == "Expired"
    assert theirs.ticket_id  # type: ignore[attr-defined]
    assert ours.ticket_id == 0  # type: ignore[attr-defined]
    assert node.kept(id).state == 0
    assert node.timer("delivering", id) is None
    assert node.refusal(ann, accept(id)) == Code.INVITATION_OVER


def test_the_time_of_an_invitation_is_settled_when_it_goes_out(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(delivering_timeout=5)
    node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    longer = dataclasses.replace(node.settings, delivering_timeout=50)
    node.core.configuration_changed(node.model, longer, node.now)
    node.wait(5)
    assert len(node.settled()) == 1


def test_each_invitation_to_one_interaction_has_its_own_time(node: TriedNode) -> None:
    ann = node.agent("Ann")
    for name in ("Bob", "Eve"):
        node.agent(name)
    id = handled(node, ann)
    node.begin(ann, conference(id, "Bob"), "bob")
    node.wait(20)
    node.begin(ann, conference(id, "Eve"), "eve")
    node.wait(10)
    assert (len(node.settled("bob")), node.settled("eve")) == (1, [])
    assert [row.agent_id for row in node.invitations()] == ["Eve"]
    assert node.core.next_due() == node.now + 20
    node.wait(20)
    assert len(node.settled("eve")) == 1
    assert node.timer("delivering", id) is None
    assert node.names_reported() == ["EventAgentInvited", "EventAgentInvited"] + 2 * [
        "EventRevoked"
    ]
    assert [party.agent_id for party in node.parties(id)] == ["Ann"]


def test_an_accept_behind_the_time_out_is_too_late_in_the_same_batch(node: TriedNode) -> None:
    ann = node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.now += 30
    effect = node.perform(ann, accept(id))
    assert isinstance(effect, Refuse)
    assert effect.code == Code.INVITATION_OVER
    assert node.names_told(ann) == ["EventRevoked"]


def test_the_time_goes_on_while_the_node_is_away(node: TriedNode) -> None:
    node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.now += 60
    node.restart()
    node.run()
    assert node.kept(id).state == 0
    assert node.invitations() == []
    assert node.settled() == []


@pytest.mark.parametrize("kind", ["transfer", "conference"])
def test_who_asked_and_waits_no_more_is_told_of_the_time_out(node: TriedNode, kind: str) -> None:
    ann, bob = node.agent("Ann"), node.agent("Bob")
    id = handled(node, ann)
    node.begin(ann, transfer(id) if kind == "transfer" else conference(id))
    node.restart()
    node.wait(30)
    for sender in (ann, bob):
        (revoked,) = node.told(sender)
        assert isinstance(revoked, EventRevoked)
        assert revoked.ticket_id


@pytest.mark.parametrize("served", [True, False])
def test_who_does_not_answer_may_be_made_not_ready_for_the_media_type(
    make_node: Callable[..., TriedNode], served: bool
) -> None:
    node = make_node(not_ready_on_invitation_timeout=served)
    desk, second = node.desktop("desk"), node.desktop("second")
    for sender in (desk, second):
        node.ask(
            sender,
            RequestAgentLogin(
                tenant_id=1, agent_id="Ann", place_id="P", media_list={"email": 1, "chat": 1}
            ),
        )
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.reported()
    node.wait(30)
    (agent,) = node.agents()
    assert agent.media == {"email": int(not served), "chat": 1}
    names = ["EventRevoked", "EventPlacedInQueue"]
    assert node.names_reported() == [*names, "EventNotReadyForMedia"] if served else names
    for sender in (desk, second):
        forced = [each for each in node.told(sender) if not isinstance(each, EventRevoked)]
        assert len(forced) == served
        for event in forced:
            assert isinstance(event, EventForcedAgentStateChange)
            assert event.by_server
            assert event.agent_state_change_operation == "NotReadyForMedia"
            assert (event.media_type_name, event.media_list) == ("email", {"email": 0, "chat": 1})
            assert event.reason is not None
            assert event.reason.reason_system_name == "Expired"


def test_who_is_not_ready_is_told_nothing_new(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(not_ready_on_invitation_timeout=True)
    ann = node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    node.wait(30)
    assert node.names_told(ann) == ["EventRevoked"]


def test_an_invitation_to_what_is_not_there_is_dropped(node: TriedNode) -> None:
    """No rule leaves one behind; a database that was repaired by hand may."""
    node.agent("Ann")
    router, id = routed(node)
    node.begin(router, deliver(id))
    (row,) = node.invitations()
    timer = node.timer("delivering", id)
    assert timer is not None
    node.store.begin()
    lost = replace(row, ticket=row.ticket + 1, interaction_id="x")
    node.store.write([lost, replace(timer, interaction_id="x")], [])
    node.store.commit(node.core.last_event_number)
    node.restart()
    node.wait(30)
    assert node.invitations() == []
    assert node.timer("delivering", "x") is None
