"""Rows become operations, and values to bind; what cannot be one says why."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.capture.database_names import CAPTURE, SOURCE
from ixproxy.capture.database_parameters import Dialect, Statement, read_statement
from ixproxy.capture.database_rows import (
    BadRow,
    digest,
    document,
    mark_values,
    name_of,
    query_of,
    told_values,
)
from ixproxy.errors import Code
from ixproxy.node.intake_work import Operation, Problem, Said, Verb
from ixproxy.testing.fake_intake import notification


def operation(row: dict[str, Any], query: str = CAPTURE) -> Operation:
    (found,) = document(row, query, (), False).operations
    return found


def properties(**row: object) -> dict[str, Any]:
    return operation({"ExternalId": "E1", **row}).properties


def test_columns_take_the_type_of_their_property() -> None:
    assert properties(
        Queue=5, TenantId="101", Priority=7, IsOnline="1", ReceivedAt="2026-11-22T09:30:00+02:00",
        Colour="red", Count=3, Weight=0.5, Urgent=True,
    ) == {
        "Queue": "5", "TenantId": 101, "Priority": 7, "IsOnline": 1,
        "ReceivedAt": "2026-11-22 07:30:00", "Colour": "red", "Count": 3, "Weight": "0.5",
        "Urgent": 1,
    }  # fmt: skip


def test_a_time_may_be_seconds_and_what_has_no_value_is_absent() -> None:
    assert properties(ReceivedAt=0.5, Note=None, Priority=" ", IsOnline="") == {
        "ReceivedAt": "1970-01-01 00:00:00"
    }
    assert properties(Note="") == {"Note": ""}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"Photo": b"1"}, "column Photo: binary"),
        ({"TenantId": "x1"}, "column TenantId: expected a whole number"),
        ({"TenantId": "1_0"}, "column TenantId"),
        ({"Priority": float("inf")}, "column Priority"),
        ({"Priority": float("nan")}, "column Priority"),
        ({"Priority": 1.5}, "column Priority"),
        ({"Priority": str(1 << 64)}, "column Priority"),
        ({"Count": 1 << 63}, "column Count: the number is too large"),
        ({"ReceivedAt": "yesterday"}, "column ReceivedAt: expected a time"),
        ({"ReceivedAt": float("nan")}, "column ReceivedAt: expected a time"),
        ({"ReceivedAt": -1}, "column ReceivedAt: expected a time"),
        ({"IsOnline": 7}, "column IsOnline: expected 0 or 1"),
        ({"Hold": "perhaps"}, "column Hold: expected 0 or 1"),
        ({"InQueues": "a"}, "column InQueues: expected a list"),
        ({"externalid": "x"}, "give it the name ExternalId with AS"),
        ({"Tags": ["a"]}, "column Tags: a value of the kind list"),
        ({"Note": "a\udcff"}, "column Note: the text is no UTF-8"),
    ],
)
def test_a_column_that_cannot_be_a_property_is_named(row: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRow) as refused:
        properties(**row)
    assert words in str(refused.value)
    assert refused.value.problem.code == Code.BAD_ATTRIBUTE


@pytest.mark.parametrize("row", [{}, {"ExternalId": None}, {"InteractionId": ""}])
def test_a_row_without_an_id_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(BadRow) as refused:
        operation({"Note": "x", **row})
    assert refused.value.problem.code == Code.MISSING_VALUE
    assert name_of(row)


def test_a_submit_may_have_both_ids_and_come_on_hold() -> None:
    found = operation({"InteractionId": "I1", "ExternalId": 7, "Hold": "1"})
    assert (found.verb, found.interaction_id, found.external_id) == (Verb.SUBMIT, "I1", "7")
    assert found.hold
    assert found.properties == {}


def test_an_update_is_addressed_by_the_interaction_id_and_then_changes_the_other() -> None:
    both = operation({"InteractionId": "I1", "ExternalId": "E1", "Priority": 2}, SOURCE)
    assert (both.verb, both.interaction_id, both.external_id) == (Verb.UPDATE, "I1", "")
    assert both.properties == {"ExternalId": "E1", "Priority": 2}
    one = operation({"ExternalId": "E1", "Queue": "Q", "Hold": 1}, SOURCE)
    assert (one.interaction_id, one.external_id) == ("", "E1")
    assert one.properties == {"Queue": "Q"}
    assert not one.hold


def test_a_digest_is_of_names_kinds_and_values() -> None:
    assert digest({"a": 1, "b": "x"}) == digest({"b": "x", "a": 1})
    different: list[dict[str, Any]] = [
        {"a": 1}, {"a": "1"}, {"a": b"1"}, {"b": 1}, {"a": 1, "b": None}, {"a": "1b"},
        {"a": "1", "b": ""}, {"a": None}, {"a": "None"},
    ]  # fmt: skip
    assert len({digest(row) for row in different}) == len(different)
    assert digest({"a": 1, "b": 2}, ("a",)) == digest({"a": 1, "b": 3}, ("a",))
    assert digest({"a": "x\udcff"})


def statement(*names: str) -> Statement:
    return read_statement(", ".join(f"?'{name}'" for name in names), Dialect.SQLITE)


def test_a_mark_has_the_row_the_new_id_and_what_was_wrong() -> None:
    asked = statement("Key", "InteractionId", "ErrorCode", "ErrorDescription", "Nothing")
    assert mark_values(asked, {"Key": 5}, "I1") == (5, "I1", None, None, None)
    problem = Problem(43, "x" * 300)
    row = {"Key": 5, "InteractionId": "I0"}
    assert mark_values(asked, row, "", problem) == (5, "I0", 43, "x" * 256, None)


def test_a_placement_is_told_by_the_class_of_its_queue() -> None:
    queues = {"Done": "completed-update"}
    placed = notification(Said.PLACED_IN_QUEUE, "1", place="Done")
    assert query_of(placed, queues) == "completed-update"
    assert query_of(placed, {}) == "queued-update"
    assert query_of(notification(Said.PLACED_IN_WORKBIN, "1"), {}) == ""
    assert query_of(notification(Said.HELD, "1"), {}) == "held-update"
    assert query_of(notification(Said.HELD, "1", reply=True), {}) == ""


def test_what_a_notification_has_is_bound_and_what_it_has_not_is_none() -> None:
    told = notification(
        Said.ASSIGNED, "I1", at=0.0, number=9, actor=("agent", "kim"),
        extra={"PartyAgentId": "lee"},
        properties={
            "ReceivedAt": 60.5, "HeldAt": 0.0, "Lines": {"a": 1},
            "Photo": b"1", "Count": 3, "Urgent": True, "ExternalId": "E7",
        },
    )  # fmt: skip
    asked = statement(
        "InteractionId", "EventTime", "EventNumber", "ActorType", "ActorId", "PartyAgentId",
        "ReceivedAt", "HeldAt", "Lines", "Photo", "Count", "Urgent", "ExternalId", "Other",
        "ReasonSystemName",
    )  # fmt: skip
    assert told_values(asked, told) == (
        "I1", "1970-01-01 00:00:00", 9, "agent", "kim", "lee",
        "1970-01-01 00:01:00", None, None, None, 3, 1, "E-I1", None, None,
    )  # fmt: skip
