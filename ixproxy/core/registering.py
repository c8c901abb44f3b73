"""
Clients become known on all nodes, and nodes become known with all clients.

A client is registered on every node that speaks before it is answered, so
its first request finds itself known wherever it goes. What it held comes back
as the union of what the nodes say it really has. A listed holding that no
node confirms is revoked: by the answer if every node of the deployment
answered, else after `node-loss-grace`. A node that answers too late is used from
then on (`retelling` tells it what the client has done meanwhile). One that could
not do it, for its store refused or it was busy, is as one that is away, and told
again (`registering_later`); any other refusal is the answer.

What a restart loses, and who restores it: registrations under way; their
clients register again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ixproxy.core.attributes import is_interaction_id
from ixproxy.core.clients import Client
from ixproxy.core.link_states import Step
from ixproxy.core.links import Link
from ixproxy.core.pairs import Event
from ixproxy.core.pending import Pending
from ixproxy.core.revoking import revoke_denied
from ixproxy.core.state import UNHEARD, ProxyState, decode_body
from ixproxy.effects import ClosePeer
from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestClientsGone,
    RequestRegisterClient,
    RequestUnregisterClient,
    ServerFacts,
)
from ixproxy.messages.message import Message
from ixproxy.messages.registration import MAX_AGENT_SESSIONS
from ixproxy.values import ClientType
from ixproxy.wire.codec import encode
from ixproxy.wire.names import BY_MESSAGE
from ixproxy.wire.parts import encode_parts
from ixproxy.wire.prefix import MAX_STRING, VERSION, Frame, readdress

LAST_NUMBER = (1 << 32) - 1
_REGISTER = BY_MESSAGE[RequestRegisterClient].code
_COULD_NOT = frozenset((Code.BUSY, Code.STOPPING, Code.STORE_FAILED, Code.STORE_UNCERTAIN))
_COULD_NOT_LATE = _COULD_NOT | {Code.CANCELLED, Code.EXPIRED}


def register_on(state: ProxyState, client: Client, link: Link, registering: Registering) -> None:
    """
    Send one client's registration to one node, in parts where it is long.

    :raise RequestRefused: it is too long for the node even so.
    """
    registration = client.registration
    message = RequestRegisterClient(
        client_name=registration.client_name,
        client_type=registration.client_type,
        session=client.session,
        incarnation=registration.incarnation,
        path=[*client.path, state.settings.name],
        moves=[*registration.moves, link.moves],
        tenants=sorted(client.tenants),
        agent_sessions=_listed(client),
        holding={identifier: take for identifier, (take, _) in client.holding.items()},
        snapshots=state.snapshots.listed(client, link.name),
        extension=registration.extension,
    )
    parts = encode_parts(state.marked(message, "register"), link.max_frame)
    due = state.now + state.settings.request_timeout
    reference = link.pending.add(Pending(None, 0, _REGISTER, "", due, registering))
    for raw in parts:
        link.send(readdress(raw, 0, reference))


def _listed(client: Client) -> list[tuple[int, int]] | None:
    stamps = client.agent_sessions
    return None if stamps is None or len(stamps) > MAX_AGENT_SESSIONS else sorted(stamps)


def server_facts(state: ProxyState) -> ServerFacts:
    """What the proxy says of itself to whoever registers."""
    tenants: set[int] = set()
    path = [state.settings.name]
    for link in state.links.values():
        tenants |= link.facts.tenants
        if link.facts.is_proxy:
            path += link.server.path
    return ServerFacts(
        name=state.settings.name,
        role="proxy",
        version=VERSION,
        tenants=sorted(tenants),
        max_frame=state.settings.max_frame,
        path=path,
    )


class Registering:
    """One client being registered: on all nodes, or on one that came back."""

    def __init__(
        self,
        state: ProxyState,
        client: Client,
        done: Callable[[Registering], None],
        reference: int | None = None,
    ) -> None:
        self._state = state
        self.client = client
        self.reference = reference
        """What the client is answered under; None: it is not answered."""
        self._done = done
        self._awaited: set[str] = set()
        self.held: dict[str, int] = {}
        self.refusal: EventError | None = None
        self.whole = True
        """Every node of the deployment answered."""
        self.could_not: list[Link] = []
        """Those that may be able to later."""

    def start(self, links: list[Link]) -> None:
        """Register on each of `links` that speaks."""
        for link in links:
            if not link.speaks:
                self.whole = False
                continue
            try:
                register_on(self._state, self.client, link, self)
            except RequestRefused as refusal:
                text = refusal.description
                self._refused(EventError(error_code=refusal.code, error_description=text))
            else:
                self._awaited.add(link.name)
        self._finish()

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node knows the client, or refuses it."""
        answer = decode_body(frame, body)
        if link.name not in self._awaited:
            self._late(link, answer)
            return
        if isinstance(answer, EventError) and answer.error_code in _COULD_NOT:
            self.whole = False
            self.could_not.append(link)
        elif isinstance(answer, EventError):
            self._refused(answer)
        elif isinstance(answer, EventAck):
            self._known(link, answer)
        self._awaited.discard(link.name)
        self._finish()

    def _late(self, link: Link, answer: Message) -> None:
        """A node answers that was not waited for any longer: it is used from now on, if it can."""
        if isinstance(answer, EventError):
            if answer.error_code not in _COULD_NOT_LATE or self.client.gone:
                note_refusal(self._state, link, self.client, answer, "late")
                return
            for tell in self._state.when_refused_late:
                tell(link, self.client)
        elif isinstance(answer, EventAck):
            self._known(link, answer)
            if not self.client.gone:
                for tell in self._state.when_known_late:
                    tell(link, self.client)

    def _refused(self, refusal: EventError) -> None:
        self.refusal = self.refusal or refusal
        self.whole = False

    def _known(self, link: Link, answer: EventAck) -> None:
        client, number = self.client, answer.proxy_client_id
        if not 0 < number <= LAST_NUMBER or number in link.clients:
            raise RemoteProtocolError(
                Code.BAD_ATTRIBUTE, f"ProxyClientId is {number}, which cannot be a new client's"
            )
        if not all(map(is_interaction_id, answer.held)):
            raise RemoteProtocolError(
                Code.BAD_ATTRIBUTE, f"Held: an id takes 1 to {MAX_STRING} bytes"
            )
        if client.gone:
            name = client.gone_with or client.name
            unregister_on(self._state, link, number, goodbye=client.said_goodbye, name=name)
            return
        client.numbers[link.name] = number
        link.clients[number] = client
        for tell in self._state.when_registered:
            tell(link, client, answer)
        for identifier, take in answer.held.items():
            self._state.owners.learn(identifier.encode(), link.name)
            if identifier in client.holding:
                self.held[identifier] = take
                client.took(identifier, take, link.name)
            else:
                # It was revoked while the node was asked, which knows nothing of that.
                tenant = min(client.tenants or link.facts.tenants, default=0)
                self._state.give_back(link, tenant, identifier, take)

    def lost(self, link: Link, pending: Pending) -> None:
        """One node does not answer in time, or not before it joins again."""
        self._awaited.discard(link.name)
        self.whole = False
        self._finish()

    def _finish(self) -> None:
        if not self._awaited:
            self._done(self)


def unregister_on(state: ProxyState, link: Link, number: int, *, goodbye: bool, name: str) -> None:
    """
    Take one client off a node.

    :param name: what the application is called.
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
        message = state.marked(RequestUnregisterClient(proxy_client_id=number), "unregister")
        link.send(encode(message, client=number, reference=reference))
    else:
        gone = RequestClientsGone(clients=[number], application_name=name)
        state.ask(link, gone, None, why="clients-gone")


def leave(state: ProxyState, client: Client, *, goodbye: bool) -> None:
    """Take a client off all nodes; off one where it waits for a snapshot, when that is taken."""
    for node, number in list(client.numbers.items()):
        link = state.links.get(node)
        if link is not None and not goodbye and state.snapshots.waits_to_leave(client, node):
            continue
        del client.numbers[node]
        if link is not None:
            unregister_on(state, link, number, goodbye=goodbye, name=client.name)


class Joining:
    """
    A node that came (back): every client first, then every agent session.

    Nothing is waited for but the node: so many registrations are on their way
    at a time that it always has some to do, and so few that a turn of the
    reactor, here and there, is short for everybody else.
    """

    def __init__(
        self,
        state: ProxyState,
        link: Link,
        replay: Callable[[Link], None],
        later: Callable[[Registering], None],
    ) -> None:
        self._state = state
        self._link = link
        self._replay = replay
        self._later = later
        self._left: deque[Client] = deque()
        self._awaited = 0
        self._going = False

    def start(self) -> None:
        """Register all clients."""
        link = self._link
        self._left.extend(
            client for client in self._state.clients if not is_local(client) and not client.gone
        )
        link.joining = len(self._left) + 1
        self._go_on()
        self._one_done()

    def _go_on(self) -> None:
        if self._going:
            # One that is refused at once, further up.
            return
        self._going = True
        window = self._state.settings.register_window
        while self._left and self._awaited < window and self._link.speaks:
            client = self._left.popleft()
            if client.gone or self._link.name in client.numbers:
                self._one_done()
            else:
                self._awaited += 1
                Registering(self._state, client, self._registered).start([self._link])
        self._going = False

    def _registered(self, registering: Registering) -> None:
        client = registering.client
        self._later(registering)
        if registering.refusal is not None and not client.gone:
            note_refusal(self._state, self._link, client, registering.refusal)
            if self._link.facts.is_proxy and not client.behind_proxy:
                # There is no other way to the nodes: it must come again, perhaps elsewhere.
                reason = registering.refusal.error_description
                self._state.effects.append(ClosePeer(client.peer.id, reason))
        elif self._link.name in client.numbers:
            revoke_denied(self._state, client, self._link, registering.held)
        self._awaited -= 1
        self._one_done()
        self._go_on()

    def _one_done(self) -> None:
        link = self._link
        link.joining -= 1
        if not link.joining and link.speaks:
            self._replay(link)


def note_refusal(
    state: ProxyState, link: Link, client: Client, refusal: EventError, how: str = ""
) -> None:
    """A node refused a client that is registered here."""
    state.note(
        "warn",
        "{link} refused client {client}" + (how and f", {how}") + ": {code} {text}",
        link=str(link),
        client=str(client),
        code=refusal.error_code,
        text=refusal.error_description,
    )


def is_proxy(client: Client) -> bool:
    """Whether the client is a downstream proxy itself, not one of its clients."""
    return client.type is ClientType.PROXY


def is_local(client: Client) -> bool:
    """Whether no node is to know the client."""
    return client.observer or is_proxy(client)


def joined(state: ProxyState, link: Link) -> None:
    """All is known on the node: offer it for work."""
    if link.speaks and not link.linked:
        link.pair.happened(link.state, Event.JOINED)
        link.step(Step.JOINED)
        link.lost_at = None
        link.since = state.now
        state.loads_changed = True
        state.note("info", "{link} is linked", link=str(link))
        for tell in state.when_linked:
            tell(link)
