"""
Registered clients of each peer, their numbers on each node, and what they hold.

What a restart loses, and who restores it: all of it. Clients connect to
another proxy, or to this one again, register with their session and say what
they hold; nodes still know their parties.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from ixproxy.core.destinations import Destination, Outputs
from ixproxy.errors import Code
from ixproxy.messages import RequestRegisterClient
from ixproxy.values import ClientType, NodeName, through
from ixproxy.wire.permits import ANYTHING, Permit
from ixproxy.wire.prefix import Frame

FAN_OUT_WEIGHT = 16
"""Requests to one node that a fan-out, which all nodes answer, counts as besides."""
_NOT_ITS_OWN = frozenset((Code.NOT_A_PARTY, Code.UNKNOWN_INTERACTION))


class Peer(Destination):
    """
    One client-side connection.

    A plain peer has one client, number 0. A peer of type Proxy is client 0
    itself and has any number of others.

    :ivar holding_parts: by reference, registrations whose last part has not come.
    :ivar holders: by interaction id, which clients behind this proxy hold it:
        mostly one. Of the peer itself it says nothing.
    :ivar permit: what the peer may be, by what it has shown of itself.
    :ivar entering: the registration of a user who is being logged in.
    :ivar reporting: it has a reporting stream.
    :ivar told_at: when it was told the states of all agents last.
    """

    __slots__ = (
        "clients",
        "entering",
        "holders",
        "holding_parts",
        "id",
        "last_number",
        "max_frame",
        "permit",
        "reporting",
        "told_at",
    )

    def __init__(self, identifier: int, outputs: Outputs, permit: Permit = ANYTHING) -> None:
        super().__init__(outputs)
        self.id = identifier
        self.permit = permit
        self.entering: tuple[Frame, RequestRegisterClient] | None = None
        self.clients: dict[int, Client] = {}
        self.last_number = 0
        self.max_frame = 1 << 20
        self.reporting = False
        self.told_at = float("-inf")
        self.holding_parts: dict[int, RequestRegisterClient] = {}
        self.holders: dict[str, tuple[Client, ...]] = {}

    def holds(self, client: Client, interaction_id: str) -> None:
        """A client behind this proxy has an interaction; harmless when it had it."""
        holders = self.holders.get(interaction_id, ())
        if client not in holders:
            self.holders[interaction_id] = (*holders, client)

    def holds_no_more(self, client: Client, interaction_id: str) -> None:
        """It does not have it any more; harmless when it never had."""
        left = tuple(each for each in self.holders.get(interaction_id, ()) if each is not client)
        if left:
            self.holders[interaction_id] = left
        else:
            self.holders.pop(interaction_id, None)


class Client:
    """
    One registered identity on a peer.

    :ivar number: its ProxyClientId on the peer; 0: the peer itself.
    :ivar generation: which registration of its session it is; greater is newer.
    :ivar numbers: its ProxyClientId on each node where it is registered.
    :ivar holding: interaction id to (take number, node or None if unknown).
    :ivar doubtful: ids that it holds, though it may have given them back.
    :ivar agent_sessions: stamps of those that it is in; None: it never said.
    :ivar inflight: its reference to the request in flight: what is needed to
        cancel it.
    :ivar patient: references of those that wait for people or for work by design.
    :ivar fan_outs: how many of them are fan-outs.
    :ivar gone: its connection is lost, or a newer registration replaced it.
    :ivar said_goodbye: it unregistered.
    :ivar gone_with: whose connection broke, by name, and took it along; empty: none did.
    :ivar observer: it only asks how the proxy is; no node knows it.
    """

    __slots__ = (
        "agent_sessions",
        "allowed",
        "doubtful",
        "fan_outs",
        "generation",
        "gone",
        "gone_with",
        "holding",
        "inflight",
        "name",
        "number",
        "numbers",
        "observer",
        "path",
        "patient",
        "peer",
        "registration",
        "said_goodbye",
        "session",
        "superseded",
        "tenants",
        "type",
    )

    def __init__(
        self, peer: Peer, number: int, registration: RequestRegisterClient, allowed: frozenset[int]
    ) -> None:
        self.peer = peer
        self.number = number
        self.registration = _kept(registration)
        self.name = registration.client_name
        self.type = ClientType(registration.client_type)
        self.tenants = frozenset(registration.tenants)
        self.session = registration.session
        self.generation = registration.generation
        self.path = tuple(registration.path)
        self.allowed = allowed
        self.numbers: dict[NodeName, int] = {}
        self.holding: dict[str, tuple[int, NodeName | None]] = {
            identifier: (take, None) for identifier, take in registration.holding.items()
        }
        self.doubtful: frozenset[str] = frozenset()
        said = registration.agent_sessions
        self.agent_sessions = None if said is None else {(each[0], each[1]) for each in said}
        self.inflight: dict[int, Any] = {}
        self.patient: dict[int, None] = {}
        self.fan_outs = 0
        self.gone = False
        self.gone_with = ""
        self.said_goodbye = False
        self.observer = False
        self.superseded = False

    def __str__(self) -> str:
        return through(self.name, self.path)

    @property
    def behind_proxy(self) -> bool:
        """Whether its peer is a proxy, and not the client itself."""
        return self.number != 0

    @property
    def on_the_way(self) -> int:
        """What is on its way to nodes, or being worked on there, in requests to one node."""
        return len(self.inflight) - len(self.patient) + FAN_OUT_WEIGHT * self.fan_outs

    def settled(self, reference: int) -> None:
        """A request got its one answer; harmless when it had."""
        self.inflight.pop(reference, None)
        self.patient.pop(reference, None)

    def may_use(self, tenant: int) -> bool:
        """Whether the client works for `tenant`; no tenants named: for all."""
        return not self.tenants or tenant in self.tenants

    def took(self, interaction_id: str, take_number: int, node: NodeName) -> None:
        """An answer handed it an interaction."""
        self.holding[interaction_id] = (take_number, node)
        self.doubtful -= {interaction_id}
        if self.behind_proxy and self.peer.clients.get(self.number) is self:
            self.peer.holds(self, interaction_id)

    def entered(self, stamp: tuple[int, int]) -> None:
        """It is in an agent session."""
        if self.agent_sessions is not None:
            self.agent_sessions.add(stamp)

    def left(self, stamp: tuple[int, int]) -> None:
        """It is in an agent session no more; harmless when it never was."""
        if self.agent_sessions is not None:
            self.agent_sessions.discard(stamp)

    def gave_back(self, interaction_id: str) -> None:
        """It no longer has the interaction; harmless when it never had."""
        self.doubtful -= {interaction_id}
        if self.holding.pop(interaction_id, None) is not None and self.behind_proxy:
            self.peer.holds_no_more(self, interaction_id)

    def refused(self, interaction_id: str, code: int, *, doubtful: bool) -> None:
        """
        A request about one interaction was refused. Where it may have given that back, the next
        refusal that says so is believed, as in the client itself.

        :param doubtful: it would have given it back, and may have.
        """
        if interaction_id not in self.holding:
            return
        if doubtful:
            self.doubtful |= {interaction_id}
        elif code in _NOT_ITS_OWN and interaction_id in self.doubtful:
            self.gave_back(interaction_id)


def _kept(registration: RequestRegisterClient) -> RequestRegisterClient:
    """Without the lists, which are followed apart, and the password, which did its service."""
    if registration.credentials is None and not (
        registration.holding or registration.agent_sessions
    ):
        return registration
    return replace(registration, holding={}, agent_sessions=None, credentials=None)


class Clients:
    """All peers and their clients, and the newest client of each session."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self.peers: dict[int, Peer] = {}
        self.by_session: dict[bytes, Client] = {}
        self.by_type: Counter[ClientType] = Counter()
        """How many there are of each type."""
        self.listed: dict[Peer, int] = {}
        """Ids in registrations whose last part has not come, by peer."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Client]:
        for peer in self.peers.values():
            yield from peer.clients.values()

    def newest(self, session: bytes) -> Client | None:
        """The client that a session is on."""
        return self.by_session.get(session) if session else None

    def connect(self, identifier: int, permit: Permit = ANYTHING) -> Peer:
        """A connection was accepted."""
        peer = self.peers[identifier] = Peer(identifier, self._outputs, permit)
        return peer

    def add(self, client: Client) -> None:
        """Register a client; its session is on it from now on."""
        client.peer.clients[client.number] = client
        if client.behind_proxy:
            for interaction_id in client.holding:
                client.peer.holds(client, interaction_id)
        self._count += 1
        self.by_type[client.type] += 1
        if client.session:
            self.by_session[client.session] = client

    def remove(self, client: Client) -> None:
        """The client is no longer registered; harmless when it was not."""
        if client.peer.clients.get(client.number) is client:
            del client.peer.clients[client.number]
            for interaction_id in client.holding:
                client.peer.holds_no_more(client, interaction_id)
            self._count -= 1
            self.by_type[client.type] -= 1
        client.gone = True
        if self.by_session.get(client.session) is client:
            del self.by_session[client.session]

    def disconnect(self, identifier: int) -> list[Client]:
        """A connection was lost: the clients that were on it, for `remove`."""
        peer = self.peers.pop(identifier, None)
        if peer is None:
            return []
        self.listed.pop(peer, None)
        return list(peer.clients.values())
