"""Somebody who holds what came in, whatever happens to the node meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from ixproxy import messages as m
from ixproxy.errors import Code, NodeUnavailable, RequestRefused
from ixproxy.testing.capture_chaos_bystander import HOLD_SECONDS, Bystander


class PlayedNode:
    """A node, and a client of it; `refusals` are the answers to the next holds."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.epoch = 1
        self.refusals: list[RequestRefused] = []
        self.unreachable = 0
        self.asked: list[str] = []
        self.closed = 0
        with closing(sqlite3.connect(store)) as database, database:
            database.execute(
                "CREATE TABLE interactions (id TEXT, external_id TEXT, is_held INTEGER, "
                "queue_seq INTEGER)"
            )

    def put(self, name: str) -> None:
        with closing(sqlite3.connect(self.store)) as database, database:
            database.execute("INSERT INTO interactions VALUES (?, ?, 0, 1)", (f"I-{name}", name))

    def come(self, *where: Any, **how: Any) -> Deferred[Any]:
        if self.unreachable:
            self.unreachable -= 1
            return fail(NodeUnavailable("nobody is there"))
        return succeed(self)

    def request(self, message: Any) -> Deferred[Any]:
        if isinstance(message, m.RequestServerStatus):
            point = m.CaptureStatus(name="claims", counts={"taken": 10 * self.epoch})
            other = m.CaptureStatus(name="other", counts={"taken": 999})
            node = m.NodeStatus(epoch=self.epoch, capture_points=[other, point])
            return succeed(m.EventServerStatus(node_status=node))
        self.asked.append(message.interaction_id)
        return fail(self.refusals.pop(0)) if self.refusals else succeed(m.EventAck())

    def close(self) -> Deferred[None]:
        self.closed += 1
        return succeed(None)


@pytest.fixture
def node(tmp_path: Path) -> PlayedNode:
    return PlayedNode(tmp_path / "node.db")


def living(node: PlayedNode) -> tuple[Clock, Bystander]:
    clock = Clock()
    bystander = Bystander(
        clock, ["tcp:127.0.0.1:1"], str(node.store), "claims", Random(1), node.come
    )
    bystander.begin()
    return clock, bystander


def test_everything_is_held_once(node: PlayedNode) -> None:
    node.put("a")
    clock, bystander = living(node)
    assert bystander.held == {"a"}
    node.put("b")
    clock.pump([HOLD_SECONDS] * 5)
    assert bystander.held == bystander.tried == {"a", "b"}
    assert node.asked == ["I-a", "I-b"]


@pytest.mark.parametrize(
    ("refusal", "held", "times"),
    [
        (RequestRefused(Code.STORE_UNCERTAIN, in_doubt=True), True, 2),
        (RequestRefused(Code.BUSY), True, 2),
        (RequestRefused(Code.ALREADY_HELD), True, 1),
        (RequestRefused(Code.UNKNOWN_INTERACTION), False, 1),
    ],
)
def test_what_is_not_sure_is_asked_for_again(
    node: PlayedNode, refusal: RequestRefused, held: bool, times: int
) -> None:
    node.put("a")
    node.refusals = [refusal]
    clock, bystander = living(node)
    clock.pump([HOLD_SECONDS] * 5)
    assert bystander.held == ({"a"} if held else set())
    assert bystander.tried == {"a"}
    assert node.asked == ["I-a"] * times


def test_who_cannot_reach_the_node_tries_again(node: PlayedNode) -> None:
    node.put("a")
    node.unreachable = 3
    clock, bystander = living(node)
    assert not bystander.tried
    clock.pump([HOLD_SECONDS] * 4)
    assert bystander.held == {"a"}


def test_the_figures_of_all_terms_are_added_up(node: PlayedNode) -> None:
    clock, bystander = living(node)
    clock.pump([HOLD_SECONDS] * 3)
    assert bystander.counts["taken"] == 10
    node.epoch = 2
    clock.pump([HOLD_SECONDS] * 3)
    assert bystander.counts["taken"] == 30


def test_a_database_that_is_not_there_yet_is_no_trouble(tmp_path: Path, node: PlayedNode) -> None:
    node.store = tmp_path / "gone.db"
    clock, bystander = living(node)
    clock.pump([HOLD_SECONDS] * 3)
    assert not bystander.tried


def test_who_ends_holds_nothing_more(node: PlayedNode) -> None:
    clock, bystander = living(node)
    Deferred.fromCoroutine(bystander.end())
    Deferred.fromCoroutine(bystander.end())
    node.put("a")
    clock.pump([HOLD_SECONDS] * 3)
    assert not bystander.tried
    assert node.closed == 1
    assert clock.getDelayedCalls() == []
