from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventPlacedInQueue,
    EventPlacedInWorkbin,
    RequestPlaceInQueue,
    RequestPlaceInWorkbin,
    Workbin,
)
from tests.node.tried import TriedNode

DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")


def place(id: str, queue: str = "Other", **more: Any) -> RequestPlaceInQueue:
    return RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue=queue, **more)


def put(id: str, workbin: Workbin = DRAFTS, **more: Any) -> RequestPlaceInWorkbin:
    return RequestPlaceInWorkbin(tenant_id=1, interaction_id=id, workbin=workbin, **more)


def test_an_agent_places_what_is_in_hand_in_another_queue(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.reported()
    node.now += 5
    assert node.ask(ann, place(id)).interaction_id == id
    row = node.kept(id)
    assert (row.state, row.queue, row.queue_seq, row.assigned_to) == (0, "Other", 2, None)
    assert row.moved_to_queue_at == row.placed_in_queue_at == node.now
    assert node.parties(id) == []
    assert node.timer("handling", id) is None
    removed, placed = node.reported()
    assert type(removed).__name__ == "EventPartyRemoved"
    assert removed.party.agent_id == "Ann"
    assert isinstance(placed, EventPlacedInQueue)
    assert (placed.queue, placed.old_queue) == ("Other", "Inbound")
    assert node.told(ann) == []


def test_a_strategy_places_what_it_routes(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail)
    node.pull(router)
    node.reported()
    node.ask(router, place(id))
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue"]
    assert node.timer("routing", id) is None


def test_what_enters_the_same_queue_again_keeps_the_time_when_it_first_did(
    node: TriedNode,
) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id, start = node.submit(mail), node.now
    node.pull_ids(ann, id)
    node.now += 5
    node.ask(ann, place(id, "Inbound"))
    row = node.kept(id)
    assert (row.moved_to_queue_at, row.placed_in_queue_at, row.queue_seq) == (start, node.now, 2)


def test_a_waiting_interaction_is_moved(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail)
    node.reported()
    node.ask(mail, place(id))
    assert node.names_reported() == ["EventTakenFromQueue", "EventPlacedInQueue"]
    node.ask(mail, put(id))
    assert node.names_reported() == [
        "EventTakenFromQueue",
        "EventPlacedInQueue",
        "EventPlacedInWorkbin",
    ]
    node.ask(mail, place(id))
    taken, out, placed = node.reported()
    assert (taken.queue, out.queue, placed.queue) == ("workbin:Drafts", "workbin:Drafts", "Other")
    assert out.workbin == DRAFTS
    assert node.kept(id).workbin_type is None


def test_properties_change_before_the_place_does(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail, user_data={"a": 1, "b": 2})
    node.pull_ids(ann, id)
    node.reported()
    node.ask(
        ann,
        place(
            id,
            added_properties={"c": 3},
            changed_properties={"Priority": 9},
            deleted_properties={"a": ""},
        ),
    )
    assert node.user_data(id) == {"b": 2, "c": 3, "Priority": 9}
    assert node.kept(id).priority == 9
    assert node.names_reported() == [
        "EventPropertiesChanged",
        "EventPartyRemoved",
        "EventPlacedInQueue",
    ]


def test_a_refused_property_refuses_the_placement(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail)
    wrong = place(id, changed_properties={"Queue": "Done"})
    assert node.refusal(mail, wrong) == Code.READ_ONLY_PROPERTY


def test_an_agent_puts_what_is_in_hand_into_a_workbin(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.reported()
    node.ask(ann, put(id))
    row = node.kept(id)
    assert (row.queue, row.workbin_type, row.workbin_agent) == ("workbin:Drafts", "Drafts", "Ann")
    removed, placed, lies = node.reported()
    assert (placed.queue, placed.old_queue) == ("workbin:Drafts", "Inbound")
    assert isinstance(lies, EventPlacedInWorkbin)
    assert lies.workbin == DRAFTS
    assert type(removed).__name__ == "EventPartyRemoved"


@pytest.mark.parametrize(
    ("workbin", "column"),
    [
        (Workbin(workbin_type_id="Team", workbin_group_id="Sales"), "workbin_group"),
        (Workbin(workbin_type_id="Desk", workbin_place_id="P1"), "workbin_place"),
        (Workbin(workbin_type_id="Floor", workbin_place_group_id="2nd"), "workbin_place_group"),
    ],
)
def test_each_kind_of_owner_has_its_column(node: TriedNode, workbin: Workbin, column: str) -> None:
    mail = node.media_server()
    id = node.submit(mail)
    node.ask(mail, put(id, workbin))
    row = node.kept(id)
    assert getattr(row, column)
    columns = ("workbin_agent", "workbin_group", "workbin_place", "workbin_place_group")
    assert [name for name in columns if getattr(row, name)] == [column]


@pytest.mark.parametrize(
    ("workbin", "code"),
    [
        (Workbin(), Code.MISSING_VALUE),
        (Workbin(workbin_type_id="None", workbin_agent_id="Ann"), Code.UNKNOWN_WORKBIN),
        (Workbin(workbin_type_id="Drafts"), Code.UNKNOWN_OWNER),
        (Workbin(workbin_type_id="Drafts", workbin_group_id="Sales"), Code.UNKNOWN_OWNER),
        (
            Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann", workbin_place_id="P1"),
            Code.UNKNOWN_OWNER,
        ),
    ],
)
def test_a_workbin_has_exactly_the_owner_of_its_kind(
    node: TriedNode, workbin: Workbin, code: int
) -> None:
    mail = node.media_server()
    assert node.refusal(mail, put(node.submit(mail), workbin)) == code


def test_where_agents_are_listed_others_own_no_workbins(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail, tenant_id=2)

    def drafts(agent: str) -> RequestPlaceInWorkbin:
        workbin = Workbin(workbin_type_id="Drafts", workbin_agent_id=agent)
        return RequestPlaceInWorkbin(tenant_id=2, interaction_id=id, workbin=workbin)

    assert node.refusal(mail, drafts("Bob")) == Code.UNKNOWN_OWNER
    node.ask(mail, drafts("Ann"))


@pytest.mark.parametrize(("queue", "code"), [("", 2), ("Nowhere", Code.UNKNOWN_QUEUE)])
def test_a_queue_must_be_known(node: TriedNode, queue: str, code: int) -> None:
    mail = node.media_server()
    assert node.refusal(mail, place(node.submit(mail), queue)) == code


def test_what_is_not_there_cannot_be_placed(node: TriedNode) -> None:
    assert node.refusal(node.media_server(), place("no such")) == Code.UNKNOWN_INTERACTION


def test_who_lost_an_interaction_cannot_take_it_from_the_one_who_has_it(node: TriedNode) -> None:
    mail, ann, bob, router = (
        node.media_server(),
        node.agent("Ann"),
        node.agent("Bob"),
        node.router(),
    )
    id = node.submit(mail)
    node.pull_ids(ann, id)
    for other in (bob, router):
        assert node.refusal(other, place(id)) == Code.NOT_A_PARTY
        assert node.refusal(other, put(id)) == Code.NOT_A_PARTY


def test_a_media_server_may_and_the_agent_hears_that_it_is_gone(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.ask(mail, place(id))
    (revoked,) = node.told(ann)
    assert type(revoked).__name__ == "EventRevoked"
    assert revoked.interaction_id == id  # type: ignore[attr-defined]


def test_a_completed_queue_is_remembered_after_it_was_left(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(completed_queues=("Done",))
    mail = node.media_server()
    id = node.submit(mail)
    node.ask(mail, place(id, "Done"))
    done_at = node.now
    node.now += 9
    node.ask(mail, place(id, "Other"))
    assert node.kept(id).completed_at == done_at
