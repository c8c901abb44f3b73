"""Clients arrive at the proxy: who may register, as what, and instead of whom."""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.core.announcing import Announcing
from ixproxy.core.attributes import is_interaction_id
from ixproxy.core.clients import Client, Peer
from ixproxy.core.leaving import Leaving
from ixproxy.core.registering import Registering, is_local, is_proxy, leave, server_facts
from ixproxy.core.registering_later import RegisteringLater
from ixproxy.core.routing import ALLOWED, BEHIND_PROXY, OBSERVERS
from ixproxy.core.state import ProxyState
from ixproxy.effects import ClosePeer, LogIn
from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import EventAck, RequestRegisterClient, RequestUnregisterClient
from ixproxy.values import ClientType
from ixproxy.wire.admission import client_type_of, observes
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.permits import Permit
from ixproxy.wire.prefix import MAX_STRING, Flag, Frame, readdress

_NO_REPLY = int(Flag.NO_REPLY)
MAX_HOLDING = 250_000
"""Ids that the clients of one peer may list in registrations whose last part has not come."""
MAX_LISTED = 1_000_000
"""The same for all peers together: whoever sends parts need not be registered yet."""
MAX_UNFINISHED = 100
"""Such registrations of one peer."""
LONGEST_REASON = 300
"""Characters of a refusal that may quote what the peer sent."""


class Registrations:
    """Registers clients of peers on this proxy and on all nodes."""

    def __init__(
        self,
        state: ProxyState,
        leaving: Leaving,
        announcing: Announcing,
        later: RegisteringLater,
    ) -> None:
        self._state = state
        self._later = later
        self._leaving = leaving
        self._announcing = announcing

    def register(self, peer: Peer, frame: Frame) -> None:
        """A registration came in: check it, then register on all nodes."""
        who = "whose name is not known"
        try:
            message = decode(frame)
            assert isinstance(message, RequestRegisterClient)
            who = message.who
            message = self._whole(peer, frame, message)
            if message.holding_continues:
                return
            if peer.permit.must_log_in:
                self._ask_who(peer, frame, message)
                return
            client = self._admit(peer, message)
        except (RequestRefused, RemoteProtocolError) as refusal:
            self._refuse(peer, frame, refusal, who)
        else:
            self._register(peer, frame, client)

    def _ask_who(self, peer: Peer, frame: Frame, message: RequestRegisterClient) -> None:
        """:raise RequestRefused: it does not say, or has said it already."""
        if peer.entering is not None:
            raise RequestRefused(Code.NOT_REGISTERED, "the registration is not answered yet")
        if message.credentials is None:
            raise RequestRefused(Code.NOT_AUTHENTICATED)
        peer.entering = frame, message
        self._state.effects.append(LogIn(peer.id, message.credentials))

    def login_answered(self, peer: Peer, permit: Permit | None) -> None:
        """It is known who the peer is; None: nobody."""
        entering, peer.entering = peer.entering, None
        if entering is None:
            return
        frame, message = entering
        try:
            if permit is None:
                raise RequestRefused(Code.NOT_AUTHENTICATED)
            peer.permit = permit
            client = self._admit(peer, message)
        except RequestRefused as refusal:
            self._refuse(peer, frame, refusal, message.who)
        else:
            self._register(peer, frame, client)

    def _refuse(
        self, peer: Peer, frame: Frame, refusal: RequestRefused | RemoteProtocolError, who: str
    ) -> None:
        reason = refusal.description[:LONGEST_REASON]
        raw = error_frame(refusal.code, reason, client=frame.client, reference=frame.reference)
        if not frame.flags & _NO_REPLY:
            peer.send(raw)
        if 0 not in peer.clients:
            self._state.effects.append(ClosePeer(peer.id, reason))
        self._note_refusal(who, refusal.code, reason)

    def _register(self, peer: Peer, frame: Frame, client: Client) -> None:
        """In the place of whoever was registered there, on all nodes."""
        state = self._state
        replaced = peer.clients.get(client.number)
        older = state.clients.newest(client.session)
        if older is not None:
            self._leaving.superseded(older, client)
        if replaced is not None:
            self._leaving.replaced(replaced)
        state.clients.add(client)
        reference = None if frame.flags & _NO_REPLY else frame.reference
        registering = Registering(state, client, self._registered, reference)
        registering.start([] if is_local(client) else list(state.links.values()))
        if replaced is not None:
            # After the newer registration, so that a session that stays never seems lost.
            leave(state, replaced, goodbye=False)

    def _note_refusal(self, client: str, code: int, reason: str) -> None:
        self._state.note(
            "warn",
            "Client {client} was refused: {code} {reason}",
            client=client,
            code=code,
            reason=reason,
        )

    def _whole(
        self, peer: Peer, frame: Frame, message: RequestRegisterClient
    ) -> RequestRegisterClient:
        """
        The registration with what earlier parts of it listed.

        :raise RequestRefused: it lists too much, or what is no id.
        """
        if frame.client:
            raise RequestRefused(Code.INVALID_CLIENT, "the server gives clients their numbers")
        if not all(map(is_interaction_id, message.holding)):
            raise RequestRefused(
                Code.BAD_ATTRIBUTE, f"Holding: an id takes 1 to {MAX_STRING} bytes"
            )
        parts, listed = peer.holding_parts, self._state.clients.listed
        earlier = parts.pop(frame.reference, None)
        if earlier is not None:
            listed[peer] -= len(earlier.holding)
            if earlier.session != message.session:
                raise RequestRefused(Code.BAD_ATTRIBUTE, "Session differs from that of part 1")
            message = replace(message, holding={**earlier.holding, **message.holding})
        if message.holding_continues:
            size = len(message.holding)
            if (
                listed.get(peer, 0) + size > MAX_HOLDING
                or len(parts) >= MAX_UNFINISHED
                or sum(listed.values()) + size > MAX_LISTED
            ):
                raise RequestRefused(Code.LIMIT_REACHED, "Holding lists too many interactions")
            parts[frame.reference] = message
            listed[peer] = listed.get(peer, 0) + size
        elif not parts:
            listed.pop(peer, None)
        return message

    def _admit(self, peer: Peer, message: RequestRegisterClient) -> Client:
        """
        The new client, in the place of an older one of its session.

        :raise RequestRefused: it may not register.
        """
        state = self._state
        first = 0 not in peer.clients
        behind_proxy = not first and is_proxy(peer.clients[0])
        client_type = client_type_of(
            message, behind_proxy=behind_proxy, shortest_frame=state.settings.min_peer_frame
        )
        if state.settings.name in message.path:
            raise RequestRefused(
                Code.PATH_LOOP, f"Path {list(message.path)} contains {state.settings.name}"
            )
        observer = observes(message, behind_proxy=behind_proxy)
        # Who asks why nobody can come in must come in; the connections are limited, too.
        if len(state.clients) >= state.settings.max_clients and not observer:
            raise RequestRefused(Code.TOO_MANY_CLIENTS)
        unknown = [tenant for tenant in message.tenants if tenant not in state.deployment.tenants]
        if unknown:
            raise RequestRefused(Code.UNKNOWN_TENANT, f"TenantId {unknown[0]} is not known")
        shown_as = ClientType.PROXY if behind_proxy else client_type
        tenants = peer.permit.narrowed(shown_as, frozenset(message.tenants))
        message = replace(message, tenants=sorted(tenants))
        if observer:
            return self._observer(peer, message)
        return self._enter(peer, message, client_type, behind_proxy)

    def _observer(self, peer: Peer, message: RequestRegisterClient) -> Client:
        peer.max_frame = message.max_frame
        client = Client(peer, 0, replace(message, session=b"", holding={}), OBSERVERS)
        client.observer = True
        return client

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
            if client_type is not ClientType.PROXY:
                # Only proxies say which proxies there are on the way.
                message = replace(message, path=[], moves=[])
        rights = BEHIND_PROXY if behind_proxy else ALLOWED
        client = Client(peer, number, message, rights[client_type])
        older = state.clients.newest(message.session)
        if older is not None and older.generation > client.generation:
            raise RequestRefused(Code.SUPERSEDED)
        return client

    def _registered(self, registering: Registering) -> None:
        """Every node that can has answered: tell the client that it is registered, or why not."""
        state, client = self._state, registering.client
        if client.gone:
            code = Code.CANCELLED if client.said_goodbye else Code.SUPERSEDED
            self._answer(registering, error_frame(code))
            if client.superseded and client.behind_proxy:
                # For the proxy in front that was its end: no goodbye follows.
                self._leaving.refused(client)
            return
        if registering.refusal is not None:
            refusal = registering.refusal
            self._answer(registering, error_frame(refusal.error_code, refusal.error_description))
            self._note_refusal(str(client), refusal.error_code, refusal.error_description)
            self._leaving.refused(client)
            if not client.number:
                state.effects.append(ClosePeer(client.peer.id, refusal.error_description))
            return
        self._later.note(registering)
        # What a node confirmed may have been revoked while others were waited for.
        held = {key: take for key, take in registering.held.items() if key in client.holding}
        if registering.whole:
            for identifier in [key for key in client.holding if key not in held]:
                client.gave_back(identifier)
        else:
            # A node that was away may confirm them yet, or has done so meanwhile: they count as
            # held until they are revoked.
            held = {**{key: take for key, (take, _) in client.holding.items()}, **held}
            if any(node is None for _, node in client.holding.values()):
                state.unconfirmed[client] = state.now
        answer = EventAck(
            proxy_client_id=client.number,
            server=server_facts(state),
            held=held,
        )
        self._answer(registering, encode(answer))
        level, kind = ("info", "Proxy") if is_proxy(client) else ("debug", "Client")
        state.note(level, kind + " {client} is registered", client=str(client))
        if is_proxy(client):
            self._announcing.tell(client.peer)

    def _answer(self, registering: Registering, raw: bytes) -> None:
        client, reference = registering.client, registering.reference
        if reference is None or self._state.clients.peers.get(client.peer.id) is not client.peer:
            return
        if client.gone:
            # Another is registered in its place, or nobody; the connection is there still.
            client.peer.send(readdress(raw, client.number, reference))
        else:
            self._state.answer_split(client, reference, raw)

    def unregister(self, peer: Peer, client: Client, frame: Frame) -> None:
        """
        A goodbye: what the session holds goes back at once.

        :raise RemoteProtocolError: a proxy names a client that it does not have.
        """
        message = decode(frame)
        assert isinstance(message, RequestUnregisterClient)
        leaving, named = client, message.proxy_client_id
        if named and is_proxy(client):
            found = peer.clients.get(named)
            if found is None:
                raise RemoteProtocolError(
                    Code.NOT_REGISTERED, f"client {named} is not registered on this connection"
                )
            leaving = found
        self._leaving.goodbye(leaving)
        if is_proxy(leaving):
            self._leaving.lost(list(peer.clients.values()), client.name, Code.CANCELLED)
        if not frame.flags & _NO_REPLY:
            peer.send(encode(EventAck(), client=client.number, reference=frame.reference))
