"""Clients arrive at the proxy: who may register, as what, and instead of whom."""

from __future__ import annotations

from ixproxy.core.clients import Client, Peer
from ixproxy.core.registering import Registering, answer_registration, is_proxy, leave
from ixproxy.core.routing import ALLOWED
from ixproxy.core.state import ProxyState
from ixproxy.effects import ClosePeer
from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import EventAck, RequestRegisterClient
from ixproxy.values import ClientType
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.prefix import VERSION, Frame

MAX_NAME = 255
MAX_HOLDING = 1_000_000
"""Ids that one session may list: bounds what a registration in parts may keep."""


class Registrations:
    """Registers clients of peers on this proxy and on all nodes."""

    def __init__(self, state: ProxyState) -> None:
        self._state = state

    def register(self, peer: Peer, frame: Frame) -> None:
        """A registration came in: check it, then register on all nodes."""
        state = self._state
        try:
            message = decode(frame)
            assert isinstance(message, RequestRegisterClient)
            if message.holding_continues:
                self._keep_part(peer, message)
                return
            client = self._admit(peer, message)
        except (RequestRefused, RemoteProtocolError) as refusal:
            raw = error_frame(
                refusal.code, refusal.description, client=frame.client, reference=frame.reference
            )
            peer.send(raw)
            if frame.client == 0 and 0 not in peer.clients:
                state.effects.append(ClosePeer(peer.id, refusal.description))
            return
        registering = Registering(
            state, client, lambda done: answer_registration(state, done), frame.reference
        )
        registering.start([] if is_proxy(client) else list(state.links.values()))

    def _keep_part(self, peer: Peer, message: RequestRegisterClient) -> None:
        parts = peer.holding_parts.setdefault(message.session, {})
        if len(peer.holding_parts) > 1_000 or len(parts) + len(message.holding) > MAX_HOLDING:
            raise RequestRefused(Code.LIMIT_REACHED, "Holding lists too many interactions")
        parts.update(message.holding)

    def _admit(self, peer: Peer, message: RequestRegisterClient) -> Client:
        """
        The new client, in the place of an older one of its session.

        :raise RequestRefused: it may not register.
        """
        state = self._state
        client_type = _client_type(message)
        first = 0 not in peer.clients
        behind_proxy = not first and is_proxy(peer.clients[0])
        if behind_proxy and client_type is ClientType.PROXY:
            raise RequestRefused(Code.INVALID_CLIENT, "A proxy cannot be a client of another peer")
        if not message.client_name or len(message.client_name) > MAX_NAME:
            raise RequestRefused(Code.INVALID_CLIENT, "ClientName must have 1 to 255 characters")
        if VERSION not in message.versions:
            raise RequestRefused(
                Code.UNSUPPORTED_VERSION, f"Versions {list(message.versions)} do not include 1"
            )
        if message.session and len(message.session) != 16:
            raise RequestRefused(Code.INVALID_CLIENT, "Session must have 16 bytes")
        if state.settings.name in message.path:
            raise RequestRefused(
                Code.PATH_LOOP, f"Path {list(message.path)} contains {state.settings.name}"
            )
        if message.max_frame < state.settings.min_peer_frame:
            raise RequestRefused(
                Code.INVALID_CLIENT,
                f"MaxFrame is {message.max_frame}, "
                f"at least {state.settings.min_peer_frame} expected",
            )
        if len(state.clients) >= state.settings.max_clients:
            raise RequestRefused(Code.TOO_MANY_CLIENTS)
        unknown = [tenant for tenant in message.tenants if tenant not in state.deployment.tenants]
        if unknown:
            raise RequestRefused(Code.UNKNOWN_TENANT, f"TenantId {unknown[0]} is not known")
        return self._enter(peer, message, client_type, behind_proxy)

    def _enter(
        self,
        peer: Peer,
        message: RequestRegisterClient,
        client_type: ClientType,
        behind_proxy: bool,
    ) -> Client:
        state = self._state
        number = 0
        if behind_proxy:
            peer.last_number += 1
            number = peer.last_number
        else:
            peer.max_frame = message.max_frame
        message.holding.update(peer.holding_parts.pop(message.session, {}))
        client = Client(peer, number, message, ALLOWED[client_type])
        older = state.clients.by_session.get(message.session) if message.session else None
        if older is not None and older.incarnation > message.incarnation:
            raise RequestRefused(Code.SUPERSEDED)
        replaced = peer.clients.get(number)
        if replaced is not None:
            state.clients.remove(replaced)
            if replaced is not older:
                leave(state, replaced, goodbye=False)
        state.clients.add(client)
        if older is not None:
            older.superseded = older.gone = True
        return client

    def unregister(self, peer: Peer, client: Client, frame: Frame) -> None:
        """A goodbye: what the session holds goes back at once."""
        leave(self._state, client, goodbye=True)
        self._state.clients.remove(client)
        peer.send(encode(EventAck(), client=client.number, reference=frame.reference))


def _client_type(message: RequestRegisterClient) -> ClientType:
    try:
        return ClientType(message.client_type)
    except ValueError:
        known = ", ".join(ClientType)
        raise RequestRefused(
            Code.INVALID_CLIENT, f"ClientType {message.client_type!r} is none of {known}"
        ) from None
