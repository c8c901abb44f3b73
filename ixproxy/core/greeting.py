"""The proxy's own registration on a node."""

from __future__ import annotations

from collections.abc import Callable

from ixproxy.core.link_states import State
from ixproxy.core.links import Link
from ixproxy.core.pairs import Event
from ixproxy.core.pending import Pending
from ixproxy.core.state import ProxyState, decode_body
from ixproxy.effects import ResetLink
from ixproxy.messages import EventAck, EventError, RequestRegisterClient, ServerFacts
from ixproxy.values import ClientType, NodeFacts
from ixproxy.wire.prefix import Frame


def own_registration(state: ProxyState) -> RequestRegisterClient:
    """What the proxy says of itself to its upstream."""
    settings = state.settings
    return RequestRegisterClient(
        client_name=settings.name,
        client_type=ClientType.PROXY,
        max_frame=settings.max_frame,
        path=[settings.name],
    )


def role_of(facts: NodeFacts) -> str:
    """The role that an upstream must have."""
    return "proxy" if facts.is_proxy else "node"


class Greeting:
    """One registration of type Proxy, and what the node says of itself."""

    def __init__(self, state: ProxyState, link: Link, done: Callable[[Link], None]) -> None:
        self._state = state
        self._link = link
        self._done = done

    def start(self) -> None:
        """Register."""
        self._state.ask(self._link, own_registration(self._state), self, why="register")

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The node knows the proxy, or refuses it."""
        answer = decode_body(frame, body)
        if isinstance(answer, EventError):
            self._refuse(f"{answer.error_code} {answer.error_description}")
        elif isinstance(answer, EventAck) and answer.server is not None:
            self._greeted(answer.server)
        else:
            self._refuse("its answer to the registration says nothing of the server")

    def _greeted(self, server: ServerFacts) -> None:
        link, shortest = self._link, self._state.settings.min_peer_frame
        name, configured = self._state.settings.name, role_of(link.facts)
        if name in server.path:
            # Whatever is sent there would come back, and clients would be their own.
            self._refuse(f"its path {list(server.path)} leads back to {name}: proxies form a loop")
        elif server.role and server.role != configured:
            self._refuse(f"it is a {server.role}, a {configured} is configured")
        elif server.dbid and server.dbid != link.facts.dbid:
            self._refuse(f"it has database id {server.dbid}, {link.facts.dbid} is configured")
        elif server.max_frame < shortest:
            self._refuse(f"its MaxFrame is {server.max_frame}, at least {shortest} expected")
        elif not link.pair.greeted(server.epoch):
            self._pass_over(link.pair.why)
        else:
            link.server = server
            link.max_frame = server.max_frame
            self._state.links_made += 1
            link.moves = self._state.links_made
            self._state.counters["greetings"] += 1
            self._done(link)

    def lost(self, link: Link, pending: Pending) -> None:
        """The node kept silent, said what makes no sense, or the link went."""
        if link.state is State.GREETING:
            self._refuse("it does not answer the registration", Event.LATE)

    def _pass_over(self, reason: str) -> None:
        """It was primary once; the other server has been since, and is tried first."""
        self._state.note(
            "warn", "{link} is left for now: {reason}", link=str(self._link), reason=reason
        )
        self._reset(reason)

    def _refuse(self, reason: str, event: Event = Event.UNFIT) -> None:
        link = self._link
        news, who = link.pair.is_news(reason), link.in_turn
        link.pair.happened(link.state, event, reason)
        if news:
            self._state.note("error", "{link} cannot be used: {reason}", link=who, reason=reason)
        self._reset(reason)

    def _reset(self, reason: str) -> None:
        self._state.effects.append(ResetLink(self._link.name, reason))
