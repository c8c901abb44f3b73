"""The proxy's own registration on a node."""

from __future__ import annotations

from collections.abc import Callable

from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import ProxyState, decode_body
from ixproxy.effects import ResetLink
from ixproxy.messages import EventAck, EventError, RequestRegisterClient
from ixproxy.values import ClientType
from ixproxy.wire.prefix import Frame


class Greeting:
    """One registration of type Proxy, and what the node says of itself."""

    def __init__(self, state: ProxyState, link: Link, done: Callable[[Link], None]) -> None:
        self._state = state
        self._link = link
        self._done = done

    def start(self) -> None:
        """Register."""
        settings = self._state.settings
        message = RequestRegisterClient(
            client_name=settings.name,
            client_type=ClientType.PROXY,
            max_frame=settings.max_frame,
            path=[settings.name],
        )
        self._state.ask(self._link, message, self, why="register")

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The node knows the proxy, or refuses it."""
        answer = decode_body(frame, body)
        state = self._state
        if isinstance(answer, EventAck) and answer.server is not None:
            expected = link.facts.dbid
            if answer.server.dbid and answer.server.dbid != expected:
                self._refuse(f"it has database id {answer.server.dbid}, {expected} is configured")
                return
            link.server = answer.server
            link.max_frame = answer.server.max_frame
            self._done(link)
        elif isinstance(answer, EventError):
            self._refuse(f"{answer.error_code} {answer.error_description}")
        else:
            self._refuse("its answer to the registration says nothing of the server")
        state.counters["greetings"] += 1

    def lost(self, link: Link, pending: Pending) -> None:
        """The node kept silent, or the link went."""
        if self._link.pending.count or link.state.value == "greeting":
            self._refuse("it does not answer the registration")

    def _refuse(self, reason: str) -> None:
        self._state.note(
            "error", "Node {node} cannot be used: {reason}", node=self._link.name, reason=reason
        )
        self._state.effects.append(ResetLink(self._link.name, reason))
