"""Snapshots on a node under trial: requests that take several steps, done to their end."""

from __future__ import annotations

from typing import Any

from ixproxy.errors import RequestRefused
from ixproxy.messages import (
    EventInteractionMoved,
    EventSnapshotInteractions,
    EventSnapshotTaken,
    RequestGetSnapshotInteractions,
    RequestLockInteraction,
    RequestMoveInteractions,
    RequestReleaseSnapshot,
    RequestStopInteractions,
    RequestTakeSnapshot,
    RequestUnlockInteraction,
)
from ixproxy.messages.message import Message, Request
from ixproxy.node.long_plans import MembersWanted, Taking
from ixproxy.node.long_reads import result_of
from ixproxy.node.rows import SnapshotMemberRow, SnapshotRow
from ixproxy.node.work import Answer, Asked, Effect, GoesOn, GoOn, ReadLong, Refuse, Sender
from tests.node.tried import TriedNode

TOKEN = "snapshot"


class Snapping:
    """
    A client with snapshots.

    :ivar steps: batches that the last request took.
    """

    def __init__(self, node: TriedNode, sender: Sender) -> None:
        self.node = node
        self.sender = sender
        self.steps = 0

    def begin(self, request: Request) -> Effect:
        """The first step of a request; what it is answered with, or what follows."""
        self.steps = 1
        return self._run(Asked(self.sender, request, 0, TOKEN))

    def further(self, effect: Effect) -> Effect:
        """The next step of what goes on."""
        if isinstance(effect, ReadLong):
            found = self.read(effect)
            if isinstance(found, Message):
                return Answer(TOKEN, found)
            plan = effect.plan
            assert isinstance(plan, MembersWanted)
            effect = GoOn(GoesOn(effect.sender, plan.request, found, TOKEN))
        assert isinstance(effect, GoOn)
        self.steps += 1
        return self._run(effect.work)

    def read(self, effect: ReadLong) -> Message | Taking:
        """What a reader finds."""
        reader = self.node.store.reader()
        try:
            return result_of(effect.plan, reader)
        finally:
            reader.close()

    def ask(self, request: Request) -> Any:
        """The answer to a request; a refusal raises."""
        effect = self.begin(request)
        while isinstance(effect, ReadLong | GoOn):
            effect = self.further(effect)
        if isinstance(effect, Refuse):
            raise RequestRefused(effect.code, effect.description, in_doubt=effect.in_doubt)
        assert isinstance(effect, Answer)
        return effect.message

    def code(self, request: Request) -> int:
        """The code by which a request is refused; 0: it is not."""
        try:
            self.ask(request)
        except RequestRefused as refusal:
            return refusal.code
        return 0

    def take(self, condition: str = "", **more: Any) -> EventSnapshotTaken:
        answer = self.ask(RequestTakeSnapshot(tenant_id=1, condition=condition, **more))
        assert isinstance(answer, EventSnapshotTaken)
        return answer

    def page(self, number: int, start: int = 0, count: int = 0) -> EventSnapshotInteractions:
        answer = self.ask(
            RequestGetSnapshotInteractions(
                tenant_id=1, snapshot_id=number, start_from=start, number_of_interactions=count
            )
        )
        assert isinstance(answer, EventSnapshotInteractions)
        return answer

    def move(self, number: int, queue: str = "Other") -> EventInteractionMoved:
        answer = self.ask(RequestMoveInteractions(tenant_id=1, snapshot_id=number, queue=queue))
        assert isinstance(answer, EventInteractionMoved)
        return answer

    def stop(self, number: int) -> EventInteractionMoved:
        answer = self.ask(RequestStopInteractions(tenant_id=1, snapshot_id=number))
        assert isinstance(answer, EventInteractionMoved)
        return answer

    def release(self, number: int) -> None:
        self.ask(RequestReleaseSnapshot(tenant_id=1, snapshot_id=number))

    def lock(self, number: int, id: str) -> int:
        """The code of the answer."""
        return self.code(
            RequestLockInteraction(tenant_id=1, snapshot_id=number, interaction_id=id)
        )

    def unlock(self, number: int, id: str) -> int:
        """The same."""
        return self.code(
            RequestUnlockInteraction(tenant_id=1, snapshot_id=number, interaction_id=id)
        )

    def _run(self, work: Asked | GoesOn) -> Effect:
        outcome = self.node.run(work)
        for each in outcome.effects:
            token = each.work.token if isinstance(each, GoOn) else getattr(each, "token", None)
            if token == TOKEN:
                return each
        raise AssertionError("neither an answer nor a step")


def snapshots(node: TriedNode) -> list[SnapshotRow]:
    """All that are stored."""
    rows: list[SnapshotRow] = node.store.fetch_by("snapshots", "state", [0, 1, 2])
    return sorted(rows, key=lambda row: row.snapshot_id)


def members(node: TriedNode) -> list[SnapshotMemberRow]:
    """Of all snapshots, in order."""
    rows: list[SnapshotMemberRow] = node.store.fetch_by("snapshot_members", "state", [0, 1, 2, 3])
    return sorted(rows, key=lambda row: (row.snapshot_id, row.position))


def locked(node: TriedNode) -> set[str]:
    """The interactions that are locked; each says by which snapshot."""
    rows = node.store.fetch_by("interactions", "is_locked", [0, 1])
    assert all((row.snapshot_id is not None) == bool(row.is_locked) for row in rows)
    return {row.id for row in rows if row.is_locked}
