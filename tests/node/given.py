"""Documents for a node under trial, and what its capture points are told."""

from __future__ import annotations

from typing import Any

from ixproxy.node.intake_settings import CaptureRules
from ixproxy.node.intake_work import (
    Document,
    DocumentDone,
    DocumentGiven,
    DocumentRefused,
    Notification,
    Operation,
    Result,
    Taken,
    Verb,
)
from ixproxy.node.model import NodeSettings
from ixproxy.node.outbox import read_notification
from ixproxy.node.outbox_sizes import consumer_of
from tests.node.tried import TriedNode

POINT = "mail-in"
PLACED = {"TenantId": 1, "MediaType": "email", "Queue": "Inbound"}


def capturing(point: str = POINT, **rules: Any) -> NodeSettings:
    """Settings of a node with one capture point, which works for tenant 1 unless told otherwise."""
    rules.setdefault("tenants", frozenset({1}))
    return NodeSettings(capture={point: CaptureRules(**rules)})


def operation(verb: Verb, **fields: Any) -> Operation:
    return Operation(verb=verb, **fields)


def submit(external_id: str = "", **properties: Any) -> Operation:
    """A submit of an e-mail."""
    return Operation(verb=Verb.SUBMIT, external_id=external_id, properties={**PLACED, **properties})


def give(
    node: TriedNode,
    *operations: Operation,
    receipt: str = "",
    replies: bool = True,
    point: str = POINT,
    **fields: Any,
) -> Taken:
    """Have a document taken, by a batch of its own."""
    done = given(node, *operations, receipt=receipt, replies=replies, point=point, **fields)
    assert isinstance(done, DocumentDone), done
    taken: Taken = done.taken
    return taken


def given(
    node: TriedNode, *operations: Operation, point: str = POINT, **fields: Any
) -> DocumentDone | DocumentRefused:
    """What becomes of a document."""
    document = Document(operations=operations, **fields)
    node.run(DocumentGiven(point, document, "document"))
    (found,) = [
        each
        for each in node.outcome.effects
        if isinstance(each, DocumentDone | DocumentRefused) and each.token == "document"
    ]
    return found


def one(node: TriedNode, it: Operation, **fields: Any) -> Result:
    """The result of a document's one operation."""
    (result,) = give(node, it, **fields).results
    return result


def submitted(node: TriedNode, external_id: str = "", **properties: Any) -> str:
    """The id of what a document submitted, without a reply."""
    result = one(node, submit(external_id, **properties), replies=False)
    assert result.problem is None, result.problem
    return result.interaction_id


def told(node: TriedNode, point: str = POINT) -> list[Notification]:
    """All that waits in the outbox for a capture point."""
    rows = node.store.outbox(consumer_of(point), 10_000)
    found = [read_notification(row.body) for row in rows]
    assert [each.number for each in found] == [row.event_number for row in rows]
    return found


def said(node: TriedNode, point: str = POINT) -> list[str]:
    return [each.said.value for each in told(node, point)]
