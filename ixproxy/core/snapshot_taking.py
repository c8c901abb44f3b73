"""
A snapshot being taken: on all nodes of the tenant that can be asked, or on none.

Nodes that are known to be away are left out, and the answer is partial. Of those
asked all must agree: one that refuses, or is lost, has the others release what they
took, once all have spoken. An answer that comes when nobody waits any more is
released, too: the client has gone, or its time was up.
"""

from __future__ import annotations

from ixproxy.core.gathering import raw_attributes
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.registering import unregister_on
from ixproxy.core.snapshot_releases import Unreleased
from ixproxy.core.snapshots import Part, State, Step
from ixproxy.core.state import Asked, ProxyState, decode_body, error_code
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import EventSnapshotTaken
from ixproxy.values import NodeName
from ixproxy.wire.bodies import join_bodies
from ixproxy.wire.codec import encode_map
from ixproxy.wire.names import BY_MESSAGE, Kind
from ixproxy.wire.prefix import Flag, Frame

_ROW = BY_MESSAGE[EventSnapshotTaken]


class Taking:
    """One take."""

    def __init__(self, state: ProxyState, unreleased: Unreleased, asked: Asked) -> None:
        self._state = state
        self._unreleased = unreleased
        self._asked = asked
        self._awaited: set[NodeName] = set()
        self._bodies: dict[NodeName, bytes] = {}
        self._refusal = b""
        self._lost = False
        self._partial = False

    def start(self) -> None:
        """Ask every node that can be asked."""
        state, asked = self._state, self._asked
        client, tenant = asked.client, asked.frame.tenant
        links = state.links_of(tenant)
        ready = []
        for link in links:
            code = state.no_way_to(link, client)
            if code == Code.BUSY:
                state.refuse(asked, code)
                return
            if not code:
                ready.append(link)
        if not ready:
            state.refuse(asked, Code.NOT_ACCESSIBLE if links else Code.NO_SERVERS)
            return
        most = state.settings.max_snapshots
        if not state.snapshots.has_room(client, most, self._unreleased.number):
            text = "max-snapshots of this proxy are taken, or a quarter by this client"
            state.refuse(asked, Code.TOO_MANY_SNAPSHOTS, text)
            return
        if not state.fan_outs.begin(client, state.settings.max_fan_outs):
            state.counters["busy"] += 1
            state.refuse(asked, Code.BUSY, "max-fan-outs are in flight")
            return
        self._partial = len(ready) < len(links)
        self.snapshot = state.snapshots.begin(client, tenant)
        self._awaited.update(link.name for link in ready)
        for link in ready:
            state.snapshots.take_began(client, link.name)
            state.forward(link, asked, self)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node has taken, or refuses."""
        part = None
        if frame.kind == Kind.ERROR:
            error_code(frame)
            self._refusal = self._refusal or frame.raw
        else:
            taken = decode_body(frame, body)
            assert isinstance(taken, EventSnapshotTaken)
            raw_attributes(body)
            part = Part(link.name, taken.snapshot_id, taken.number_of_interactions)
            self._partial = self._partial or bool(frame.flags & Flag.PARTIAL)
            self._bodies[link.name] = body
        if pending.abandoned or self.snapshot.state is not State.TAKING:
            if part is not None:
                self._unreleased.release(self._asked.client, self._asked.frame.tenant, part)
        elif part is not None:
            self.snapshot.parts.append(part)
        self._spoken(link, pending)

    def lost(self, link: Link, pending: Pending) -> None:
        """One node does not answer, or not in time."""
        self._lost = True
        self._spoken(link, pending)

    def _spoken(self, link: Link, pending: Pending) -> None:
        state, client = self._state, self._asked.client
        if link.name not in self._awaited:
            # What it says after its time was up.
            return
        self._awaited.discard(link.name)
        if state.snapshots.take_ended(client, link.name):
            number = client.numbers.pop(link.name, 0)
            if number:
                name = client.gone_with or client.name
                unregister_on(state, link, number, goodbye=False, name=name)
        if not self._awaited:
            state.fan_outs.end(client, 0)
            if self.snapshot.state is State.TAKING:
                self._settle()

    def _settle(self) -> None:
        """All have spoken."""
        state, asked, snapshot = self._state, self._asked, self.snapshot
        if not (self._refusal or self._lost or snapshot.broken):
            try:
                body = self._body()
            except RemoteProtocolError as problem:
                self._undo()
                text = f"an answer could not be merged: {problem.description}"
                state.refuse(asked, Code.INTERNAL, text)
                return
            state.snapshots.step(snapshot, Step.TAKEN)
            flags = Flag.PARTIAL if self._partial else Flag(0)
            state.answer_body(asked, _ROW, body, flags)
            return
        self._undo()
        if self._refusal:
            state.answer(asked, self._refusal)
        else:
            state.refuse(asked, Code.LOST_CONNECTION)

    def _body(self) -> bytes:
        """Counts are added; the id is the proxy's own."""
        joined = join_bodies([self._bodies[node] for node in sorted(self._bodies)], _ROW)
        return encode_map({**raw_attributes(joined), "SnapshotId": self.snapshot.id})

    def _undo(self) -> None:
        snapshot = self.snapshot
        self._state.snapshots.step(snapshot, Step.FAILED)
        for part in snapshot.parts:
            self._unreleased.release(snapshot.client, snapshot.tenant, part)
