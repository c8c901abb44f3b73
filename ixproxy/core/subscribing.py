"""
Topics and calls to external servers: subscribed on every node; topics are published on one.

Theory of operation: a subscription is the client's on all linked nodes, so
whichever one publishes, or calls, knows everybody who listens. All must agree: what one
refuses is taken back on those that took it, as far as it was new. It is
remembered, and told to nodes that come back, for as long as the client's
connection lasts. To publish goes to one node, the same for a topic from all
proxies, which tells each listener once.

What a restart loses, and who restores it: see `standing`.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from ixproxy.core.agent_sessions import AgentSessions
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestNotify,
    RequestPublish,
    RequestStartExternalServiceReporting,
    RequestStopExternalServiceReporting,
    RequestSubscribe,
    RequestUnsubscribe,
)
from ixproxy.messages.message import Request
from ixproxy.values import rendezvous
from ixproxy.wire.codec import decode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame


def start_subscribing(state: ProxyState, sessions: AgentSessions, asked: Asked) -> None:
    """A request about topics, or about calls to external servers, came in."""
    request = decode(asked.frame)
    if isinstance(request, RequestPublish | RequestNotify):
        _publish(state, asked, f"{request.tenant_id}/{request.topic}")
        return
    assert isinstance(request, Request)
    if not sessions.standing.has_room(asked.client, request):
        state.refuse(asked, Code.LIMIT_REACHED, "the client is subscribed to too much")
    elif isinstance(request, RequestSubscribe | RequestUnsubscribe):
        _Topics(state, sessions, asked, request).start()
    else:
        assert isinstance(
            request, RequestStartExternalServiceReporting | RequestStopExternalServiceReporting
        )
        _Services(state, sessions, asked, request).start()


def _publish(state: ProxyState, asked: Asked, key: str) -> None:
    links = {link.name: link for link in state.links_of(asked.frame.tenant)}
    code = int(Code.NOT_ACCESSIBLE)
    for name in rendezvous(key, links):
        link = links[name]
        code = state.no_way_to(link, asked.client)
        if not code:
            state.forward(link, asked)
            return
        if code == Code.BUSY:
            break
    state.refuse(asked, code)


R = TypeVar("R", bound=Request)


class Subscribing(Generic[R]):
    """One subscription, or its end, on its way to all nodes."""

    def __init__(
        self, state: ProxyState, sessions: AgentSessions, asked: Asked, request: R
    ) -> None:
        self._state = state
        self._standing = sessions.standing
        self._asked = asked
        self._request = request
        self._awaited: set[str] = set()
        self._accepted: list[Link] = []
        self._refusal: bytes | None = None
        self._undoing = self._undo()

    def _links(self) -> list[Link]:
        """The nodes that it concerns, whatever the state of their links."""
        raise NotImplementedError

    def _remember(self) -> None:
        """It stands from now on, or does so no more."""
        raise NotImplementedError

    def _undo(self) -> Request | None:
        """What takes it back where it is new; None: nothing does."""
        raise NotImplementedError

    @property
    def _ends(self) -> bool:
        subscription = self._asked.row.subscription
        return subscription is not None and subscription.ends

    def start(self) -> None:
        """Ask every linked node of the tenant."""
        state, client = self._state, self._asked.client
        links = [
            link
            for link in self._links()
            if link.linked and link.name in client.numbers
        ]
        if not links:
            state.refuse(self._asked, Code.NOT_ACCESSIBLE)
        elif any(state.no_way_to(link, client) for link in links):
            state.refuse(self._asked, Code.BUSY)
        else:
            self._awaited = {link.name for link in links}
            for link in links:
                self._ask(link)

    def _ask(self, link: Link) -> None:
        client, due = self._asked.client, self._asked.due
        self._state.ask(link, self._request, self, why="subscribe", client=client, due=due)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node has done it, or refuses."""
        if frame.kind == Kind.ERROR:
            # What cannot be read is this node's fault, and for no client.
            error_code(frame)
            self._refusal = self._refusal or frame.raw
        else:
            self._accepted.append(link)
        self._one_less(link)

    def lost(self, link: Link, pending: Pending) -> None:
        """One node went away: it is told when it returns."""
        self._one_less(link)

    def _one_less(self, link: Link) -> None:
        self._awaited.discard(link.name)
        if self._awaited or self._asked.client.gone:
            return
        if self._refusal is not None:
            self._take_back()
            self._state.answer(self._asked, self._refusal)
            return
        if not self._accepted:
            self._state.refuse(self._asked, Code.LOST_CONNECTION)
            return
        # Those, too, that came meanwhile, and were told how it was before.
        client, asked = self._asked.client, (*self._accepted, link)
        for late in self._links():
            if late.linked and late not in asked and late.name in client.numbers:
                self._state.ask(late, self._request, None, why="subscribe", client=client)
        self._remember()
        self._state.answer_message(self._asked, EventAck())

    def _take_back(self) -> None:
        """What one node does not end has ended on the others all the same."""
        client, message = self._asked.client, self._undoing
        if self._ends:
            self._remember()
        elif message is not None:
            for link in self._accepted:
                if link.linked and link.name in client.numbers:
                    self._state.ask(link, message, None, why="undo-subscribe", client=client)


class _Topics(Subscribing[RequestSubscribe | RequestUnsubscribe]):
    """Topics of one tenant."""

    def _links(self) -> list[Link]:
        return self._state.links_of(self._request.tenant_id)

    def _remember(self) -> None:
        self._standing.subscribed(self._asked.client, self._request)

    def _undo(self) -> Request | None:
        request = self._request
        known = self._standing.topics(self._asked.client, request.tenant_id)
        new = {name: 1 for name in request.ps_topic_list if name not in known}
        return RequestUnsubscribe(tenant_id=request.tenant_id, ps_topic_list=new) if new else None


class _Services(
    Subscribing[RequestStartExternalServiceReporting | RequestStopExternalServiceReporting]
):
    """Calls to external servers, on nodes of whichever tenant."""

    def _links(self) -> list[Link]:
        return list(self._state.links.values())

    def _remember(self) -> None:
        self._standing.reports(self._asked.client, self._request)

    def _undo(self) -> Request | None:
        client, servers = self._asked.client, self._request.servers
        if self._standing.hears_of_all(client):
            return None
        if not servers and self._standing.services(client):
            # What it named before would end with it: it hears of too much there, until it asks.
            return None
        if not servers:
            return RequestStopExternalServiceReporting()
        new = [name for name in servers if name not in self._standing.services(client)]
        return RequestStopExternalServiceReporting(servers=new) if new else None
