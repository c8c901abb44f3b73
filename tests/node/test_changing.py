from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    RequestChangeProperties,
    RequestHold,
    RequestLeaveInteraction,
    RequestResume,
    RequestSetInFocus,
    RequestStopProcessing,
)
from ixproxy.messages.message import Reason, Request
from tests.node.tried import TriedNode


def on(kind: type[Request], id: str, **more: Any) -> Request:
    return kind(tenant_id=1, interaction_id=id, **more)  # type: ignore[call-arg]


BY_ID = [
    RequestChangeProperties,
    RequestHold,
    RequestLeaveInteraction,
    RequestResume,
    RequestSetInFocus,
    RequestStopProcessing,
]


@pytest.mark.parametrize("kind", BY_ID, ids=lambda kind: kind.__name__)
def test_what_is_not_there_or_of_another_tenant_is_unknown(
    node: TriedNode, kind: type[Request]
) -> None:
    ann = node.agent("Ann", tenants=(1,))
    theirs = node.submit(node.media_server(), tenant_id=2)
    for id in ("no such", theirs, ""):
        assert node.refusal(ann, on(kind, id)) == Code.UNKNOWN_INTERACTION
    mine = node.submit(node.media_server())
    wrong = kind(tenant_id=2, interaction_id=mine)  # type: ignore[call-arg]
    assert node.refusal(node.agent("Bob"), wrong) == Code.UNKNOWN_INTERACTION


@pytest.mark.parametrize(
    "kind", [each for each in BY_ID if each is not RequestResume], ids=lambda kind: kind.__name__
)
def test_an_agent_may_not_touch_what_another_handles(node: TriedNode, kind: type[Request]) -> None:
    mail, ann, bob = node.media_server(), node.agent("Ann"), node.agent("Bob")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    assert node.refusal(bob, on(kind, id)) == Code.NOT_A_PARTY


def test_a_stopped_interaction_is_gone_with_all_that_belongs_to_it(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.reported()
    reason = Reason(reason_system_name="Done")
    assert node.ask(ann, on(RequestStopProcessing, id, reason=reason)).interaction_id == id
    assert node.row(id) is None
    assert node.parties(id) == []
    assert node.timer("handling", id) is None
    removed, stopped = node.reported()
    assert (type(removed).__name__, type(stopped).__name__) == (
        "EventPartyRemoved",
        "EventProcessingStopped",
    )
    assert stopped.reason == reason
    assert (stopped.actor.agent_id, stopped.queue) == ("Ann", "Inbound")
    assert node.told(ann) == []
    assert node.refusal(ann, on(RequestStopProcessing, id)) == Code.UNKNOWN_INTERACTION


def test_the_submitters_of_one_name_all_hear_of_a_stop(node: TriedNode) -> None:
    first = node.media_server("chat", session=b"chat-1..........")
    second = node.media_server("chat", session=b"chat-2..........")
    other, router = node.media_server("mail"), node.router()
    id = node.submit(first)
    node.pull(router)
    node.ask(router, on(RequestStopProcessing, id))
    for sender, names in (
        (first, ["EventProcessingStopped"]),
        (second, ["EventProcessingStopped"]),
        (other, []),
        (router, []),
    ):
        assert node.names_told(sender) == names
    id = node.submit(first)
    node.ask(second, on(RequestStopProcessing, id))
    assert node.names_told(first) == ["EventProcessingStopped"]
    assert node.names_told(second) == []


def test_a_stop_by_another_revokes_it_from_whoever_has_it(node: TriedNode) -> None:
    mail, ann, router = node.media_server(), node.agent("Ann"), node.router()
    first, second = node.submit(mail), node.submit(mail)
    node.pull_ids(ann, first)
    node.pull_ids(router, second)
    node.ask(mail, on(RequestStopProcessing, first))
    assert node.names_told(ann) == ["EventRevoked"]
    node.ask(mail, on(RequestStopProcessing, second))
    assert node.names_told(router) == ["EventRevoked"]


def test_a_hold_keeps_an_interaction_out_of_views_until_it_is_resumed(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail)
    node.reported()
    node.ask(mail, on(RequestHold, id))
    assert (node.kept(id).is_held, node.kept(id).held_at) == (1, node.now)
    assert node.pull(router) == {}
    assert node.refusal(mail, on(RequestHold, id)) == Code.ALREADY_HELD
    node.ask(mail, on(RequestResume, id))
    assert (node.kept(id).is_held, node.kept(id).held_at) == (0, None)
    assert node.names_reported() == ["EventHeld", "EventResumed"]
    assert node.refusal(mail, on(RequestResume, id)) == Code.NOT_HELD
    assert node.pull(router).keys() == {id}


def test_an_agent_holds_what_is_in_hand(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.ask(ann, on(RequestHold, id))
    row = node.kept(id)
    assert (row.state, row.is_held) == (3, 1)
    node.ask(ann, on(RequestLeaveInteraction, id))
    assert (node.kept(id).state, node.kept(id).is_held) == (0, 1)


def test_the_last_party_out_puts_it_back_where_it_was(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    before = node.kept(node.submit(mail))
    node.pull_ids(ann, before.id)
    node.reported()
    node.now += 30
    node.ask(ann, on(RequestLeaveInteraction, before.id))
    assert node.kept(before.id) == before
    assert node.parties(before.id) == []
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue"]
    assert node.told(ann) == []


def test_whoever_takes_no_part_cannot_leave(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    assert node.refusal(ann, on(RequestLeaveInteraction, id)) == Code.NOT_A_PARTY
    assert node.refusal(ann, on(RequestSetInFocus, id)) == Code.NOT_A_PARTY


def test_looking_at_an_interaction_changes_nothing_but_the_agents_timer(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    before = node.stored()
    node.ask(ann, on(RequestSetInFocus, id))
    assert node.stored() == before


def test_the_handling_agent_hears_what_others_change_but_not_what_he_does(
    node: TriedNode,
) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    change = on(RequestChangeProperties, id, added_properties={"a": 1})
    node.ask(mail, change)
    assert node.names_told(ann) == ["EventPropertiesChanged"]
    assert node.told(mail) == []
    node.ask(ann, change)
    assert node.told(ann) == []


def test_a_submitter_hears_of_changes_only_if_it_asked_to(node: TriedNode) -> None:
    curious = node.media_server("chat", session=b"chat-1..........", wants_properties_changed=True)
    second = node.media_server("chat", session=b"chat-2..........", wants_properties_changed=True)
    silent = node.media_server("chat", session=b"chat-3..........")
    other = node.media_server("mail", wants_properties_changed=True)
    router = node.router()
    id = node.submit(curious)
    change = on(RequestChangeProperties, id, changed_properties={"a": 1})
    node.ask(router, change)
    assert node.names_told(curious) == node.names_told(second) == ["EventPropertiesChanged"]
    assert node.told(silent) == node.told(other) == []
    node.ask(second, change)
    assert node.names_told(curious) == ["EventPropertiesChanged"]
    assert node.told(second) == []


def test_a_strategy_may_change_what_an_agent_handles(node: TriedNode) -> None:
    mail, ann, router = node.media_server(), node.agent("Ann"), node.router()
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.ask(router, on(RequestChangeProperties, id, changed_properties={"a": 1}))
    assert node.user_data(id) == {"a": 1}


def test_another_connection_of_the_same_agent_takes_part_too(node: TriedNode) -> None:
    mail, desk, second = node.media_server(), node.agent("Ann"), node.agent("Ann", "desk-2")
    first, other = node.submit(mail), node.submit(mail)
    node.pull_ids(desk, first, other)
    node.ask(second, on(RequestStopProcessing, first))
    assert node.names_told(desk) == ["EventRevoked"]
    node.ask(second, on(RequestLeaveInteraction, other))
    assert node.names_told(desk) == ["EventRevoked"]
    assert node.kept(other).state == 0
