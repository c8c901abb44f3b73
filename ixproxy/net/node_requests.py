"""
Frames of a node's peers become work, or are answered at once.

A frame is checked here for all that needs no rows: that it is whole and known,
that its sender is registered and may send it, that it says what it must, and
that there is room for it. What is wrong is named in the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from twisted.logger import Logger

from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import (
    RequestCancelTake,
    RequestClientsGone,
    RequestConfirmSession,
    RequestPull,
    RequestRegisterClient,
    RequestServerStatus,
    RequestUnregisterClient,
)
from ixproxy.messages.message import Event, Request
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer
from ixproxy.net.node_registration import Registrar
from ixproxy.net.node_state import NodeState, code_of
from ixproxy.node.work import Asked, Relayed
from ixproxy.wire.codec import decode, encode, error_frame, missing_attribute
from ixproxy.wire.frames import Skipped
from ixproxy.wire.names import BY_CODE, Kind, NameRow
from ixproxy.wire.parts import split_frame
from ixproxy.wire.prefix import Flag, Frame, read_frame
from ixproxy.wire.rights import allowed

log = Logger()

REGISTER = code_of(RequestRegisterClient)
UNREGISTER = code_of(RequestUnregisterClient)
CLIENTS_GONE = code_of(RequestClientsGone)
PULL = code_of(RequestPull)
CANCEL_TAKE = code_of(RequestCancelTake)
RESERVED = frozenset(
    {
        UNREGISTER,
        CLIENTS_GONE,
        CANCEL_TAKE,
        code_of(RequestConfirmSession),
        code_of(RequestServerStatus),
    }
)
"""
What gives back, or ends something, is never refused as busy; nor is the
question how the node is, which waits for nothing.
"""

_NO_REPLY, _COMPRESSED = int(Flag.NO_REPLY), int(Flag.COMPRESSED)
_REQUEST = int(Kind.REQUEST)


class NodeRequests:
    """Reads what peers send."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self.registrar = Registrar(state)

    def frames_received(self, peer: NodePeer, frames: Sequence[bytes | Skipped], most: int) -> int:
        """
        Whole frames of one peer, in order.

        :param most: how many may be taken in this turn.
        :return: how many were.
        """
        now = self._state.clock.seconds()
        for raw in islice(frames, most):
            if peer.connection is None or peer.connection.close_reason:
                return len(frames)
            if isinstance(raw, Skipped):
                self._skipped(peer, raw)
            else:
                self._frame(peer, raw, now)
        return min(most, len(frames))

    def _skipped(self, peer: NodePeer, skipped: Skipped) -> None:
        if skipped.kind == _REQUEST:
            problem = skipped.problem
            self._answer(peer, skipped.client, skipped.reference, problem)

    def _frame(self, peer: NodePeer, raw: bytes, now: float) -> None:
        try:
            frame = read_frame(raw)
        except RemoteProtocolError as problem:
            client, reference = (int.from_bytes(raw[at : at + 4], "big") for at in (8, 12))
            if not raw[24:25] or not raw[24] & _NO_REPLY:
                self._answer(peer, client, reference, problem)
            return
        try:
            if frame.kind == _REQUEST:
                self._request(peer, frame, now)
            else:
                self._other(peer, frame)
        except RemoteProtocolError as problem:
            if not frame.flags & _NO_REPLY:
                self._answer(peer, frame.client, frame.reference, problem)
            if problem.code == Code.INVALID_CLIENT:
                self._expel(peer, frame.client, problem.description)

    def _other(self, peer: NodePeer, frame: Frame) -> None:
        """What is no request."""
        if frame.kind == Kind.PING:
            if peer.connection is not None:
                peer.connection.answer_ping(frame.raw)
        elif frame.kind == Kind.CANCEL:
            self._cancel(peer, frame)
        elif frame.kind == Kind.EVENT:
            self._state.counters["events from clients"] += 1
            self._event(peer, frame)
        elif frame.kind != Kind.PONG:
            raise RemoteProtocolError(Code.BAD_FRAME, f"kind {frame.kind} from a client")

    def _event(self, peer: NodePeer, frame: Frame) -> None:
        """What is to be relayed; nobody waits for an answer, so what is wrong is only counted."""
        state = self._state
        client, row = peer.clients.get(frame.client), BY_CODE.get(frame.name)
        if client is None or row is None or not _may_send(client, row):
            state.counters["events refused"] += 1
        elif state.stopping or state.writer.full:
            state.counters["events dropped"] += 1
        else:
            try:
                missing = missing_attribute(frame)
                event = decode(frame)
            except RemoteProtocolError:
                event, missing = None, "all"
            if missing or not isinstance(event, Event):
                state.counters["bad frames"] += 1
                return
            due = state.clock.seconds() + state.limits.max_current_request_queue_wait
            asking = Asking(client, frame.reference, due, silent=True)
            state.writer.ask(asking, Relayed(client.sender, event, asking))

    def _request(self, peer: NodePeer, frame: Frame, now: float) -> None:
        """:raise RemoteProtocolError: what is wrong with the frame or its sender."""
        state, flags = self._state, frame.flags
        if flags & _COMPRESSED:
            raise RemoteProtocolError(
                Code.BAD_FRAME, "flags: compressed, but no compression was agreed on"
            )
        name = frame.name
        if name == REGISTER:
            self.registrar.register(peer, frame)
            return
        client = peer.clients.get(frame.client)
        if client is None:
            raise _not_registered(peer, frame)
        if name not in client.rights:
            raise _not_allowed(client, name)
        asked = client.asked
        if frame.reference in asked:
            raise RemoteProtocolError(
                Code.BAD_FRAME, f"reference {frame.reference} is in use by another request"
            )
        if name not in RESERVED:
            self._check_room(client)
        if missing := missing_attribute(frame):
            raise RemoteProtocolError(
                Code.MISSING_VALUE, f"{missing} is missing in {BY_CODE[name].name}"
            )
        message = decode(frame)
        silent = bool(flags & _NO_REPLY)
        if name == CANCEL_TAKE:
            # What is not given back would be stranded: it may take any time.
            due = float("inf")
        elif frame.ttl:
            due = now + frame.ttl / 1000
        else:
            due = now + state.limits.max_current_request_queue_wait
        asking = Asking(client, frame.reference, due, silent)
        asking.own_time = bool(frame.ttl)
        if name == PULL:
            if silent:
                raise RemoteProtocolError(Code.BAD_FRAME, "flags: a pull needs its reply")
            asking.pull = True
        asked[frame.reference] = asking
        if isinstance(message, RequestUnregisterClient):
            self.registrar.unregister(peer, asking, message)
        elif isinstance(message, RequestClientsGone):
            self.registrar.clients_gone(peer, asking, message)
        elif isinstance(message, RequestServerStatus):
            self._tell_status(asking)
        elif isinstance(message, Request):
            state.writer.ask(asking, Asked(client.sender, message, flags, asking))

    def _tell_status(self, asking: Asking) -> None:
        """Past the writer: how the node is must be known above all when the writer is stuck."""
        asking.settle()
        client = asking.client
        if asking.silent:
            return
        raw = encode(self._state.status(), client=client.number, reference=asking.reference)
        try:
            for part in split_frame(raw, client.peer.max_frame):
                client.peer.send(part)
        except RequestRefused as problem:
            self._state.refuse(asking, problem.code, problem.description)

    def _check_room(self, client: NodeClient) -> None:
        state = self._state
        if state.stopping:
            raise RemoteProtocolError(Code.STOPPING, "")
        if state.writer.full:
            state.counters["busy"] += 1
            raise RemoteProtocolError(Code.BUSY, "the node's request queue is full")
        if (
            len(client.asked) >= state.limits.max_pending_per_client
            and not client.sender.through_proxy
        ):
            state.counters["busy"] += 1
            raise RemoteProtocolError(
                Code.BUSY, f"{len(client.asked)} requests of this client are in flight"
            )

    def _cancel(self, peer: NodePeer, frame: Frame) -> None:
        """Drop a request that was not run yet, or a held pull; else the answer comes as it may."""
        client = peer.clients.get(frame.client)
        asking = client.asked.get(frame.reference) if client is not None else None
        if asking is not None:
            self._state.drop_request(asking, Code.CANCELLED)

    def _answer(
        self, peer: NodePeer, client: int, reference: int, problem: RemoteProtocolError
    ) -> None:
        self._state.counters["bad frames"] += 1
        peer.send(
            error_frame(problem.code, problem.description, client=client, reference=reference)
        )

    def _expel(self, peer: NodePeer, number: int, reason: str) -> None:
        """An invalid client is disconnected; one behind a proxy loses its registration."""
        client = peer.clients.get(number)
        if peer.proxy:
            if client is not None and number:
                self.registrar.expel(client)
        elif peer.connection is not None:
            peer.connection.close(reason)


def _not_registered(peer: NodePeer, frame: Frame) -> RemoteProtocolError:
    if frame.client and peer.clients and not peer.proxy:
        return RemoteProtocolError(
            Code.INVALID_CLIENT, "a peer that is no proxy is client 0 and cannot name another"
        )
    return RemoteProtocolError(
        Code.NOT_REGISTERED, f"client {frame.client} is not registered on this connection"
    )


def _may_send(client: NodeClient, row: NameRow) -> bool:
    """Whether a client, whose registration is answered and still counts, may send an event."""
    return (
        bool(client.rights)
        and not client.observer
        and row.kind is Kind.EVENT
        and allowed(
            row.message, client.sender.client_type, through_proxy=client.sender.through_proxy
        )
    )


def _not_allowed(client: NodeClient, name: int) -> RemoteProtocolError:
    if client.superseded:
        return RemoteProtocolError(Code.SUPERSEDED, "")
    if not client.rights:
        return RemoteProtocolError(Code.NOT_REGISTERED, "the registration is not answered yet")
    row = BY_CODE.get(name)
    if row is None or row.kind is not Kind.REQUEST:
        return RemoteProtocolError(Code.BAD_FRAME, f"name {name} is no request")
    return RemoteProtocolError(
        Code.NOT_ALLOWED, f"{row.name} is not for a client of type {client.sender.client_type}"
    )
