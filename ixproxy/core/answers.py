"""What comes back from nodes, on the slow path: answers, parts, events, losses."""

from __future__ import annotations

from ixproxy.core.forced_changes import ForcedChanges
from ixproxy.core.handing_on import hand_on
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import ProxyState
from ixproxy.core.streams import Streams
from ixproxy.core.workbins import Workbins
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    EventForcedAgentStateChange,
    EventNodeLoad,
    EventWorkbinContentChanged,
    RequestRegisterClient,
    RequestTakeSnapshot,
)
from ixproxy.messages.message import Event
from ixproxy.values import NodeLoad
from ixproxy.wire.bodies import join_bodies
from ixproxy.wire.codec import decode, error_frame
from ixproxy.wire.names import BY_CODE, BY_MESSAGE, BY_NAME, Holdings, Kind
from ixproxy.wire.prefix import Flag, Frame

MAX_PARTS_BYTES = 256 << 20
"""How much of one node's parted answers is kept until their last parts came."""

_MORE = int(Flag.MORE)
_FOLLOWED = frozenset(
    code
    for code, row in BY_CODE.items()
    if row.holdings in (Holdings.TAKES, Holdings.GIVES_BACK) or row.message is RequestTakeSnapshot
)
_REGISTER = BY_MESSAGE[RequestRegisterClient].code


ANSWERS: dict[int, tuple[int, ...]] = {
    code: tuple(BY_NAME[name].code for name in (row.answer, row.fault) if name)
    for code, row in BY_CODE.items()
    if row.kind is Kind.REQUEST
}
"""The replies that a request may have, by their numbers."""


class Answers:
    """Takes what nodes send to where it belongs."""

    def __init__(
        self, state: ProxyState, forced: ForcedChanges, streams: Streams, workbins: Workbins
    ) -> None:
        self._state = state
        self._forced = forced
        self._streams = streams
        self._workbins = workbins

    def reply_received(self, link: Link, frame: Frame) -> None:
        """A node's reply or error reply, whole or one part of it."""
        reference = frame.reference
        pending = link.pending.get(reference)
        if pending is None:
            self._state.counters["late answers"] += 1
            return
        row = BY_CODE[pending.name]
        collects = pending.exchange is not None
        if collects and frame.kind == Kind.REPLY and frame.name not in ANSWERS[pending.name]:
            raise RemoteProtocolError(
                Code.BAD_FRAME, f"name {frame.name} is no answer to {row.name}"
            )
        body = frame.body
        if frame.flags & _MORE and frame.kind != Kind.ERROR:
            if collects:
                self._keep_part(link, pending, body)
            else:
                self._forward(pending, frame)
            return
        if pending.parts is not None and frame.kind != Kind.ERROR:
            self._keep_part(link, pending, body)
            body = join_bodies(pending.parts, BY_CODE[frame.name])
        link.pending.remove(reference)
        link.unfinished.pop(pending, None)
        try:
            if pending.exchange is not None:
                pending.exchange.answered(link, pending, frame, body)
            else:
                self._answered(pending, frame)
        except RemoteProtocolError:
            # The node's fault; to whoever waits it is as if the link had been lost.
            if not pending.abandoned:
                self.given_up(link, pending)
            raise

    def _answered(self, pending: Pending, frame: Frame) -> None:
        if frame.kind == Kind.ERROR:
            self._state.refused_by_id(pending, frame)
        elif BY_CODE[pending.name].holdings is Holdings.GIVES_BACK:
            self._state.returned(pending, frame)
        if pending.client is not None and not pending.abandoned:
            self._forward(pending, frame)
            pending.client.settled(pending.reference)

    def _keep_part(self, link: Link, pending: Pending, body: bytes) -> None:
        pending.parts = pending.parts if pending.parts is not None else []
        pending.parts.append(body)
        link.unfinished[pending] = link.unfinished.get(pending, 0) + len(body)
        if sum(link.unfinished.values()) > MAX_PARTS_BYTES:
            raise RemoteProtocolError(Code.TOO_LARGE, "parted answers have no end", fatal=True)

    def _forward(self, pending: Pending, frame: Frame) -> None:
        client = pending.client
        if client is None or client.gone or pending.abandoned:
            return
        if not self._state.answer_split(client, pending.reference, frame.raw):
            # The client has its answer, an error; parts that follow are not for it.
            client.settled(pending.reference)
            pending.abandoned = True

    def event_received(self, link: Link, frame: Frame) -> None:
        """An event for one client, or for the proxy itself."""
        state = self._state
        row = BY_CODE.get(frame.name)
        if frame.client == 0:
            if row is not None and row.message is EventNodeLoad:
                self._load_received(link, decode(frame))
            elif row is not None and row.message is EventWorkbinContentChanged:
                # What was gathered for who has a stream, too, comes before it.
                self._streams.hand_on()
                self._workbins.event_received(link, frame)
            elif row is not None and issubclass(row.message, Event):
                self._streams.event_received(link, frame)
            return
        client = link.clients.get(frame.client)
        if client is None:
            state.counters["events for nobody"] += 1
            return
        if frame.interaction:
            state.owners.learn(frame.interaction.encode(), link.name)
        if row is not None and row.holdings is Holdings.REVOKES:
            event = decode(frame)
            # One with a ticket ends an invitation, which is no holding.
            if not getattr(event, "ticket_id", 0):
                client.gave_back(frame.interaction)
        if row is not None and row.message is EventForcedAgentStateChange:
            self._forced.received(link, client, frame)
        elif not client.gone:
            hand_on(state, client, frame)

    def _load_received(self, link: Link, event: object) -> None:
        assert isinstance(event, EventNodeLoad)
        self._state.loads_changed = True
        tenants = event.queues.keys() | event.views.keys() | event.media_types.keys()
        link.loads = {
            tenant: NodeLoad(
                event.queues.get(tenant, {}),
                event.views.get(tenant, {}),
                frozenset(event.media_types.get(tenant, ())),
            )
            for tenant in tenants
        }

    def overdue(self, link: Link, reference: int, pending: Pending) -> None:
        """
        Nobody answered in time: in doubt. What changes holdings is still waited
        for, and so is by what number a node knows a client, or a snapshot.
        """
        state = self._state
        state.counters["time-outs"] += 1
        state.cancel_at(link, reference)
        followed = pending.name in _FOLLOWED and pending.client is not None
        if followed or (pending.name == _REGISTER and link.speaks):
            pending.abandoned = True
        else:
            link.pending.remove(reference)
            link.unfinished.pop(pending, None)
        self.given_up(link, pending)

    def given_up(self, link: Link, pending: Pending) -> None:
        """No answer will come: tell whoever waits, once."""
        if pending.exchange is not None:
            pending.exchange.lost(link, pending)
        elif pending.client is not None:
            pending.client.settled(pending.reference)
            raw = error_frame(Code.LOST_CONNECTION, interaction_id=pending.interaction)
            self._state.answer_raw(pending.client, pending.reference, raw)
