"""
Clients become known on all nodes, and nodes become known with all clients.

A client is registered on every node that speaks before it is answered, so
its first request finds itself known wherever it goes. What it held comes back
as the union of what the nodes say it really has. A listed holding that no
node confirms is revoked: by the answer if every node of the deployment
answered, else after `node-loss-grace`.
"""

from __future__ import annotations

from collections.abc import Callable

from ixproxy.core.clients import Client
from ixproxy.core.links import Link, Step
from ixproxy.core.pending import Pending
from ixproxy.core.state import UNHEARD, ProxyState, decode_body
from ixproxy.effects import ClosePeer
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestClientsGone,
    RequestRegisterClient,
    RequestUnregisterClient,
    ServerFacts,
)
from ixproxy.values import ClientType
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.names import BY_MESSAGE, Kind
from ixproxy.wire.parts import encode_parts
from ixproxy.wire.prefix import VERSION, Frame

_REGISTER = BY_MESSAGE[RequestRegisterClient].code


def register_on(state: ProxyState, client: Client, link: Link, registering: Registering) -> None:
    """Send one client's registration to one node, in parts where it is long."""
    registration = client.registration
    message = RequestRegisterClient(
        client_name=registration.client_name,
        client_type=registration.client_type,
        credentials=registration.credentials,
        session=client.session,
        incarnation=client.incarnation,
        path=[*client.path, state.settings.name],
        tenants=sorted(client.tenants),
        holding={identifier: take for identifier, (take, _) in client.holding.items()},
        extension=registration.extension,
    )
    due = state.now + state.settings.request_timeout
    reference = link.pending.add(Pending(None, 0, _REGISTER, "", due, registering))
    for raw in encode_parts(message, link.max_frame, reference=reference):
        link.send(raw)


def server_facts(state: ProxyState) -> ServerFacts:
    """What the proxy says of itself to whoever registers."""
    tenants: set[int] = set()
    for link in state.links.values():
        tenants |= link.facts.tenants
    return ServerFacts(
        name=state.settings.name,
        role="proxy",
        version=VERSION,
        tenants=sorted(tenants),
        max_frame=state.settings.max_frame,
        path=[state.settings.name],
    )


class Registering:
    """One client being registered: on all nodes, or on one that came back."""

    def __init__(
        self,
        state: ProxyState,
        client: Client,
        done: Callable[[Registering], None],
        reference: int = 0,
    ) -> None:
        self._state = state
        self.client = client
        self.reference = reference
        self._done = done
        self._awaited: set[str] = set()
        self.held: dict[str, int] = {}
        self.refusal: EventError | None = None
        self.whole = True
        """Every node of the deployment answered."""

    def start(self, links: list[Link]) -> None:
        """Register on each of `links` that speaks."""
        for link in links:
            if link.speaks:
                self._awaited.add(link.name)
                register_on(self._state, self.client, link, self)
            else:
                self.whole = False
        self._finish()

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node knows the client, or refuses it."""
        self._awaited.discard(link.name)
        answer = decode_body(frame, body)
        client = self.client
        if frame.kind == Kind.ERROR:
            assert isinstance(answer, EventError)
            self.refusal = self.refusal or answer
            self.whole = False
        elif isinstance(answer, EventAck):
            if client.gone:
                unregister_on(self._state, link, answer.proxy_client_id, goodbye=False)
            else:
                client.numbers[link.name] = answer.proxy_client_id
                link.clients[answer.proxy_client_id] = client
                for identifier, take in answer.held.items():
                    self.held[identifier] = take
                    if identifier in client.holding:
                        client.took(identifier, take, link.name)
                    self._state.owners.learn(identifier.encode(), link.name)
        self._finish()

    def lost(self, link: Link, pending: Pending) -> None:
        """One node will not answer; it gets the client when it joins again."""
        self._awaited.discard(link.name)
        self.whole = False
        self._finish()

    def _finish(self) -> None:
        if not self._awaited:
            self._done(self)


def unregister_on(state: ProxyState, link: Link, number: int, *, goodbye: bool) -> None:
    """
    Take one client off a node.

    :param goodbye: what it holds goes back at once; otherwise its session
        waits for it to come back.
    """
    link.clients.pop(number, None)
    if not link.speaks:
        return
    if goodbye:
        due = state.now + state.settings.request_timeout
        row = BY_MESSAGE[RequestUnregisterClient]
        reference = link.pending.add(Pending(None, 0, row.code, "", due, UNHEARD))
        message = RequestUnregisterClient(proxy_client_id=number)
        link.send(encode(message, client=number, reference=reference))
    else:
        state.ask(link, RequestClientsGone(clients=[number]), None, why="clients-gone")


def leave(state: ProxyState, client: Client, *, goodbye: bool) -> None:
    """Take a client off all nodes."""
    for node, number in list(client.numbers.items()):
        link = state.links.get(node)
        if link is not None:
            unregister_on(state, link, number, goodbye=goodbye)
    client.numbers.clear()


def answer_registration(state: ProxyState, registering: Registering) -> None:
    """Tell a client that it is registered, or why not."""
    client = registering.client
    if client.gone:
        return
    if registering.refusal is not None:
        refusal = registering.refusal
        raw = error_frame(refusal.error_code, refusal.error_description)
        state.answer_raw(client, registering.reference, raw)
        leave(state, client, goodbye=False)
        state.clients.remove(client)
        if not client.number:
            state.effects.append(ClosePeer(client.peer.id, refusal.error_description))
        return
    if registering.whole:
        for identifier in [key for key in client.holding if key not in registering.held]:
            client.gave_back(identifier)
    answer = EventAck(
        proxy_client_id=client.number,
        server=server_facts(state),
        held=registering.held,
    )
    for raw in encode_parts(answer, client.peer.max_frame):
        state.answer_raw(client, registering.reference, raw)


class Joining:
    """A node that came (back): every client first, then every agent session."""

    def __init__(self, state: ProxyState, link: Link, replay: Callable[[Link], None]) -> None:
        self._state = state
        self._link = link
        self._replay = replay
        self._epoch = link.server.epoch

    def start(self) -> None:
        """Register all clients, unpaced."""
        link = self._link
        clients = [
            client for client in self._state.clients if not is_proxy(client) and not client.gone
        ]
        link.joining = len(clients) + 1
        for client in clients:
            Registering(self._state, client, self._registered).start([link])
        self._one_done()

    def _registered(self, registering: Registering) -> None:
        client = registering.client
        if registering.refusal is not None and not client.gone:
            self._state.note(
                "warn",
                "Node {node} refused client {client}: {code} {text}",
                node=self._link.name,
                client=client.name,
                code=registering.refusal.error_code,
                text=registering.refusal.error_description,
            )
        self._one_done()

    def _one_done(self) -> None:
        link = self._link
        link.joining -= 1
        if not link.joining and link.speaks:
            self._replay(link)


def is_proxy(client: Client) -> bool:
    """Whether the client is a downstream proxy itself, not one of its clients."""
    return client.type is ClientType.PROXY


def joined(state: ProxyState, link: Link) -> None:
    """All is known on the node: offer it for work."""
    if link.speaks and not link.linked:
        link.step(Step.JOINED)
        link.lost_at = None
        state.note("info", "Node {node} is linked", node=link.name)
