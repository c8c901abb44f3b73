"""Notifications are read in their order, and leave when they were told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ixproxy.errors import StorageError
from ixproxy.messages import RequestHold
from ixproxy.node.intake_work import (
    Document,
    DocumentGiven,
    OutboxGrew,
    Said,
    Shipment,
    ShipOutbox,
)
from ixproxy.node.outbox import read_notification
from ixproxy.node.outbox_sizes import consumer_of
from ixproxy.node.rows import OutboxRow
from ixproxy.testing.faults import Fault, FaultyStore
from tests.node.given import POINT, capturing, give, submit, told
from tests.node.tried import TriedNode


@pytest.fixture
def node(make_node: Callable[..., TriedNode]) -> TriedNode:
    return make_node(capture=capturing().capture)


def shipped(node: TriedNode, work: ShipOutbox) -> Shipment:
    node.run(work)
    (found,) = node.effects(Shipment)
    assert isinstance(found, Shipment)
    return found


def test_what_was_told_is_deleted_and_the_next_are_read(node: TriedNode) -> None:
    give(node, *[submit(f"E{number}") for number in range(5)])
    first = shipped(node, ShipOutbox(POINT, 2, token="t"))
    assert first.left == 5
    assert first.token == "t"
    assert [read_notification(body).external_id for body in first.bodies.values()] == ["E0", "E1"]
    again = shipped(node, ShipOutbox(POINT, 2))
    assert again.bodies == first.bodies
    second = shipped(node, ShipOutbox(POINT, 9, tuple(first.bodies)))
    assert [read_notification(body).external_id for body in second.bodies.values()] == [
        "E2", "E3", "E4",
    ]  # fmt: skip
    assert second.left == 3
    last = shipped(node, ShipOutbox(POINT, 9, tuple(second.bodies)))
    assert (last.bodies, last.left) == ({}, 0)
    assert told(node) == []


def test_what_may_not_be_told_twice_is_deleted_when_it_is_read_but_no_reply(
    node: TriedNode,
) -> None:
    mail = node.media_server()
    give(node, submit("E0"), submit("E1"))
    for each in told(node):
        node.ask(mail, RequestHold(interaction_id=each.interaction_id))
    first = shipped(node, ShipOutbox(POINT, 3, forget=True))
    read = [read_notification(body) for body in first.bodies.values()]
    assert [(each.said, each.external_id) for each in read] == [
        (Said.SUBMITTED, "E0"), (Said.SUBMITTED, "E1"), (Said.HELD, "E0"),
    ]  # fmt: skip
    assert first.forgotten == {read[2].number}
    assert first.left == 3
    assert [(each.said, each.external_id) for each in told(node)] == [
        (Said.SUBMITTED, "E0"), (Said.SUBMITTED, "E1"), (Said.HELD, "E1"),
    ]  # fmt: skip
    replies = tuple(each.number for each in read if each.reply)
    last = shipped(node, ShipOutbox(POINT, 3, replies, forget=True))
    assert (len(last.bodies), last.left) == (1, 0)
    assert told(node) == []


@pytest.mark.parametrize("body", [b"\xc1", msgspec.msgpack.encode([1]), b""])
def test_what_cannot_be_read_is_not_forgotten_but_left_to_who_tells(
    node: TriedNode, body: bytes
) -> None:
    give(node, submit("E0"))
    (reply,) = told(node)
    row = OutboxRow(event_number=reply.number, consumer=consumer_of(POINT), body=body)
    node.store.begin()
    node.store.write([row], [])
    node.store.commit(node.core.last_event_number)
    found = shipped(node, ShipOutbox(POINT, 9, forget=True))
    assert (list(found.bodies.values()), found.forgotten) == ([body], frozenset())


def test_other_consumers_rows_stay(node: TriedNode) -> None:
    give(node, submit())
    before = node.logged("log")
    numbers = tuple(shipped(node, ShipOutbox(POINT, 9)).bodies)
    shipped(node, ShipOutbox(POINT, 9, numbers))
    assert node.logged("log") == before
    assert before


def test_what_the_same_batch_has_written_is_read(node: TriedNode) -> None:
    node.run(DocumentGiven(POINT, Document(operations=(submit("E1"),)), "d"), ShipOutbox(POINT, 9))
    (shipment,) = node.effects(Shipment)
    assert len(shipment.bodies) == 1
    assert node.effects(OutboxGrew) == [OutboxGrew(POINT)]


def test_what_cannot_be_read_is_said_so(node: TriedNode) -> None:
    faulty = FaultyStore(node.store)
    node.core._standing.store = faulty
    faulty.broken["outbox"] = Fault.REFUSED
    outcome = node.core.run([ShipOutbox(POINT, 9, token="t")], node.now)
    assert Shipment(POINT, failed=True, token="t") in outcome.effects
    assert [type(each.problem) for each in outcome.failures] == [StorageError]


def test_a_body_that_is_none_is_an_error_of_its_own() -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_notification(b"\xc1")
    with pytest.raises(msgspec.MsgspecError):
        read_notification(msgspec.msgpack.encode({"said": "sung"}))
