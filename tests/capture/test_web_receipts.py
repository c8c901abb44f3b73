from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy.capture.web_receipts import LONGEST, is_reused, receipt_of
from ixproxy.capture.web_values import Asked
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import MAX_NAME
from ixproxy.node.intake_settings import Check
from ixproxy.node.intake_work import Document, Operation, Problem, Result, Taken, Verb
from tests.node.given import capturing, give, submit
from tests.node.tried import TriedNode


def asked(given: str) -> Asked:
    return Asked(method="POST", headers={"idempotency-key": given})


@pytest.mark.parametrize(
    ("given", "receipt"),
    [
        ('"a-1"', "a-1"),
        ("a-1", "a-1"),
        (' "a \\"b\\" \\\\c" ', 'a "b" \\c'),
        ('"half', '"half'),
        ("", ""),
        ('""', ""),
        ("x" * LONGEST, "x" * LONGEST),
    ],
)
def test_a_quoted_receipt_and_a_bare_one_mean_the_same(given: str, receipt: str) -> None:
    assert receipt_of(asked(given)) == receipt


def test_a_request_without_one_has_none() -> None:
    assert receipt_of(Asked(method="POST")) == ""


@pytest.mark.parametrize("given", ["x" * (LONGEST + 1), "ä", "a\tb", "a\x7f"])
def test_what_cannot_be_one_is_refused(given: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        receipt_of(asked(given))
    assert refused.value.code == Code.BAD_ATTRIBUTE
    assert "Idempotency-Key" in refused.value.description


def op(verb: Verb, id: str = "", external_id: str = "", **more: Any) -> Operation:
    return Operation(verb=verb, interaction_id=id, external_id=external_id, **more)


def result(verb: Verb, id: str = "", external_id: str = "", code: int = 0) -> Result:
    problem = Problem(code, "") if code else None
    return Result(verb=verb, interaction_id=id, external_id=external_id, problem=problem)


def reused(operation: Operation, first: Result) -> bool:
    taken = Taken(results=(first,), repeated=True)
    return is_reused(Document(operations=(operation,)), taken)


LONG = "x" * (MAX_NAME + 9)


@pytest.mark.parametrize(
    ("operation", "first"),
    [
        (op(Verb.STOP, "X1"), result(Verb.SUBMIT, "X1")),
        (op(Verb.SUBMIT), result(Verb.PING)),
        (op(Verb.SUBMIT, "", "E2"), result(Verb.SUBMIT, "X1", "E1")),
        (op(Verb.SUBMIT, properties={"ExternalId": "E2"}), result(Verb.SUBMIT, "X1", "E1")),
        (op(Verb.SUBMIT, "X2"), result(Verb.SUBMIT, "X1")),
        (op(Verb.HOLD, "X2"), result(Verb.HOLD, "X1", "E1")),
        (op(Verb.HOLD, "X1"), result(Verb.HOLD, "", "E1", Code.UNKNOWN_INTERACTION)),
        (op(Verb.STOP, "", "E2"), result(Verb.STOP, "X1", "E1")),
        (op(Verb.STOP, "", "E2"), result(Verb.STOP, "X1")),
        (op(Verb.UPDATE, "", "E2"), result(Verb.UPDATE, "X1", "E1")),
    ],
)
def test_another_request_under_a_known_receipt_is_told_from_a_repetition(
    operation: Operation, first: Result
) -> None:
    assert reused(operation, first)


@pytest.mark.parametrize(
    ("operation", "first"),
    [
        (op(Verb.PING), result(Verb.PING)),
        (op(Verb.SUBMIT), result(Verb.SUBMIT, "X1")),
        (op(Verb.SUBMIT, "", "E1"), result(Verb.SUBMIT, "X1", "E1")),
        (op(Verb.SUBMIT, user_data={"ExternalId": "E1"}), result(Verb.SUBMIT, "X1", "E1")),
        (op(Verb.SUBMIT, "X2", "E1"), result(Verb.SUBMIT, "X1", "E1")),
        (op(Verb.SUBMIT, "X1", "E1"), result(Verb.SUBMIT, "X1", "", Code.BAD_ATTRIBUTE)),
        (op(Verb.STOP, "X1", "E1"), result(Verb.STOP, "X1", "other")),
        (op(Verb.HOLD, LONG), result(Verb.HOLD, LONG[:MAX_NAME], "", Code.BAD_ATTRIBUTE)),
        (op(Verb.HOLD, "", LONG), result(Verb.HOLD, "", LONG[:MAX_NAME], Code.BAD_ATTRIBUTE)),
        (
            op(Verb.UPDATE, "", "E1", properties={"ExternalId": "E2"}),
            result(Verb.UPDATE, "X1", "E2"),
        ),
        (op(Verb.UPDATE, "", "E1", deleted=("ExternalId",)), result(Verb.UPDATE, "X1")),
    ],
)
def test_what_may_be_a_repetition_is_taken_for_one(operation: Operation, first: Result) -> None:
    assert not reused(operation, first)


@pytest.fixture
def node() -> Iterator[TriedNode]:
    made = TriedNode(capturing(check=Check.EXTERNAL_ID))
    yield made
    made.discard()


def by(external_id: str) -> list[Operation]:
    """Operations by one external id, each after what it needs."""
    changes = {"properties": {"ExternalId": "E9"}}
    return [
        submit(external_id),
        submit("", ExternalId=external_id),
        submit("", UserData={"ExternalId": external_id}),
        submit("", ExternalId=7),
        submit("E8", InteractionId="X8"),
        op(Verb.SUBMIT, "X9", external_id, properties=submit().properties),
        submit(external_id, Queue="nowhere"),
        op(Verb.HOLD, "", external_id),
        op(Verb.HOLD, "", external_id),
        op(Verb.GETINFO, properties={"ExternalId": external_id}),
        op(Verb.RESUME, "", external_id),
        op(Verb.UPDATE, "", external_id, **changes),
        op(Verb.UPDATE, "", "E9", properties={"ExternalId": external_id}),
        op(Verb.UPDATE, "", external_id, deleted=("ExternalId",)),
        op(Verb.STOP, "", external_id),
        op(Verb.STOP, "nobody"),
        op(Verb.STOP),
        op(Verb.PING),
    ]


@pytest.mark.parametrize("external_id", ["E1", "x" * MAX_NAME, LONG])
def test_no_node_answers_a_repetition_so_that_it_looks_like_another_request(
    node: TriedNode, external_id: str
) -> None:
    for number, operation in enumerate(by(external_id)):
        give(node, operation, receipt=f"r{number}")
    node.restart()
    for number, operation in enumerate(by(external_id)):
        again = give(node, operation, receipt=f"r{number}")
        assert again.repeated
        assert not is_reused(Document(operations=(operation,)), again), operation


def test_a_receipt_that_is_reused_is_found_out_after_a_restart_too(node: TriedNode) -> None:
    give(node, submit("E1"), receipt="r")
    node.restart()
    stop = op(Verb.STOP, "", "E1")
    assert is_reused(Document(operations=(stop,)), give(node, stop, receipt="r"))
    assert len(node.stored()) == 1


def test_a_batch_of_other_operations_is_another_request() -> None:
    stops = Document(operations=(op(Verb.STOP, "X1"), op(Verb.STOP, "X2")))
    results = result(Verb.STOP, "X1"), result(Verb.STOP, "X2")
    assert not is_reused(stops, Taken(results=results, repeated=True))
    assert is_reused(stops, Taken(results=results[:1], repeated=True))
    assert is_reused(stops, Taken(results=results[::-1], repeated=True))


def test_where_results_are_not_kept_nobody_can_tell() -> None:
    assert not is_reused(Document(operations=(op(Verb.STOP, "X1"),)), Taken(repeated=True))


def test_what_is_done_now_is_done_under_its_own_receipt() -> None:
    taken = Taken(results=(result(Verb.SUBMIT, "X1"),))
    assert not is_reused(Document(operations=(op(Verb.STOP, "X1"),)), taken)
