"""A request that locks or unlocks one interaction of a snapshot, on its way to the owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ixproxy.core.clients import Client
from ixproxy.core.snapshot_rounds import Round, Spoken, frame_for
from ixproxy.core.snapshots import Snapshot, State
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code
from ixproxy.values import NodeName


class ToMember:
    """One lock or unlock: it waits for the owner, and goes to the part that is there."""

    __slots__ = ("_asked", "_gone", "_snapshot", "_state")

    def __init__(
        self,
        state: ProxyState,
        asked: Asked,
        snapshot: Snapshot,
        gone: Callable[[Snapshot], None],
    ) -> None:
        self._state = state
        self._asked = asked
        self._snapshot = snapshot
        self._gone = gone

    @property
    def due(self) -> float:
        """When the request's time is up."""
        return self._asked.due

    @property
    def client(self) -> Client:
        """Who asks."""
        return self._asked.client

    @property
    def reserved(self) -> bool:
        """It may be refused as busy."""
        return False

    def owner_found(self, node: NodeName) -> None:
        """Go there, if the snapshot has a part there."""
        state, asked, snapshot = self._state, self._asked, self._snapshot
        if asked.client.gone:
            return
        part = snapshot.part_on(node)
        if asked.cancelled:
            state.refuse(asked, Code.CANCELLED)
        elif asked.due <= state.now:
            state.refuse(asked, Code.EXPIRED)
        elif snapshot.state is not State.STANDING:
            state.refuse(asked, Code.SNAPSHOT_NOT_ACCESSIBLE)
        elif part is None:
            state.refuse(asked, Code.NOT_IN_SNAPSHOT)
        else:
            Round(
                state, asked, snapshot, gone=self._gone, finish=self._answered, changes=True
            ).start([(part, frame_for(asked, part))])

    def owner_missing(self, code: int) -> None:
        """Answer with the verdict."""
        self._state.refuse(self._asked, code)

    def _answered(self, answers: Sequence[Spoken]) -> None:
        for frame, body in answers:
            self._state.answer_joined(self._asked, frame, body)
