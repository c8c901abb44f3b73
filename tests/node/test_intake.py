"""Documents are done whole, once, and what is refused of them is undone by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ixproxy.errors import Code
from ixproxy.messages import RequestStopProcessing
from ixproxy.node import intake, intake_operations
from ixproxy.node.intake_settings import CaptureRules, Check
from ixproxy.node.intake_work import (
    Document,
    DocumentDone,
    DocumentGiven,
    DocumentRefused,
    Operation,
    OutboxGrew,
    Problem,
    Said,
    Taken,
    Verb,
)
from ixproxy.node.outbox_sizes import consumer_of
from ixproxy.node.work import Asked
from tests.node.given import (
    POINT,
    capturing,
    give,
    given,
    one,
    operation,
    said,
    submit,
    submitted,
    told,
)
from tests.node.tried import TriedNode


@pytest.fixture
def node(make_node: Callable[..., TriedNode]) -> TriedNode:
    return make_node(capture=capturing().capture)


def test_all_operations_of_a_document_are_done_in_their_order(node: TriedNode) -> None:
    taken = give(
        node,
        submit("E1", Subject="hello"),
        operation(Verb.UPDATE, external_id="E1", properties={"Subject": "again"}),
        operation(Verb.HOLD, external_id="E1"),
        operation(Verb.GETINFO, external_id="E1"),
    )
    assert [result.problem for result in taken.results] == [None] * 4
    id = taken.results[0].interaction_id
    assert {result.interaction_id for result in taken.results} == {id}
    assert {result.external_id for result in taken.results} == {"E1"}
    row = node.kept(id)
    assert (row.queue, row.submitted_by, row.external_id, row.is_held) == (
        "Inbound",
        POINT,
        "E1",
        1,
    )
    assert node.user_data(id) == {"Subject": "again", "ExternalId": "E1"}
    assert taken.results[3].properties["Subject"] == "again"
    assert taken.results[3].properties["IsHeld"] == 1
    assert said(node) == ["submitted", "changed", "held", "info"]


def test_what_is_refused_is_undone_alone_and_answered_with_the_error(node: TriedNode) -> None:
    taken = give(
        node,
        submit("E1"),
        submit("E2", Queue="nowhere"),
        submit("E3"),
        operation(Verb.STOP, external_id="E9"),
        operation(Verb.HOLD),
    )
    codes = [result.problem.code if result.problem else 0 for result in taken.results]
    assert codes == [0, Code.UNKNOWN_QUEUE, 0, Code.UNKNOWN_INTERACTION, Code.MISSING_VALUE]
    first, third = taken.results[0].interaction_id, taken.results[2].interaction_id
    assert [node.kept(id).queue_seq for id in (first, third)] == [1, 2]
    replies = told(node)
    assert [each.said for each in replies] == [
        Said.SUBMITTED, Said.ERROR, Said.SUBMITTED, Said.ERROR, Said.ERROR,
    ]  # fmt: skip
    assert replies[3].external_id == "E9"
    assert replies[3].problem == taken.results[3].problem
    assert replies[1].extra == {"Verb": "submit"}
    numbers = [each.number for each in replies]
    assert numbers == sorted(set(numbers))


def test_the_replies_to_a_document_that_has_a_name_say_which_operation_they_answer(
    node: TriedNode,
) -> None:
    bad = operation(Verb.SUBMIT, problem=Problem(Code.BAD_ATTRIBUTE, "Priority is 'x'"))
    give(node, submit("E1"), bad, correlation={"document": "a.xml"})
    assert [each.extra for each in told(node)] == [
        {"Document": "a.xml", "Operation": 1},
        {"Verb": "submit", "Document": "a.xml", "Operation": 2},
    ]


def test_what_its_reader_found_wrong_is_not_tried(node: TriedNode) -> None:
    problem = Problem(Code.BAD_ATTRIBUTE, "Priority is 'x'")
    result = one(node, operation(Verb.SUBMIT, external_id="E1", problem=problem))
    assert result.problem == problem
    assert node.stored() == []
    assert said(node) == ["error"]


TORN = Problem(3005, "line 1: not well-formed")


def test_a_document_of_which_nothing_can_be_done_is_replied_to_once_as_a_whole(
    node: TriedNode,
) -> None:
    correlation = {"message": "m1", "document": "a.xml"}
    taken = give(node, problem=TORN, receipt="r1", correlation=correlation)
    assert taken == Taken(problem=TORN)
    (reply,) = told(node)
    assert (reply.said, reply.reply, reply.problem) == (Said.ERROR, True, TORN)
    assert (reply.interaction_id, reply.external_id) == ("", "")
    assert (reply.correlation, reply.extra) == (correlation, {"Document": "a.xml"})
    assert reply.number == node.core.last_event_number
    assert OutboxGrew(POINT) in node.outcome.effects
    assert node.stored() == []


def test_one_without_a_name_is_called_by_its_receipt_or_not_at_all(node: TriedNode) -> None:
    give(node, problem=TORN, receipt="r1")
    give(node, problem=TORN)
    assert [each.extra for each in told(node)] == [{"Document": "r1"}, {}]


def test_its_operations_are_not_tried(node: TriedNode) -> None:
    assert give(node, submit(), problem=TORN).results == ()
    assert node.stored() == []
    assert len(told(node)) == 1


def test_a_problem_is_nothing_to_a_document_that_was_done(node: TriedNode) -> None:
    first = give(node, submit("E1"), receipt="r1", replies=False)
    again = give(node, problem=TORN, receipt="r1")
    assert (again.repeated, again.problem, again.results) == (True, None, first.results)
    assert told(node) == []


def test_a_problem_does_not_keep_a_document_from_being_done_later(node: TriedNode) -> None:
    give(node, problem=TORN, receipt="r1", replies=False)
    assert told(node) == []
    assert not give(node, submit("E1"), receipt="r1").repeated
    assert len(node.stored()) == 1


def test_a_known_receipt_does_nothing_and_gives_the_first_results(node: TriedNode) -> None:
    first = give(node, submit("E1"), submit("E2", Queue="nowhere"), receipt="r1")
    before, number = told(node), node.core.last_event_number
    again = give(node, submit("E1"), submit("E2"), receipt="r1")
    assert again == Taken(results=first.results, repeated=True)
    assert not first.repeated
    assert told(node) == before
    assert node.core.last_event_number == number
    assert not give(node, submit("E1"), receipt="r2").repeated


def test_a_receipt_is_known_in_the_same_batch_and_after_a_restart(node: TriedNode) -> None:
    document = Document(operations=(submit("E1"),), receipt="r1")
    node.run(*(DocumentGiven(POINT, document, token) for token in (1, 2)))
    done = node.effects(DocumentDone)
    assert [each.taken.repeated for each in done] == [False, True]
    assert done[0].taken.results == done[1].taken.results
    node.restart()
    assert give(node, submit("E1"), receipt="r1").repeated
    assert len(node.stored()) == 1


def test_receipts_are_each_capture_points_own(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(capture={name: CaptureRules() for name in ("a", "b")})
    assert not give(node, submit(), receipt="r", point="a").repeated
    assert not give(node, submit(), receipt="r", point="b").repeated


def test_a_receipt_counts_for_its_time_and_is_deleted_later(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(capture=capturing(receipt_retention=2.0).capture)
    give(node, submit("E1"), receipt="r1")
    node.wait(2 * 3600 - 1)
    assert give(node, submit("E1"), receipt="r1").repeated
    node.now += 1
    assert not give(node, submit("E1"), receipt="r1").repeated
    node.wait(2 * 3600 + 60)
    assert node.store.fetch("documents", [(POINT, "r1")]) == []


def test_without_a_check_receipts_do_not_matter(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(capture=capturing(check=Check.NONE).capture)
    results = [give(node, submit("E1"), receipt="r1") for _ in range(2)]
    assert not results[1].repeated
    assert len({each.results[0].interaction_id for each in results}) == 2
    assert node.store.fetch("documents", [(POINT, "r1")]) == []


def test_by_external_id_a_submit_is_answered_with_what_is_there(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(capture=capturing(check=Check.EXTERNAL_ID).capture)
    id = submitted(node, "E1")
    taken = give(node, submit("E1"), submit("E2"), submit("E2"), submit(ExternalId="E1"))
    ids = [result.interaction_id for result in taken.results]
    assert ids == [id, ids[1], ids[1], id]
    assert [each.extra for each in told(node)] == [{"Repeated": 1}, {}, *[{"Repeated": 1}] * 2]
    give(node, operation(Verb.STOP, external_id="E1"), replies=False)
    assert submitted(node, "E1") != id


def test_an_external_id_is_known_wherever_a_submit_names_it(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(capture=capturing(check=Check.EXTERNAL_ID).capture)
    id = submitted(node, "E1")
    named = submit(UserData={"ExternalId": "E1"})
    beside = operation(Verb.SUBMIT, properties=named.properties, user_data={"ExternalId": "E1"})
    taken = give(node, submit("E2"), named, beside)
    assert [result.interaction_id for result in taken.results[1:]] == [id, id]


def test_external_ids_are_not_unique_by_default(node: TriedNode) -> None:
    assert submitted(node, "New Call") != submitted(node, "New Call")


def test_results_that_are_too_large_are_kept_without_what_was_read(node: TriedNode) -> None:
    info = operation(Verb.GETINFO, external_id="E1")
    first = give(node, submit("E1", Text="x" * 40_000), info, info, receipt="r1")
    again = give(node, receipt="r1")
    assert len(first.results[2].properties["Text"]) == 40_000
    assert again.repeated
    assert [result.properties for result in again.results] == [{}] * 3
    assert again.results[2].interaction_id == first.results[2].interaction_id


def test_results_that_are_still_too_large_are_not_kept(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "KEPT_RESULTS", 10)
    give(node, submit("E1"), receipt="r1")
    assert give(node, submit("E1"), receipt="r1") == Taken(repeated=True)


def test_a_document_without_replies_leaves_nothing_in_the_outbox(node: TriedNode) -> None:
    give(node, submit("E1"), operation(Verb.STOP), replies=False)
    assert told(node) == []
    assert node.effects(OutboxGrew) == []


def test_an_empty_document_is_taken(node: TriedNode) -> None:
    assert give(node, receipt="r1") == Taken()
    assert give(node, receipt="r1") == Taken(repeated=True)


def test_replies_carry_what_the_capture_point_wants_to_find_again(node: TriedNode) -> None:
    give(node, submit("E1"), correlation={"message-id": "m1", "reply-to": "q"})
    (reply,) = told(node)
    assert reply.correlation == {"message-id": "m1", "reply-to": "q"}
    assert (reply.reply, reply.dbid, reply.at) == (True, 101, node.now)
    assert reply.actor == ("media-server", POINT)
    assert reply.properties["Queue"] == "Inbound"
    assert reply.properties["ExternalId"] == "E1"


def test_a_mistake_of_ours_costs_one_operation(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake_operations._VERBS[Verb.HOLD]

    def broken(turn: object, asker: object, each: Operation) -> object:
        real(turn, asker, each)  # type: ignore[arg-type]
        raise ZeroDivisionError("a bug")

    monkeypatch.setitem(intake_operations._VERBS, Verb.HOLD, broken)
    document = Document(
        operations=(submit("E1"), operation(Verb.HOLD, external_id="E1"), submit("E2"))
    )
    outcome = node.core.run([DocumentGiven(POINT, document, "t")], node.now)
    (done,) = [each for each in outcome.effects if isinstance(each, DocumentDone)]
    problems = [result.problem for result in done.taken.results]
    assert [each and each.code for each in problems] == [None, Code.INTERNAL, None]
    assert [type(each.problem) for each in outcome.failures] == [ZeroDivisionError]
    assert not node.kept(done.taken.results[0].interaction_id).is_held
    assert said(node) == ["submitted", "error", "submitted"]


def test_a_full_outbox_refuses_documents_that_want_replies(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(capture=capturing(max_outbox=3).capture)
    give(node, *[submit() for _ in range(5)])
    refused = given(node, submit(), receipt="r1")
    assert isinstance(refused, DocumentRefused)
    assert (refused.code, refused.in_doubt) == (Code.BUSY, False)
    assert "5 notifications" in refused.description
    assert len(node.stored()) == 5
    assert isinstance(given(node, problem=TORN), DocumentRefused)
    assert give(node, submit(), replies=False)
    assert not give(node, submit(), receipt="r1", replies=False).repeated


def test_a_capture_point_that_is_gone_takes_nothing(node: TriedNode) -> None:
    refused = given(node, submit(), point="other")
    assert isinstance(refused, DocumentRefused)
    assert refused.code == Code.STOPPING
    assert node.stored() == []


def test_documents_and_requests_of_a_batch_see_each_other(node: TriedNode) -> None:
    mail = node.media_server()
    id = submitted(node, "E1")
    older = submitted(node, "E1", ReceivedAt=5)
    node.run(
        Asked(mail, RequestStopProcessing(interaction_id=older), 0, "stop"),
        DocumentGiven(
            POINT, Document(operations=(operation(Verb.STOP, external_id="E1"),) * 2), "d"
        ),
    )
    (done,) = node.effects(DocumentDone)
    assert [result.interaction_id for result in done.taken.results] == [id, ""]
    assert node.stored() == [row for row in node.stored() if row.table == "sessions"]


def test_several_documents_of_a_batch_use_up_what_shares_an_external_id(node: TriedNode) -> None:
    ids = [submitted(node, "E1") for _ in range(6)]
    stop = Document(operations=(operation(Verb.STOP, external_id="E1"),) * 2)
    node.run(*(DocumentGiven(POINT, stop, token) for token in range(4)))
    done = node.effects(DocumentDone)
    stopped = [result.interaction_id for each in done for result in each.taken.results]
    assert stopped == [*reversed(ids), "", ""]


def test_the_newest_is_found_also_behind_others_that_were_stopped_meanwhile(
    node: TriedNode,
) -> None:
    mail = node.media_server()
    first, second = submitted(node, "E1"), submitted(node, "E1")
    node.run(
        Asked(mail, RequestStopProcessing(interaction_id=second), 0, "stop"),
        DocumentGiven(POINT, Document(operations=(operation(Verb.HOLD, external_id="E1"),)), "d"),
    )
    (done,) = node.effects(DocumentDone)
    assert done.taken.results[0].interaction_id == first


def test_a_document_waits_for_no_other_statement_where_all_is_foreseen(node: TriedNode) -> None:
    for number in range(4):
        submitted(node, f"E{number}")
    node.store.calls.clear() if hasattr(node.store, "calls") else None
    works = [
        DocumentGiven(
            POINT,
            Document(operations=(operation(Verb.HOLD, external_id=f"E{at}"),), receipt=f"r{at}"),
            at,
        )
        for at in range(4)
    ]
    asked: list[str] = []
    real = node.store.newest

    def newest(by: str, ids: list[str], limit: int) -> list[object]:
        asked.extend(ids)
        return real(by, ids, limit)

    node.store.newest = newest  # type: ignore[method-assign, assignment]
    node.run(*works)
    assert sorted(asked) == ["E0", "E1", "E2", "E3"]


def test_a_removed_rule_is_counted_anew_when_it_comes_back(node: TriedNode) -> None:
    give(node, submit(), submit())
    without = replace(node.settings, capture={})
    node.core.configuration_changed(node.model, without, node.now)
    node.core.configuration_changed(node.model, node.settings, node.now)
    assert node.core._standing.outboxes.sizes == {POINT: 2}
    node.restart()
    assert node.core._standing.outboxes.sizes == {POINT: 2}
    assert node.store.outbox_size(consumer_of(POINT)) == 2
