"""
Snapshots in scripts: named by the number of their take, and compared as sets.

Which positions interactions have is not the same on one server and on many, so
snapshots are read whole, page by page, and what all pages have is compared. Two
refusals are not told apart, because a proxy has only the one: that a server does
not know a snapshot, and that a proxy cannot reach it; and of a lock, that an
interaction is nowhere, and that it is not in the snapshot.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from ixproxy.client import Answer
from ixproxy.errors import Code
from ixproxy.messages import (
    EventSnapshotInteractions,
    EventSnapshotTaken,
    RequestGetSnapshotInteractions,
    RequestLockInteraction,
    RequestTakeSnapshot,
    RequestUnlockInteraction,
)
from ixproxy.messages.interactions import SnapshotRequest
from ixproxy.messages.message import Request
from ixproxy.testing.steps import TENANT, ReadAll

UNKNOWN = 1 << 50
"""An id that no snapshot has."""

MOST_PAGES = 1000
Ask = Callable[[int, Request], Awaitable[Any]]


class PlayedSnapshots:
    """The snapshots of one run, in the order in which they were taken."""

    def __init__(self) -> None:
        self._ids: dict[int, int] = {}

    def with_id(self, request: Request) -> Request:
        """A request with the id in the place of a script's number."""
        if not isinstance(request, SnapshotRequest):
            return request
        return replace(request, snapshot_id=self._ids.get(request.snapshot_id, UNKNOWN))

    def answered(self, request: Request, answer: Any) -> Any:
        """What is compared of an answer."""
        if isinstance(request, RequestTakeSnapshot):
            identifier = UNKNOWN
            if isinstance(answer, Answer) and isinstance(answer.message, EventSnapshotTaken):
                identifier = answer.message.snapshot_id
            self._ids[len(self._ids) + 1] = identifier
        if not isinstance(answer, Answer) and isinstance(request, SnapshotRequest):
            return _alike(request, *answer)
        return answer

    async def read_all(self, action: ReadAll, ask: Ask) -> Any:
        """All pages as one; what each of them has is where it should be, and once."""
        number = action.at_once
        whole: dict[str, Any] = {}
        errors: dict[str, int] = {}
        for _ in range(MOST_PAGES):
            request = RequestGetSnapshotInteractions(
                tenant_id=TENANT,
                snapshot_id=action.snapshot,
                start_from=len(whole) + len(errors),
                number_of_interactions=number,
            )
            answer = await ask(action.client, request)
            if not isinstance(answer, Answer):
                return answer
            page = answer.message
            assert isinstance(page, EventSnapshotInteractions)
            new = page.interactions.keys() | page.errors.keys()
            assert new.isdisjoint(whole.keys() | errors.keys()), "an interaction comes twice"
            assert not number or len(new) == number or not page.have_more, "a page is too short"
            whole.update(page.interactions)
            errors.update(page.errors)
            if not page.have_more:
                return {"Interactions": whole, "Errors": errors}
        raise AssertionError(f"snapshot {action.snapshot} never ends")


def _alike(request: Request, code: int, description: str, doubtful: bool) -> Any:
    """A refusal, where several mean the same."""
    if code in (Code.UNKNOWN_SNAPSHOT, Code.SNAPSHOT_NOT_ACCESSIBLE):
        return Code.SNAPSHOT_NOT_ACCESSIBLE, "", doubtful
    locks = isinstance(request, RequestLockInteraction | RequestUnlockInteraction)
    if locks and code in (Code.UNKNOWN_INTERACTION, Code.NOT_IN_SNAPSHOT):
        return Code.NOT_IN_SNAPSHOT, "", doubtful
    return code, description, doubtful
