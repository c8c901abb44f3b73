"""
Clients come to a node and go: who may register, as what, and instead of whom.

Theory of operation: a client is bound to its session when its registration
arrives, for the writer works in the same order; it is answered when the
registration is stored, and may send nothing else before. A proxy registers
itself first and then its clients, which get numbers of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import (
    EventAck,
    RequestClientsGone,
    RequestRegisterClient,
    RequestServerStatus,
    RequestUnregisterClient,
)
from ixproxy.messages.message import MAX_NAME
from ixproxy.net import node_log
from ixproxy.net.node_limits import PROXY_FACTOR
from ixproxy.net.node_peers import Asking, NodeClient, NodePeer, RegistrationAsking
from ixproxy.net.node_state import NodeState, code_of
from ixproxy.net.registration_parts import RegistrationParts
from ixproxy.node.work import (
    ClientsLost,
    ConnectionLost,
    Goodbye,
    Registered,
    RouterReads,
    Sender,
)
from ixproxy.values import ClientType
from ixproxy.wire.admission import client_type_of, observes
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.permits import Permit
from ixproxy.wire.prefix import Flag, Frame

OBSERVERS = frozenset({code_of(RequestServerStatus), code_of(RequestUnregisterClient)})
"""What those may send who only ask how the node is."""

WANTS_CHANGES = "event_properties_changed"
STRATEGIES = "strategies"
"""The key of a registration's extension that lists what a router has loaded."""
MAX_STRATEGIES = 1000


class Registrar:
    """Registers clients, and takes them off again."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._parts = RegistrationParts()

    def register(self, peer: NodePeer, frame: Frame) -> None:
        """A registration came in."""
        who = "whose name is not known"
        try:
            message = decode(frame)
            assert isinstance(message, RequestRegisterClient)
            who = message.who
            whole = self._parts.add(peer, frame.reference, message)
            if whole is None:
                return
            if peer.permit.must_log_in:
                self._log_in(peer, frame, whole)
            else:
                self._register(peer, frame, whole)
        except (RequestRefused, RemoteProtocolError) as refusal:
            self._refuse(peer, frame, refusal)
            node_log.refused(who, refusal)

    def _log_in(self, peer: NodePeer, frame: Frame, message: RequestRegisterClient) -> None:
        """:raise RequestRefused: it does not say who it is, or has said it already."""
        if peer.entering:
            raise RequestRefused(Code.NOT_REGISTERED, "the registration is not answered yet")
        if message.credentials is None:
            raise RequestRefused(Code.NOT_AUTHENTICATED)
        peer.entering = True
        entering = self._state.door.log_in(message.credentials)
        entering.addCallbacks(
            lambda permit: self._entered(peer, frame, message, permit),
            lambda _: self._entered(peer, frame, message, None),
        )

    def _entered(
        self, peer: NodePeer, frame: Frame, message: RequestRegisterClient, permit: Permit | None
    ) -> None:
        """It is known what a user may be; None: nobody."""
        peer.entering = False
        if peer.connection is None:
            return
        try:
            if permit is None:
                raise RequestRefused(Code.NOT_AUTHENTICATED)
            peer.permit = permit
            self._register(peer, frame, message)
        except RequestRefused as refusal:
            self._refuse(peer, frame, refusal)
            node_log.refused(message.who, refusal)

    def _register(self, peer: NodePeer, frame: Frame, message: RequestRegisterClient) -> None:
        """:raise RequestRefused: it may not register."""
        client = self._admit(peer, frame, message)
        if client.observer:
            self._observe(peer, frame, client)
            return
        older = self._state.sessions.bind(client)
        if older is not None:
            self._state.drop_pulls(older, Code.SUPERSEDED)
            self._state.client_off(older)
        self._enter(peer, client)
        peer.registering += 1
        due = self._state.clock.seconds() + self._state.limits.max_current_request_queue_wait
        asking = RegistrationAsking(client, frame.reference, due, bool(frame.flags & Flag.NO_REPLY))
        agents, snapshots = message.agent_sessions, message.snapshots
        if snapshots is None and peer.proxy:
            # It comes from another proxy, which never heard of any.
            snapshots = []
        self._state.writer.add(
            Registered(
                client.sender,
                message.incarnation,
                message.holding,
                asking,
                None if agents is None else tuple((each[0], each[1]) for each in agents),
                client.strategies,
                client.all_tenants,
                None if snapshots is None else tuple(snapshots),
            )
        )

    def _admit(self, peer: NodePeer, frame: Frame, message: RequestRegisterClient) -> NodeClient:
        """:raise RequestRefused: it may not register."""
        state = self._state
        if state.stopping:
            raise RequestRefused(Code.STOPPING)
        if frame.client:
            raise RequestRefused(Code.INVALID_CLIENT, "the server gives clients their numbers")
        if peer.registering and not peer.proxy:
            raise RequestRefused(Code.NOT_REGISTERED, "the registration is not answered yet")
        client_type = client_type_of(
            message, behind_proxy=peer.proxy, shortest_frame=state.limits.min_peer_frame
        )
        # What a proxy's client works for may be elsewhere; the node refuses it by request.
        known = state.tenants.intersection(message.tenants)
        if message.tenants and not known and not peer.proxy:
            raise RequestRefused(
                Code.UNKNOWN_TENANT, f"TenantId {message.tenants[0]} is not known here"
            )
        shown_as = ClientType.PROXY if peer.proxy else client_type
        tenants = peer.permit.narrowed(shown_as, frozenset(message.tenants))
        if observes(message, behind_proxy=peer.proxy):
            # Who asks why nobody can come in must come in; the connections are limited, too.
            client = self._client(peer, replace(message, session=b"", holding={}), tenants)
            client.observer = True
            return client
        if state.clients >= state.limits.max_current_clients:
            raise RequestRefused(Code.TOO_MANY_CLIENTS)
        return self._client(peer, message, tenants)

    def _observe(self, peer: NodePeer, frame: Frame, client: NodeClient) -> None:
        """Past the writer, which may be what is to be asked about."""
        self._enter(peer, client)
        client.rights = OBSERVERS
        if not frame.flags & Flag.NO_REPLY:
            ack = EventAck(server=self._state.facts())
            peer.send(encode(ack, reference=frame.reference))

    def _client(
        self, peer: NodePeer, message: RequestRegisterClient, tenants: frozenset[int]
    ) -> NodeClient:
        sender = Sender(
            session=message.session or self._state.new_session(),
            client_name=message.client_name,
            client_type=message.client_type,
            tenants=tenants or self._state.tenants,
            through_proxy=peer.proxy or message.client_type == ClientType.PROXY,
            wants_properties_changed=message.extension.get(WANTS_CHANGES) not in (None, 0, "0", ""),
        )
        if not peer.proxy:
            peer.max_frame = message.max_frame
        if not sender.through_proxy:
            # Only proxies say which proxies there are on the way.
            message = replace(message, path=[], moves=[])
        return NodeClient(
            peer,
            peer.last_number + 1 if peer.proxy else 0,
            sender,
            message.incarnation,
            lasting=bool(message.session),
            all_tenants=not tenants,
            moves=message.moves,
            path=message.path,
            strategies=() if sender.through_proxy else strategies_of(message),
        )

    def _enter(self, peer: NodePeer, client: NodeClient) -> None:
        replaced = peer.clients.get(client.number)
        if replaced is not None:
            self._take_off(replaced)
            if self._state.sessions.unbind(replaced):
                self._lost(replaced)
        peer.clients[client.number] = client
        self._state.clients += 1
        self._state.by_type[client.sender.client_type] += 1
        # Numbers do not come again: answers to the last one's requests may be on their way.
        peer.last_number = max(peer.last_number, client.number)

    def registered(self, asking: RegistrationAsking, ack: EventAck) -> EventAck:
        """A registration is stored: the answer with all that belongs into it."""
        client = asking.client
        peer = client.peer
        if client.sender.client_type == ClientType.PROXY and peer.connection is not None:
            peer.proxy = True
            self._state.proxies[peer] = None
            peer.connection.output_limit = self._state.limits.max_client_output * PROXY_FACTOR
        return replace(ack, proxy_client_id=client.number, server=self._state.facts())

    def settled(self, asking: RegistrationAsking) -> None:
        """A registration was answered."""
        client = asking.client
        client.peer.registering -= 1
        client.answered()
        node_log.registered(client)
        connection = client.peer.connection
        if client.strategies and connection is not None and connection.exceeded:
            # It registered again on a connection that it does not read.
            self._state.writer.add(RouterReads(client.sender.session, False))
        if not client.number and client.peer.proxy and self._state.load:
            client.peer.send(self._state.load)

    def failed(self, asking: RegistrationAsking, refusal: RequestRefused) -> None:
        """A registration could not be stored."""
        client = asking.client
        peer = client.peer
        peer.registering -= 1
        self._take_off(client)
        if self._state.sessions.unbind(client):
            # Whom it superseded may have been connected.
            self._lost(client)
        self._state.refuse(asking, refusal.code, refusal.description)
        node_log.refused(str(client), refusal)
        if not client.number and peer.connection is not None:
            peer.connection.close(refusal.description)

    def unregister(self, peer: NodePeer, asking: Asking, message: RequestUnregisterClient) -> None:
        """A goodbye."""
        client = asking.client
        named = message.proxy_client_id
        if named and peer.proxy and not client.number:
            found = peer.clients.get(named)
            if found is None:
                self._state.refuse(asking, Code.NOT_REGISTERED)
                return
            client = found
        node_log.left(client)
        self._state.drop_pulls(client, Code.CANCELLED)
        self._take_off(client)
        if self._state.sessions.unbind(client):
            self._state.writer.add(Goodbye(client.sender.session, asking))
        elif client.observer:
            asking.settle()
            if not asking.silent:
                peer.send(encode(EventAck(), reference=asking.reference))
        else:
            self._state.refuse(asking, Code.SUPERSEDED)
        if not client.number:
            name = client.sender.client_name if peer.proxy else ""
            peer.proxy = False
            self._state.proxies.pop(peer, None)
            self._lose_together(peer, list(peer.clients.values()), name)

    def clients_gone(self, peer: NodePeer, asking: Asking, message: RequestClientsGone) -> None:
        """Clients of a proxy lost their connections together."""
        numbers = [number for number in dict.fromkeys(message.clients) if number]
        gone = [peer.clients[number] for number in numbers if number in peer.clients]
        node_log.lost(gone)
        sessions = self._take_all_off(gone, message.application_name)
        self._state.writer.add(ClientsLost(sessions, message.application_name, asking))

    def peer_lost(self, peer: NodePeer) -> None:
        """A connection broke, with all clients on it: a proxy's clients are lost together."""
        self._state.proxies.pop(peer, None)
        peer.connection = None
        self._parts.forget(peer)
        clients = list(peer.clients.values())
        node_log.lost(clients)
        own = peer.clients.get(0)
        name = own.sender.client_name if own is not None and peer.proxy else ""
        self._lose_together(peer, clients, name)

    def _lose_together(self, peer: NodePeer, clients: Sequence[NodeClient], name: str) -> None:
        """:param name: of the proxy that they came through, if any."""
        if peer.proxy or name:
            sessions = self._take_all_off(clients, name)
            if sessions:
                self._state.writer.add(ClientsLost(sessions, name))
            return
        for client in clients:
            self._leave(client)

    def _take_all_off(self, clients: Sequence[NodeClient], name: str) -> tuple[bytes, ...]:
        """
        Clients are gone without a goodbye; those that cannot come back are told of at once.

        :return: the sessions of the others, which are lost.
        """
        sessions: list[bytes] = []
        for client in clients:
            if not client.lasting:
                self._leave(client, name)
                continue
            self._state.drop_pulls(client, Code.CANCELLED)
            self._take_off(client)
            if self._state.sessions.unbind(client):
                sessions.append(client.sender.session)
        return tuple(sessions)

    def expel(self, client: NodeClient) -> None:
        """Take an invalid client of a proxy off."""
        self._leave(client)

    def _leave(self, client: NodeClient, application_name: str = "") -> None:
        """A client is gone without a goodbye; what was lost is by default the client alone."""
        self._state.drop_pulls(client, Code.CANCELLED)
        self._take_off(client)
        if self._state.sessions.unbind(client):
            self._lost(client, application_name)

    def _lost(self, client: NodeClient, application_name: str = "") -> None:
        name = application_name or client.sender.client_name
        self._state.writer.add(ConnectionLost(client.sender.session, client.lasting, name))

    def _take_off(self, client: NodeClient) -> None:
        """Frames that name the client's number are no longer its own."""
        clients = client.peer.clients
        if clients.get(client.number) is client:
            del clients[client.number]
            self._state.clients -= 1
            self._state.by_type[client.sender.client_type] -= 1
            self._state.client_off(client)

    def _refuse(
        self, peer: NodePeer, frame: Frame, refusal: RequestRefused | RemoteProtocolError
    ) -> None:
        self._state.counters["registrations refused"] += 1
        if not frame.flags & Flag.NO_REPLY:
            peer.send(
                error_frame(
                    refusal.code,
                    refusal.description,
                    client=frame.client,
                    reference=frame.reference,
                )
            )
        if not peer.proxy and peer.connection is not None:
            peer.connection.close(f"registration refused: {refusal.description}")


def strategies_of(message: RequestRegisterClient) -> tuple[str, ...]:
    """
    What a router says that it has loaded; of others it does not count.

    :raise RequestRefused: it is no list of names.
    """
    listed = message.extension.get(STRATEGIES)
    if listed is None or message.client_type != ClientType.ROUTING_ENGINE:
        return ()
    if not isinstance(listed, list) or not all(
        isinstance(name, str) and 0 < len(name) <= MAX_NAME for name in listed
    ):
        raise RequestRefused(
            Code.BAD_ATTRIBUTE,
            f"{STRATEGIES}: expected a list of names of at most {MAX_NAME} characters",
        )
    if len(listed) > MAX_STRATEGIES:
        raise RequestRefused(
            Code.BAD_ATTRIBUTE, f"{STRATEGIES}: {len(listed)} names, {MAX_STRATEGIES} are allowed"
        )
    return tuple(dict.fromkeys(listed))
