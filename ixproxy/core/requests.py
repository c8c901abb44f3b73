"""A client's frame on the slow path: checked, then sent along its route."""

from __future__ import annotations

from ixproxy.core.agent_requests import AgentRequests
from ixproxy.core.announcing import Announcing
from ixproxy.core.attributes import is_interaction_id, problem_of
from ixproxy.core.choosing import Choosing
from ixproxy.core.clients import Client, Peer
from ixproxy.core.gathering import Gathering
from ixproxy.core.internal import Internal
from ixproxy.core.leaving import Leaving
from ixproxy.core.locating import Locator
from ixproxy.core.owning import ToOwner
from ixproxy.core.parking import Parking
from ixproxy.core.pending import Deadline
from ixproxy.core.pulling import Pulling
from ixproxy.core.pulling_by_ids import PullingByIds
from ixproxy.core.registering_later import RegisteringLater
from ixproxy.core.registrations import Registrations
from ixproxy.core.relaying import relay
from ixproxy.core.routing import BY_CODE, OWNER_IF_NAMED, Route
from ixproxy.core.snapshot_requests import SnapshotRequests
from ixproxy.core.state import Asked, ProxyState
from ixproxy.core.status import status_of
from ixproxy.core.streams import Streams
from ixproxy.core.submitting import Submitting
from ixproxy.core.subscribing import start_subscribing
from ixproxy.core.workbins import CODES as ABOUT_WORKBINS
from ixproxy.core.workbins import Workbins
from ixproxy.effects import CompleteStatus
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    RequestCancelTake,
    RequestClientsGone,
    RequestConfirmSession,
    RequestPull,
    RequestRegisterClient,
    RequestReleaseSnapshot,
    RequestServerStatus,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.wire.codec import decode
from ixproxy.wire.names import BY_MESSAGE, Holdings, Kind
from ixproxy.wire.permits import Permit
from ixproxy.wire.prefix import MAX_STRING, Flag, Frame

_COMPRESSED = int(Flag.COMPRESSED)
_REGISTER = BY_MESSAGE[RequestRegisterClient].code
_STATUS = BY_MESSAGE[RequestServerStatus].code
_UNREGISTER = BY_MESSAGE[RequestUnregisterClient].code
_SUBMIT = BY_MESSAGE[RequestSubmit].code
RESERVED = frozenset(
    BY_MESSAGE[message].code
    for message in (
        RequestCancelTake,
        RequestClientsGone,
        RequestConfirmSession,
        RequestReleaseSnapshot,
    )
)
"""What gives back, or ends something, is never refused as busy; nor are goodbyes and cancels."""
_HAND_OVER = (Route.OWNER, Route.PULL)
SYSTEM_VIEW = "_system_"
"""The view of a pull by ids, as the field has it."""


class Requests:
    """
    Takes clients' frames to where they go.

    :ivar later: what registrations leave undone.
    """

    def __init__(
        self,
        state: ProxyState,
        locator: Locator,
        parking: Parking,
        agents: AgentRequests,
        leaving: Leaving,
        announcing: Announcing,
        streams: Streams,
        snapshots: SnapshotRequests,
        workbins: Workbins,
    ) -> None:
        self._state = state
        self._streams = streams
        self._snapshots = snapshots
        self._workbins = workbins
        self._locator = locator
        self._parking = parking
        self._agents = agents
        self.later = RegisteringLater(state)
        self._registrations = Registrations(state, leaving, announcing, self.later)
        self._internal = Internal(state, locator, agents, leaving)

    def frame_received(self, peer: Peer, frame: Frame) -> None:
        """
        One frame, its prefix checked.

        :raise RemoteProtocolError: what is wrong with the frame or its sender.
        """
        if frame.kind == Kind.CANCEL:
            self._cancel(peer, frame)
            return
        if frame.kind == Kind.EVENT:
            relay(self._state, peer, frame)
            return
        if frame.kind != Kind.REQUEST:
            raise RemoteProtocolError(Code.BAD_FRAME, f"kind {frame.kind} from a client")
        if frame.flags & _COMPRESSED:
            raise RemoteProtocolError(
                Code.BAD_FRAME, "flags: compressed, but no compression was agreed on"
            )
        if frame.name == _REGISTER:
            self._registrations.register(peer, frame)
            return
        client = self._sender(peer, frame)
        if frame.name == _UNREGISTER:
            self._registrations.unregister(peer, client, frame)
            return
        asked = self._admit(client, frame)
        if asked is not None:
            try:
                self._route(asked)
            except RemoteProtocolError as problem:
                self._state.refuse(asked, problem.code, problem.description)

    def ticked(self) -> None:
        """Some time passed: what was left undone is done, if it can be now."""
        self.later.ticked()
        self._snapshots.ticked()

    def login_answered(self, peer: Peer, permit: Permit | None) -> None:
        """It is known who a peer is that had to log in."""
        self._registrations.login_answered(peer, permit)

    def _sender(self, peer: Peer, frame: Frame) -> Client:
        client = peer.clients.get(frame.client)
        if client is None:
            raise RemoteProtocolError(
                Code.NOT_REGISTERED, f"client {frame.client} is not registered on this connection"
            )
        if client.superseded:
            raise RemoteProtocolError(Code.SUPERSEDED, "")
        if frame.name not in BY_CODE:
            raise RemoteProtocolError(Code.BAD_FRAME, f"name {frame.name} is no request")
        if frame.name not in client.allowed:
            raise RemoteProtocolError(
                Code.NOT_ALLOWED,
                f"{BY_CODE[frame.name].name} is not for a client of type {client.type}",
            )
        if frame.reference in client.inflight:
            raise RemoteProtocolError(
                Code.BAD_FRAME, f"reference {frame.reference} is in use by another request"
            )
        return client

    def _admit(self, client: Client, frame: Frame) -> Asked | None:
        state = self._state
        asked = Asked(client, frame, state.now, 0.0)
        ttl = frame.ttl / 1000 if frame.ttl else state.timeout_of(asked.route)
        asked.due = state.now + ttl
        if (
            len(client.inflight) >= state.settings.max_pending_per_client
            and frame.name not in RESERVED
        ):
            state.counters["busy"] += 1
            raise RemoteProtocolError(
                Code.BUSY, f"{len(client.inflight)} requests of this client are in flight"
            )
        client.inflight[frame.reference] = asked
        if asked.route.deadline in (Deadline.DELIVERY, Deadline.SERVICE):
            client.patient[frame.reference] = None
        problem = problem_of(frame, asked.row, asked.route, client, state.deployment.tenants)
        if problem is not None:
            state.refuse(asked, *problem)
            return None
        return asked

    def _route(self, asked: Asked) -> None:
        state, route = self._state, asked.route
        if route.route is Route.REFUSED:
            state.refuse(asked, Code.UNSUPPORTED_OPERATION)
        elif asked.silent and asked.row.holdings is Holdings.TAKES and route.route in _HAND_OVER:
            state.refuse(asked, Code.BAD_FRAME, f"flags: {route.name} needs its reply")
        elif route.route is Route.OWNER or (
            asked.frame.interaction and asked.frame.name in OWNER_IF_NAMED
        ):
            ToOwner(state, self._parking, asked).start(self._locator)
        elif route.route is Route.CHOSEN:
            if asked.frame.name == _SUBMIT:
                Submitting(state, self._locator, self._parking, asked).start()
            else:
                Choosing(state, asked).start()
        elif route.route is Route.PULL:
            self._pull(asked)
        elif route.route is Route.GATHER:
            Gathering(state, asked).start()
        elif route.route is Route.AGENT:
            self._agents.start(asked)
        elif asked.frame.name in ABOUT_WORKBINS:
            self._workbins.start(asked)
        elif route.route is Route.SUBSCRIBE:
            start_subscribing(state, self._agents.sessions, asked)
        elif route.route is Route.SNAPSHOT:
            self._snapshots.start(asked)
        elif route.route is Route.LOCAL:
            self._local(asked)
        else:
            self._internal.start(asked)

    def _local(self, asked: Asked) -> None:
        if asked.frame.name == _STATUS:
            self._tell_status(asked)
        else:
            self._streams.start(asked)

    def _tell_status(self, asked: Asked) -> None:
        """Answered by way of the world."""
        client = asked.client
        client.inflight.pop(asked.frame.reference, None)
        if not asked.silent:
            status = status_of(
                self._state, self._locator, self._parking, self._agents.sessions, self._streams
            )
            self._state.effects.append(
                CompleteStatus(client.peer.id, client.number, asked.frame.reference, status)
            )

    def _pull(self, asked: Asked) -> None:
        state = self._state
        if asked.frame.queue != SYSTEM_VIEW:
            Pulling(state, asked).start()
            return
        request = decode(asked.frame)
        assert isinstance(request, RequestPull)
        identifiers = list(request.pull_parameters)
        if not identifiers:
            state.refuse(asked, Code.NOT_ACCESSIBLE, "PullParameters names no interaction")
            return
        for identifier in identifiers:
            if not is_interaction_id(identifier):
                raise RemoteProtocolError(
                    Code.BAD_ATTRIBUTE, f"PullParameters: an id takes 1 to {MAX_STRING} bytes"
                )
        if len(identifiers) > state.settings.max_ids_per_pull:
            state.refuse(
                asked,
                Code.LIMIT_REACHED,
                f"PullParameters names {len(identifiers)} interactions, "
                f"{state.settings.max_ids_per_pull} allowed",
            )
            return
        for seeker in PullingByIds(state, asked, request).seekers():
            self._locator.seek(asked.frame.tenant, seeker.key, seeker)

    def _cancel(self, peer: Peer, frame: Frame) -> None:
        """A requester no longer wants an answer; it still gets its one."""
        client = peer.clients.get(frame.client)
        request = client.inflight.get(frame.reference) if client is not None else None
        if isinstance(request, Asked):
            self._state.cancel(request)
        elif request is not None:
            self._state.cancel_at(*request)
