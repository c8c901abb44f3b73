"""Each operation does what a media server's request does, for what a capture point may see."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import RequestPlaceInWorkbin, Workbin
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.node.intake_work import Document, DocumentDone, DocumentGiven, Operation, Verb
from tests.node.given import POINT, capturing, give, one, operation, submit, submitted, told
from tests.node.tried import TriedNode


@pytest.fixture
def node(make_node: Callable[..., TriedNode]) -> TriedNode:
    return make_node(capture=capturing().capture)


def code(node: TriedNode, it: Operation) -> int:
    problem = one(node, it).problem
    return problem.code if problem else 0


def test_a_submit_is_that_of_a_media_server_with_the_capture_points_name(node: TriedNode) -> None:
    row = node.kept(submitted(node, "E1", InteractionType="Outbound", Product="car", Amount="7"))
    assert (row.submitted_by, row.type, row.subtype) == (POINT, "Outbound", "InboundNew")
    assert row.custom == {"c_product": "car", "c_amount": 7}
    assert (row.tenant_id, row.state) == (1, 0)


def test_a_submit_can_name_its_id_and_its_tenant_must_be_the_capture_points(
    node: TriedNode,
) -> None:
    assert submitted(node, InteractionId="mine") == "mine"
    assert code(node, submit(InteractionId="mine")) == Code.DUPLICATE_INTERACTION
    assert code(node, submit(TenantId=2)) == Code.NOT_ALLOWED
    assert code(node, submit(TenantId=9)) == Code.UNKNOWN_TENANT


def test_where_there_is_one_tenant_it_need_not_be_named(node: TriedNode) -> None:
    assert node.kept(submitted(node, TenantId="")).tenant_id == 1


def test_where_there_are_several_it_must(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(capture={POINT: CaptureRules()})
    assert code(node, submit(TenantId="")) == Code.MISSING_VALUE
    assert node.kept(submitted(node, TenantId="2")).tenant_id == 2


def test_it_may_come_on_hold_and_be_resumed(node: TriedNode) -> None:
    id = submitted(node, "E1", Hold="1")
    assert node.kept(id).is_held
    assert node.outcome.pullable == frozenset()
    give(node, operation(Verb.RESUME, external_id="E1", reason=("ready", "paid")), replies=False)
    assert not node.kept(id).is_held
    assert code(node, operation(Verb.RESUME, external_id="E1")) == Code.NOT_HELD


def test_a_submit_into_a_workbin_lies_there(node: TriedNode) -> None:
    id = submitted(node, Queue="", Workbin="Drafts", WorkbinAgentId="Ann")
    assert node.kept(id).workbin_agent == "Ann"
    assert code(node, submit(Workbin="Drafts", WorkbinAgentId="Ann")) == Code.BAD_ATTRIBUTE


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"Queue": "nowhere"}, Code.UNKNOWN_QUEUE),
        ({"Queue": ""}, Code.MISSING_VALUE),
        ({"MediaType": "pigeon"}, Code.UNKNOWN_MEDIA_TYPE),
        ({"SubmittedBy": "me"}, Code.READ_ONLY_PROPERTY),
        ({"IsHeld": 1}, Code.READ_ONLY_PROPERTY),
        ({"Priority": "x"}, Code.BAD_ATTRIBUTE),
        ({"Text": "x" * (600 << 10)}, Code.USER_DATA_TOO_LARGE),
    ],
)
def test_what_no_submit_may_have_is_refused(
    node: TriedNode, properties: dict[str, Any], expected: int
) -> None:
    assert code(node, submit("E1", **properties)) == expected
    assert node.stored() == []


def test_read_only_properties_are_left_out_where_an_option_says_so(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(
        capture=capturing().capture,
        ignore_read_only_on_submit=True,
        ignore_read_only_on_change=True,
    )
    id = submitted(node, "E1", SubmittedBy="me")
    assert node.kept(id).submitted_by == POINT
    update = operation(Verb.UPDATE, external_id="E1", properties={"MediaType": "chat", "a": 1})
    assert code(node, update) == 0
    assert node.kept(id).media_type == "email"


def test_an_update_changes_deletes_and_moves(node: TriedNode) -> None:
    id = submitted(node, "E1", Note="x", Old="y")
    update = operation(
        Verb.UPDATE,
        external_id="E1",
        properties={"Priority": "20", "Queue": "Other", "ExternalId": "E2"},
        deleted=("Old",),
        reason=("moved", ""),
    )
    give(node, update)
    row = node.kept(id)
    assert (row.queue, row.priority, row.external_id) == ("Other", 20, "E2")
    assert node.user_data(id) == {"Note": "x", "Priority": 20, "ExternalId": "E2"}
    (reply,) = told(node)
    assert reply.changed == {"Priority": 20, "Queue": "Other", "ExternalId": "E2"}
    assert reply.deleted == ("Old",)
    assert reply.external_id == "E2"
    assert reply.reason == ("moved", "")
    assert code(node, operation(Verb.HOLD, external_id="E1")) == Code.UNKNOWN_INTERACTION
    assert code(node, operation(Verb.HOLD, external_id="E2")) == 0


def test_an_update_that_moves_takes_it_from_who_has_it_and_one_that_does_not_leaves_it(
    node: TriedNode,
) -> None:
    id = submitted(node, "E1")
    ann = node.agent("Ann")
    node.pull_ids(ann, id)
    same = operation(Verb.UPDATE, external_id="E1", properties={"Queue": "Inbound", "a": 1})
    give(node, same)
    assert node.kept(id).state == 3
    give(node, operation(Verb.UPDATE, external_id="E1", properties={"Queue": "Done"}))
    assert (node.kept(id).state, node.kept(id).queue) == (0, "Done")
    assert node.parties(id) == []
    assert "EventRevoked" in node.names_told(ann)


def test_an_update_moves_out_of_a_workbin(node: TriedNode) -> None:
    mail, id = node.media_server(), submitted(node, "E1")
    workbin = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
    node.ask(mail, RequestPlaceInWorkbin(interaction_id=id, workbin=workbin))
    give(node, operation(Verb.UPDATE, external_id="E1", properties={"Queue": "Inbound"}))
    assert (node.kept(id).queue, node.kept(id).workbin_type) == ("Inbound", None)


def test_an_update_may_repeat_all_that_it_was_told(node: TriedNode) -> None:
    submitted(node, "E1", Note="x")
    shown = one(node, operation(Verb.GETINFO, external_id="E1")).properties
    update = operation(Verb.UPDATE, external_id="E1", properties={**shown, "Note": "y"})
    assert code(node, update) == 0
    changed = {**shown, "MediaType": "chat"}
    refused = operation(Verb.UPDATE, external_id="E1", properties=changed)
    assert code(node, refused) == Code.READ_ONLY_PROPERTY


def test_a_name_that_is_changed_and_deleted_is_refused(node: TriedNode) -> None:
    submitted(node, "E1")
    both = operation(Verb.UPDATE, external_id="E1", properties={"a": 1}, deleted=("a",))
    assert code(node, both) == Code.DUPLICATE_KEY


def test_a_stop_ends_it_and_shows_it_as_it_was(node: TriedNode) -> None:
    id = submitted(node, "E1", Note="x")
    result = one(node, operation(Verb.STOP, interaction_id=id, reason=("done", "by us")))
    assert (result.interaction_id, result.external_id, result.properties) == (id, "E1", {})
    assert node.row(id) is None
    (reply,) = told(node)
    assert (reply.said.value, reply.properties["Note"]) == ("stopped", "x")
    assert reply.reason == ("done", "by us")


def test_by_its_id_any_interaction_of_its_tenants_is_reached(node: TriedNode) -> None:
    mail = node.media_server()
    first, second = node.submit(mail), node.submit(mail, tenant_id=2)
    assert code(node, operation(Verb.HOLD, interaction_id=first)) == 0
    assert code(node, operation(Verb.HOLD, interaction_id=second)) == Code.UNKNOWN_INTERACTION


def test_by_external_id_only_its_own_and_of_these_the_newest(node: TriedNode) -> None:
    mail = node.media_server()
    node.submit(mail, user_data={"ExternalId": "E1"})
    assert code(node, operation(Verb.HOLD, external_id="E1")) == Code.UNKNOWN_INTERACTION
    first = submitted(node, "E1")
    node.now += 1
    second = submitted(node, "E1")
    assert one(node, operation(Verb.HOLD, external_id="E1")).interaction_id == second
    assert one(node, operation(Verb.STOP, external_id="E1")).interaction_id == second
    assert one(node, operation(Verb.STOP, external_id="E1")).interaction_id == first
    assert code(node, operation(Verb.STOP, external_id="E1")) == Code.UNKNOWN_INTERACTION


def test_with_both_ids_the_first_addresses(node: TriedNode) -> None:
    first, second = submitted(node, "E1"), submitted(node, "E2")
    both = operation(Verb.GETINFO, interaction_id=first, external_id="E2")
    assert one(node, both).interaction_id == first
    give(node, operation(Verb.UPDATE, interaction_id=second, external_id="E3"))
    assert node.kept(second).external_id == "E3"


def test_what_is_named_by_nothing_is_refused(node: TriedNode) -> None:
    for verb in (Verb.UPDATE, Verb.HOLD, Verb.RESUME, Verb.STOP, Verb.GETINFO):
        problem = one(node, operation(verb)).problem
        assert problem is not None
        assert problem.code == Code.MISSING_VALUE
        assert "InteractionId or ExternalId" in problem.description


@pytest.mark.parametrize("id", ["a\0b", "\ud800", "é" * 128])
def test_what_cannot_be_stored_is_unknown_without_asking(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch, id: str
) -> None:
    asked: list[object] = []

    def newest(*of: object) -> list[object]:
        asked.append(of)
        return []

    monkeypatch.setattr(node.store, "newest", newest)
    document = (operation(Verb.HOLD, external_id=id),)
    assert give(node, *document, replies=False).results[0].problem is not None
    assert asked == []


def test_an_unknown_id_is_said_with_the_fields_words_and_in_short(node: TriedNode) -> None:
    problem = one(node, operation(Verb.STOP, external_id="x" * 5000)).problem
    assert problem is not None
    assert problem.description.startswith("Unknown interaction identifier specified: ")
    assert len(problem.description) < 400
    assert len(told(node)[0].external_id) == 255


def test_a_ping_is_answered_with_statistics_in_plain_values(node: TriedNode) -> None:
    submitted(node)
    result = one(node, operation(Verb.PING))
    assert result.properties["Name"] == "ixn1"
    assert result.properties["Interactions"] == 1
    assert result.properties["CapturePoints"] == {POINT: {"NotificationsWaiting": 0}}
    assert all(isinstance(each, int | str | dict) for each in result.properties.values())
    assert told(node)[0].properties == result.properties


def test_the_times_of_a_ping_are_as_all_times_and_its_spans_are_whole_seconds(
    node: TriedNode,
) -> None:
    node.now += 11.996
    told = one(node, operation(Verb.PING)).properties
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told["StartedAt"])
    assert told["Uptime"] == 11


def test_a_ping_tells_what_the_server_knows_of_capture_points(node: TriedNode) -> None:
    known = {POINT: {"Taken": 7}, "another": {"Taken": 1}}
    asked = Document(operations=(operation(Verb.PING),), replies=False)
    node.run(DocumentGiven(POINT, asked, "t", known))
    (done,) = [each for each in node.outcome.effects if isinstance(each, DocumentDone)]
    told = done.taken.results[0].properties
    assert told["CapturePoints"] == {POINT: {"Taken": 7, "NotificationsWaiting": 0}}


def test_long_reasons_are_cut(node: TriedNode) -> None:
    submitted(node, "E1")
    assert code(node, operation(Verb.HOLD, external_id="E1", reason=("n" * 999, "d" * 9999))) == 0
