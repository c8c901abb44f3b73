"""
Topics: subscribed on every node, published on one.

Theory of operation: a subscription is the client's on all linked nodes, so
whichever one publishes knows everybody who listens. All must agree: what one
refuses is taken back on those that took it, as far as it was new. It is
remembered, and told to nodes that come back, for as long as the client's
connection lasts. To publish goes to one node, the same for a topic from all
proxies, which tells each listener once.

What a restart loses, and who restores it: see `standing`.
"""

from __future__ import annotations

from ixproxy.core.agent_sessions import AgentSessions
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestNotify,
    RequestPublish,
    RequestSubscribe,
    RequestUnsubscribe,
)
from ixproxy.values import rendezvous
from ixproxy.wire.codec import decode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame


def start_subscribing(state: ProxyState, sessions: AgentSessions, asked: Asked) -> None:
    """A request about topics came in."""
    request = decode(asked.frame)
    if isinstance(request, RequestSubscribe | RequestUnsubscribe):
        if sessions.standing.has_room(asked.client, request):
            Subscribing(state, sessions, asked, request).start()
        else:
            state.refuse(asked, Code.LIMIT_REACHED, "the client is subscribed to too many topics")
    else:
        assert isinstance(request, RequestPublish | RequestNotify)
        _publish(state, asked, f"{request.tenant_id}/{request.topic}")


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


class Subscribing:
    """One subscription, or its end, on its way to all nodes."""

    def __init__(
        self,
        state: ProxyState,
        sessions: AgentSessions,
        asked: Asked,
        request: RequestSubscribe | RequestUnsubscribe,
    ) -> None:
        self._state = state
        self._standing = sessions.standing
        self._asked = asked
        self._request = request
        self._awaited: set[str] = set()
        self._accepted: list[Link] = []
        self._refusal: bytes | None = None
        known = self._standing.topics(asked.client, request.tenant_id)
        self._new = {name: 1 for name in request.ps_topic_list if name not in known}

    def start(self) -> None:
        """Ask every linked node of the tenant."""
        state, client = self._state, self._asked.client
        links = [
            link
            for link in state.links_of(self._request.tenant_id)
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
        for late in self._state.links_of(self._request.tenant_id):
            if late.linked and late not in asked and late.name in client.numbers:
                self._state.ask(late, self._request, None, why="subscribe", client=client)
        self._standing.subscribed(client, self._request)
        self._state.answer_message(self._asked, EventAck())

    def _take_back(self) -> None:
        """What one node does not end has ended on the others all the same."""
        client = self._asked.client
        if isinstance(self._request, RequestUnsubscribe):
            self._standing.subscribed(client, self._request)
        elif self._new:
            message = RequestUnsubscribe(
                tenant_id=self._request.tenant_id, ps_topic_list=self._new
            )
            for link in self._accepted:
                if link.linked and link.name in client.numbers:
                    self._state.ask(link, message, None, why="undo-subscribe", client=client)
