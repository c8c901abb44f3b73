"""Notifications are read in their order, and leave when they were told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ixproxy.errors import StorageError
from ixproxy.node.intake_work import (
    Document,
    DocumentGiven,
    OutboxGrew,
    Shipment,
    ShipOutbox,
)
from ixproxy.node.outbox import read_notification
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


def test_what_may_not_be_told_twice_is_deleted_when_it_is_read(node: TriedNode) -> None:
    give(node, submit("E0"), submit("E1"))
    first = shipped(node, ShipOutbox(POINT, 1, forget=True))
    assert len(first.bodies) == 1
    assert [each.external_id for each in told(node)] == ["E1"]
    assert first.left == 1


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
