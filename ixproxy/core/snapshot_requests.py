"""
The seven requests about snapshots, from the client to the parts and back.

Theory of operation: see `snapshots` for what a snapshot is. To read a page asks
each part for its share of the positions; to lock and unlock asks the owner of the
interaction; to move and stop asks all parts. For as long as one part cannot be
reached nothing of that is done, by any other either, and the answer is 2006. To
release is always possible: the id is forgotten at once, and the answer waits for
the parts that can be told.

A node that is back says with the registration of each client what it has kept for
it, so a snapshot of which one part is gone frees the others then, and not when
somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.locating import Locator
from ixproxy.core.pending import Pending
from ixproxy.core.snapshot_locks import ToMember
from ixproxy.core.snapshot_releases import Telling, Unreleased
from ixproxy.core.snapshot_rounds import Round, Spoken, answer_merged, frame_for, page_of
from ixproxy.core.snapshot_taking import Taking
from ixproxy.core.snapshots import Snapshot, State, Step
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestGetSnapshotInteractions,
    RequestLockInteraction,
    RequestMoveInteractions,
    RequestReleaseSnapshot,
    RequestStopInteractions,
    RequestTakeSnapshot,
    RequestUnlockInteraction,
)
from ixproxy.messages.message import Message
from ixproxy.values import NodeName
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import Frame


class SnapshotRequests:
    """All that clients ask about snapshots, and what ends them otherwise."""

    def __init__(self, state: ProxyState, locator: Locator) -> None:
        self._state = state
        self._locator = locator
        self.unreleased = Unreleased(state)
        state.when_registered.append(self._registered)

    def start(self, asked: Asked) -> None:
        """One request came in."""
        message = decode(asked.frame)
        if isinstance(message, RequestTakeSnapshot):
            if asked.silent:
                text = "flags: RequestTakeSnapshot needs its reply"
                self._state.refuse(asked, Code.BAD_FRAME, text)
            else:
                Taking(self._state, self.unreleased, asked).start()
            return
        identifier = getattr(message, "snapshot_id", 0)
        snapshot = self._state.snapshots.find(asked.client, asked.frame.tenant, identifier)
        if snapshot is None:
            self._state.refuse(asked, Code.SNAPSHOT_NOT_ACCESSIBLE)
        else:
            self._of_snapshot(asked, message, snapshot)

    def _of_snapshot(self, asked: Asked, message: Message, snapshot: Snapshot) -> None:
        match message:
            case RequestGetSnapshotInteractions():
                self._read(asked, message, snapshot)
            case RequestLockInteraction() | RequestUnlockInteraction():
                member = ToMember(self._state, asked, snapshot, self.part_gone)
                key = asked.frame.interaction.encode()
                self._locator.seek(asked.frame.tenant, key, member)
            case RequestMoveInteractions() | RequestStopInteractions():
                self._change(asked, snapshot)
            case RequestReleaseSnapshot():
                self._state.snapshots.step(snapshot, Step.RELEASED)
                _Releasing(self._state, self.unreleased, asked, snapshot).start()

    def _read(
        self, asked: Asked, message: RequestGetSnapshotInteractions, snapshot: Snapshot
    ) -> None:
        state, start, number = self._state, message.start_from, message.number_of_interactions
        slices = snapshot.page(start, number)
        more = bool(number) and start + number < snapshot.size
        frames = [
            (part, frame_for(asked, part, StartFrom=first, NumberOfInteractions=many))
            for part, first, many in slices
        ]

        def finish(answers: Sequence[Spoken]) -> None:
            used, cut_short = page_of(answers, slices)
            answer_merged(state, asked, used, more or cut_short)

        Round(state, asked, snapshot, gone=self.part_gone, finish=finish).start(frames)

    def _change(self, asked: Asked, snapshot: Snapshot) -> None:
        state = self._state
        Round(
            state,
            asked,
            snapshot,
            gone=self.part_gone,
            finish=lambda answers: answer_merged(state, asked, answers),
            changes=True,
        ).start([(part, frame_for(asked, part)) for part in snapshot.parts])

    def part_gone(self, snapshot: Snapshot) -> None:
        """A node has its part no more: the others are of no use; harmless when it has ended."""
        snapshot.broken = True
        if snapshot.state is not State.STANDING:
            return
        self._state.snapshots.step(snapshot, Step.PART_GONE)
        self._state.counters["snapshots lost"] += 1
        for part in snapshot.parts:
            self.unreleased.release(snapshot.client, snapshot.tenant, part)

    def client_gone(self, client: Client, *, goodbye: bool = False) -> None:
        """
        A client goes; its numbers on nodes are known yet.

        :param goodbye: the nodes will hear so, and free all that it has.
        """
        self.unreleased.client_gone(client)
        for snapshot in self._state.snapshots.of(client):
            self._state.snapshots.step(snapshot, Step.LEFT)
            if not goodbye:
                for part in snapshot.parts:
                    self.unreleased.release(client, snapshot.tenant, part)

    def node_lost(self, link: Link) -> None:
        """A link is lost; a proxy behind it has freed all."""
        if link.facts.is_proxy:
            self.node_removed(link.name)

    def node_removed(self, node: NodeName) -> None:
        """A node is in the deployment no more, or its name means another one."""
        for snapshot in self._state.snapshots:
            if snapshot.part_on(node) is not None:
                self.part_gone(snapshot)

    def ticked(self) -> None:
        """Some time passed."""
        self.unreleased.ticked()

    def _registered(self, link: Link, client: Client, answer: EventAck) -> None:
        """A node knows a client: has it kept what it was to keep?"""
        for snapshot in self._state.snapshots.of(client):
            part = snapshot.part_on(link.name)
            if part is not None and part.id not in answer.snapshots:
                self.part_gone(snapshot)


class _Releasing:
    """A client's own release; a node that does not do it is told again later."""

    def __init__(
        self, state: ProxyState, unreleased: Unreleased, asked: Asked, snapshot: Snapshot
    ) -> None:
        self._state = state
        self._unreleased = unreleased
        self._asked = asked
        self._snapshot = snapshot
        self._told: dict[NodeName, Telling] = {}

    def start(self) -> None:
        """Tell every node that knows the client."""
        state, asked, unreleased = self._state, self._asked, self._unreleased
        tenant, client = asked.frame.tenant, asked.client
        for part in self._snapshot.parts:
            link = state.links.get(part.node)
            if link is not None and link.speaks and link.name in client.numbers:
                self._told[part.node] = unreleased.being_told(client, tenant, part)
                state.forward(link, asked, self, frame_for(asked, part))
            else:
                unreleased.release(client, tenant, part)
        self._finish()

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node has released, or could not."""
        self._told.pop(link.name).answered(link, pending, frame, body)
        self._finish()

    def lost(self, link: Link, pending: Pending) -> None:
        """One node did not answer."""
        self._told.pop(link.name).lost(link, pending)
        self._finish()

    def _finish(self) -> None:
        if not self._told:
            self._state.answer_message(self._asked, EventAck())
