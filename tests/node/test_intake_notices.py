"""Capture points hear what others do with what they submitted, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.messages import (
    Reason,
    RequestAccept,
    RequestChangeProperties,
    RequestDeliver,
    RequestHold,
    RequestIntrude,
    RequestLeaveInteraction,
    RequestPlaceInQueue,
    RequestPlaceInWorkbin,
    RequestResume,
    RequestStopProcessing,
    Workbin,
)
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.node.intake_work import NoticeDropped, OutboxGrew, Said, Verb
from tests.node.given import POINT, capturing, give, operation, said, submit, submitted, told
from tests.node.tried import TriedNode


@pytest.fixture
def node(make_node: Callable[..., TriedNode]) -> TriedNode:
    return make_node(capture=capturing().capture)


def test_each_thing_that_others_do_is_told_with_what_the_interaction_has_then(
    node: TriedNode,
) -> None:
    mail, id = node.media_server(), submitted(node, "E1", Note="x", Old="y")
    why = Reason(reason_system_name="paid", reason_description="in cash")
    of: dict[str, Any] = {"interaction_id": id, "reason": why}
    drafts = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
    changes: dict[str, Any] = {
        "changed_properties": {"Note": "z"},
        "deleted_properties": {"Old": ""},
    }
    node.ask(mail, RequestHold(**of))
    node.ask(mail, RequestResume(**of))
    node.ask(mail, RequestChangeProperties(**of, **changes, added_properties={"New": 1}))
    node.ask(mail, RequestPlaceInQueue(**of, queue="Other"))
    node.ask(mail, RequestPlaceInWorkbin(**of, workbin=drafts))
    node.ask(mail, RequestStopProcessing(**of))
    notices = told(node)
    assert [each.said for each in notices] == [
        Said.HELD, Said.RESUMED, Said.CHANGED, Said.PLACED_IN_QUEUE, Said.PLACED_IN_WORKBIN,
        Said.STOPPED,
    ]  # fmt: skip
    for each in notices:
        assert (each.interaction_id, each.external_id, each.reply) == (id, "E1", False)
        assert each.actor == ("media-server", "mail-1")
        assert each.reason == ("paid", "in cash")
        assert (each.at, each.dbid, each.correlation) == (node.now, 101, {})
    assert [each.properties["IsHeld"] for each in notices] == [1, 0, 0, 0, 0, 0]
    assert [each.place for each in notices] == ["", "", "", "Other", "Drafts", ""]
    assert notices[2].changed == {"Note": "z", "New": 1}
    assert notices[2].deleted == ("Old",)
    assert notices[2].properties["Note"] == "z"
    assert notices[5].properties["Workbin"] == "Drafts"
    assert all(each.changed == {} for each in notices if each.said is not Said.CHANGED)


def test_notices_have_the_numbers_of_their_events(node: TriedNode) -> None:
    mail, id = node.media_server(), submitted(node)
    node.reported()
    node.ask(mail, RequestHold(interaction_id=id))
    (event,) = node.reported()
    (notice,) = told(node)
    assert notice.number == event.event_number


def test_it_hears_who_gets_it(node: TriedNode) -> None:
    id = submitted(node)
    router, ann = node.router(), node.agent("Ann")
    node.pull(router, "Inbound/All", extension={"pull-for-strategy": 1})
    route = told(node)[0]
    assert route.said is Said.ROUTE_REQUESTED
    assert route.actor[0] == "router"
    node.begin(router, RequestDeliver(interaction_id=id, agent_id="Ann", place_id="P-Ann"))
    ticket = node.invitations()[0].ticket
    node.ask(ann, RequestAccept(interaction_id=id, ticket_id=ticket))
    assigned = told(node)[-1]
    assert assigned.said is Said.ASSIGNED
    assert assigned.extra == {"PartyAgentId": "Ann", "PartyPlaceId": "P-Ann"}
    assert assigned.properties["AssignedTo"] == "Ann"
    assert assigned.properties["AssignedAt"]
    node.ask(ann, RequestLeaveInteraction(interaction_id=id))
    back = told(node)[-1]
    assert (back.said, back.place) == (Said.PLACED_IN_QUEUE, "Inbound")
    assert back.actor == ("agent", "Ann")


def test_what_happens_by_itself_has_no_actor(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(capture=capturing().capture, handling_timeout=1)
    id = submitted(node)
    node.pull_ids(node.agent("Ann"), id)
    node.wait(61)
    last = told(node)[-1]
    assert (last.said, last.actor) == (Said.PLACED_IN_QUEUE, ("", ""))
    assert last.reason[0] == "Expired"


def test_what_it_does_itself_it_hears_of_by_replies_alone(node: TriedNode) -> None:
    submitted(node, "E1")
    update = operation(Verb.UPDATE, external_id="E1", properties={"Queue": "Other", "a": 1})
    give(node, operation(Verb.HOLD, external_id="E1"), update, replies=False)
    assert told(node) == []
    give(node, operation(Verb.STOP, external_id="E1"))
    assert said(node) == ["stopped"]
    assert told(node)[0].reply


def test_another_capture_point_is_somebody_else(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(capture={name: CaptureRules(tenants=frozenset({1})) for name in ("a", "b")})
    id = give(node, submit(), point="a", replies=False).results[0].interaction_id
    give(node, operation(Verb.HOLD, interaction_id=id), point="b")
    assert said(node, "b") == ["held"]
    (notice,) = told(node, "a")
    assert (notice.said, notice.actor, notice.reply) == (Said.HELD, ("media-server", "b"), False)


def test_what_others_submitted_concerns_nobody(node: TriedNode) -> None:
    mail = node.media_server()
    node.ask(mail, RequestHold(interaction_id=node.submit(mail)))
    assert told(node) == []


def test_only_what_is_wanted_is_told(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(capture=capturing(wanted=frozenset({Said.STOPPED})).capture)
    mail, id = node.media_server(), submitted(node)
    node.ask(mail, RequestHold(interaction_id=id))
    node.ask(mail, RequestStopProcessing(interaction_id=id))
    assert said(node) == ["stopped"]


def test_a_full_outbox_drops_notices_and_keeps_replies(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(capture=capturing(max_outbox=2).capture)
    mail = node.media_server()
    give(node, submit("E1"), submit("E2"))
    id = told(node)[0].interaction_id
    node.ask(mail, RequestHold(interaction_id=id))
    assert node.effects(NoticeDropped) == [NoticeDropped(POINT)]
    assert node.effects(OutboxGrew) == []
    assert node.kept(id).is_held
    assert said(node) == ["submitted", "submitted"]


def test_a_refused_request_tells_nothing(node: TriedNode) -> None:
    mail, id = node.media_server(), submitted(node)
    node.refusal(mail, RequestResume(interaction_id=id))
    node.refusal(mail, RequestPlaceInQueue(interaction_id=id, queue="nowhere"))
    assert told(node) == []
    assert node.core._standing.outboxes.sizes == {POINT: 0}


def test_a_watcher_is_not_assigned(node: TriedNode) -> None:
    id = submitted(node)
    node.pull_ids(node.agent("Ann"), id)
    bob = node.agent("Bob")
    node.ask(bob, RequestIntrude(interaction_id=id, visibility_mode="Monitor"))
    assert said(node) == ["assigned"]
