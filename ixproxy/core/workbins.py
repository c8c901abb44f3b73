"""
Workbins through a proxy: listened to once on every node, told to all who wish.

Theory of operation: the first client that listens to a workbin has the proxy
listen to it, in its own name (client 0), on every linked node of the tenant. All
must agree: a refusal is the answer, and is taken back from those that agreed. Who
comes later is answered here, if nodes tell enough already, and the last one that
leaves ends it. What a client asks about one workbin while an answer of nodes is
awaited waits for its turn. A node's event is for nobody but the proxy, which
hands it on as the same bytes to all whose wishes it meets. A proxy behind this
one is a listener like any other.

A node that returns is told before it is offered for work (`replaying`). One that
could not be told, for it was full, or silent, is told at the next tick. A node
that refuses what others have taken stays without it.

What a restart loses, and who restores it: see `workbin_listeners`; who waits fails
its request as in doubt when its connection breaks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.core.unanswered import could_not
from ixproxy.core.workbin_listeners import Key, Listened, Telling, WorkbinListeners
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventWorkbinContentChanged,
    RequestWorkbinCancelNotifications,
    RequestWorkbinNotifications,
)
from ixproxy.values import ClientType, NodeName
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import BY_MESSAGE, Kind
from ixproxy.wire.prefix import Frame, readdress
from ixproxy.wire.shortening import shortened
from ixproxy.wire.workbins import PLACED_IN, Wishes, wishes_of

CODES = frozenset(
    BY_MESSAGE[message].code
    for message in (RequestWorkbinNotifications, RequestWorkbinCancelNotifications)
)
"""The requests that are for here."""
MOST_WAITING = 10_000
"""Requests about one workbin that wait for the answer to another one."""
_WHY = "workbin"


class Workbins:
    """
    Who listens to workbins through one proxy.

    :ivar listeners: the tables.
    """

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self.listeners = WorkbinListeners()
        self._waiting: dict[Key, deque[tuple[Asked, Telling]]] = {}
        """Behind a change under way, where there is one."""
        self._behind: dict[Key, None] = {}
        """Workbins of which some node may not know what is wanted."""
        state.when_linked.append(self.node_linked)

    def start(self, asked: Asked) -> None:
        """A client wants to listen to a workbin, or to do so no more."""
        request = decode(asked.frame)
        assert isinstance(request, Telling)
        key = Key(request.tenant_id, request.workbin)
        waiting = self._waiting.get(key)
        if waiting is None:
            self._do(key, asked, request)
        elif len(waiting) < MOST_WAITING:
            waiting.append((asked, request))
        else:
            self._state.refuse(asked, Code.BUSY, "too many clients ask about this workbin")

    def _do(self, key: Key, asked: Asked, request: Telling) -> None:
        client = asked.client
        known = self.listeners.get(key)
        if isinstance(request, RequestWorkbinNotifications):
            if self.listeners.has_room(client, key):
                _Beginning(self, self._state, asked, key, wishes_of(request)).start()
            else:
                self._state.refuse(
                    asked, Code.LIMIT_REACHED, "the client listens to too many workbins"
                )
        elif known is not None and client in known:
            self.listeners.take(client, key)
            self._state.answer_message(asked, EventAck())
            self.bring_up_to_date(known)
        elif client.type is ClientType.PROXY:
            self._state.refuse(asked, Code.NOT_SUBSCRIBED)
        else:
            self._have_refused(asked)

    def _have_refused(self, asked: Asked) -> None:
        """A node knows what is wrong with the end of what was never begun."""
        code = int(Code.NOT_ACCESSIBLE)
        for link in self._state.links_of(asked.frame.tenant):
            code = self._state.no_way_to(link, asked.client)
            if not code:
                self._state.forward(link, asked)
                return
        self._state.refuse(asked, code)

    def wait(self, key: Key) -> None:
        """A change of a workbin is under way: what comes now waits."""
        self._waiting[key] = deque()

    def go_on(self, key: Key) -> None:
        """It is over: tell nodes what follows, and do what waited."""
        waiting = self._waiting.pop(key)
        self.bring_up_to_date(self.listeners.at(key))
        while waiting:
            asked, request = waiting.popleft()
            if asked.client.gone:
                continue
            if asked.cancelled or asked.due <= self._state.now:
                self._state.refuse(asked, Code.CANCELLED if asked.cancelled else Code.EXPIRED)
                continue
            self._do(key, asked, request)
            if key in self._waiting:
                self._waiting[key] = waiting
                return

    def bring_up_to_date(self, listened: Listened) -> None:
        """Tell every linked node what it does not know yet."""
        for link in self._state.links_of(listened.key.tenant):
            if link.linked:
                self._tell(link, listened)
        self.listeners.tidy(listened)

    def _tell(self, link: Link, listened: Listened) -> None:
        if self._state.no_way_to(link, None):
            self._behind[listened.key] = None
            return
        request = listened.tell(link.name)
        if request is not None:
            self._state.ask(link, request, _Told(self, self._state, request), why=_WHY)

    def replay(self, link: Link) -> Iterator[Telling]:
        """What a node that comes back is to be told, and was not told yet."""
        for listened in self.listeners:
            if listened.key.tenant in link.facts.tenants:
                request = listened.tell(link.name)
                if request is not None:
                    yield request

    def not_told(self, node: NodeName, request: Telling) -> None:
        """It is not known whether a node knows what it was told: it is told again."""
        key = Key(request.tenant_id, request.workbin)
        self.listeners.at(key).told[node] = None
        self._behind[key] = None

    def refused(self, link: Link, request: Telling, code: int) -> None:
        """A node does not take what others have taken; what is over it may have known."""
        if isinstance(request, RequestWorkbinNotifications):
            self._state.note(
                "warn",
                "{link} does not tell of a workbin of type {type} any more: {code}",
                link=str(link),
                type=request.workbin.workbin_type_id,
                code=code,
            )

    def event_received(self, link: Link, frame: Frame) -> None:
        """
        Something happened in a workbin.

        :raise RemoteProtocolError: the event cannot be decoded.
        """
        state, event = self._state, decode(frame)
        assert isinstance(event, EventWorkbinContentChanged)
        operation = event.workbin_content_operation
        if operation == PLACED_IN and frame.interaction:
            # Whoever hears of it is likely to ask for it.
            state.owners.learn(frame.interaction.encode(), link.name)
        listened = None
        if event.workbin is not None:
            listened = self.listeners.get(Key(event.tenant_id, event.workbin))
        if listened is None:
            state.counters["events for nobody"] += 1
            return
        whole, short = frame.raw, b""
        for client, wishes in listened.items():
            if client.gone or not wishes.accept(operation):
                continue
            raw, longest = whole, client.peer.max_frame
            if len(raw) - 4 > longest:
                raw = short = short or encode(shortened(event))
            if len(raw) - 4 > longest:
                state.counters["events too long"] += 1
            elif client.number:
                client.peer.send(readdress(raw, client.number, 0))
            else:
                client.peer.send(raw)

    def client_gone(self, client: Client) -> None:
        """A client left: it listens to nothing any more."""
        for key in self.listeners.of(client):
            self.listeners.take(client, key)
            if key not in self._waiting:
                self.bring_up_to_date(self.listeners.at(key))

    def node_linked(self, link: Link) -> None:
        """A node is offered for work: what has changed since it was told is told."""
        for listened in self.listeners:
            if listened.key.tenant in link.facts.tenants and listened.key not in self._waiting:
                self._tell(link, listened)
                self.listeners.tidy(listened)

    def node_lost(self, node: NodeName) -> None:
        """A link is lost, and with it what the node was told."""
        for listened in self.listeners:
            if node in listened.told:
                del listened.told[node]
                self.listeners.tidy(listened)

    def deployment_changed(self) -> None:
        """Nodes may have other tenants."""
        for listened in self.listeners:
            self._behind[listened.key] = None

    def ticked(self) -> None:
        """Some time passed: tell nodes what they could not be told before."""
        behind, self._behind = self._behind, {}
        for key in behind:
            listened = self.listeners.get(key)
            if listened is None:
                continue
            if key in self._waiting:
                self._behind[key] = None
            else:
                self.bring_up_to_date(listened)


class _Beginning:
    """A client wants to listen: asked of all nodes that do not tell enough."""

    def __init__(
        self, workbins: Workbins, state: ProxyState, asked: Asked, key: Key, wishes: Wishes
    ) -> None:
        self._workbins = workbins
        self._state = state
        self._asked = asked
        self._key = key
        self._wishes = wishes
        self._awaited: set[NodeName] = set()
        self._accepted = False
        self._refusal: bytes | None = None

    def start(self) -> None:
        """Ask, or do without."""
        state, listened = self._state, self._workbins.listeners.at(self._key)
        links = [link for link in state.links_of(self._key.tenant) if link.linked]
        lacking = [link for link in links if not self._is_told(listened, link)]
        if not links:
            self._refuse(listened, Code.NOT_ACCESSIBLE)
        elif any(state.no_way_to(link, None) for link in lacking):
            self._refuse(listened, Code.BUSY)
        elif not lacking:
            self._begin()
            self._workbins.bring_up_to_date(listened)
        else:
            self._workbins.wait(self._key)
            listened.more = self._wishes
            for link in lacking:
                request = listened.tell(link.name)
                assert request is not None
                self._awaited.add(link.name)
                state.ask(link, request, self, why=_WHY, due=self._asked.due)

    def _is_told(self, listened: Listened, link: Link) -> bool:
        told = listened.told.get(link.name)
        return told is not None and told.covers(self._wishes)

    def _refuse(self, listened: Listened, code: int) -> None:
        self._state.refuse(self._asked, code)
        self._workbins.listeners.tidy(listened)

    def _begin(self) -> None:
        self._workbins.listeners.put(self._asked.client, self._key, self._wishes)
        self._state.answer_message(self._asked, EventAck())

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node tells from now on, or refuses."""
        if frame.kind == Kind.ERROR:
            # What cannot be read is this node's fault, and for no client.
            error_code(frame)
            self._refusal = self._refusal or frame.raw
            if could_not(frame):
                self._not_told(link)
            else:
                self._workbins.listeners.at(self._key).told.pop(link.name, None)
        else:
            self._accepted = True
        self._one_less(link)

    def lost(self, link: Link, pending: Pending) -> None:
        """One node went away, or is silent: it is told when it is back."""
        self._not_told(link)
        self._one_less(link)

    def _not_told(self, link: Link) -> None:
        if link.linked:
            message = RequestWorkbinNotifications(
                tenant_id=self._key.tenant, workbin=self._key.workbin
            )
            self._workbins.not_told(link.name, message)

    def _one_less(self, link: Link) -> None:
        self._awaited.discard(link.name)
        if self._awaited:
            return
        asked = self._asked
        self._workbins.listeners.at(self._key).more = None
        if not asked.client.gone:
            if self._refusal is not None:
                self._state.answer(asked, self._refusal)
            elif not self._accepted:
                self._state.refuse(asked, Code.LOST_CONNECTION)
            else:
                self._begin()
        self._workbins.go_on(self._key)


class _Told:
    """What a node is told for no client that waits."""

    def __init__(self, workbins: Workbins, state: ProxyState, request: Telling) -> None:
        self._workbins = workbins
        self._state = state
        self._request = request

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The node knows it, or could not hear it now, or does not want to."""
        if could_not(frame):
            self.lost(link, pending)
        elif frame.kind == Kind.ERROR:
            self._workbins.refused(link, self._request, error_code(frame))

    def lost(self, link: Link, pending: Pending) -> None:
        """It may know it, or not."""
        if link.linked:
            self._workbins.not_told(link.name, self._request)
