"""
Which snapshots a client has, so that it can name them when it registers again.

Theory of operation: a server frees what a client that comes back does not name.
So what is named is what the program was told of and has not released. The
answer to a take that came when nobody waited for it any more is released at
once, and one that never came is not named.
"""

from __future__ import annotations

from ixproxy.errors import Code
from ixproxy.messages import EventSnapshotTaken, RequestReleaseSnapshot
from ixproxy.messages.interactions import SnapshotRequest
from ixproxy.messages.message import Message
from ixproxy.messages.registration import MAX_SNAPSHOTS


class Snapshots:
    """Those of one client, oldest first."""

    def __init__(self) -> None:
        self._kept: dict[int, None] = {}

    def listed(self) -> list[int]:
        """What a registration names: the newest of them, if they are too many."""
        return list(self._kept)[-MAX_SNAPSHOTS:]

    def answered(self, request: Message, answer: Message) -> None:
        """A request succeeded, and somebody waited for its answer."""
        if isinstance(answer, EventSnapshotTaken):
            self._kept[answer.snapshot_id] = None
        elif isinstance(request, RequestReleaseSnapshot):
            self._kept.pop(request.snapshot_id, None)

    def refused(self, request: Message, code: int) -> None:
        """A request was refused; perhaps for the server does not know the snapshot."""
        if code == Code.UNKNOWN_SNAPSHOT and isinstance(request, SnapshotRequest):
            self._kept.pop(request.snapshot_id, None)


def released(request: Message, answer: Message) -> RequestReleaseSnapshot | None:
    """What frees a snapshot whose taker waits no more; None: there is none to free."""
    if not isinstance(answer, EventSnapshotTaken):
        return None
    tenant_id = getattr(request, "tenant_id", 0)
    return RequestReleaseSnapshot(tenant_id=tenant_id, snapshot_id=answer.snapshot_id)
