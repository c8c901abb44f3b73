"""Internal requests of a proxy behind this one: answered as a node would."""

from __future__ import annotations

from ixproxy.core.agent_requests import AgentRequests
from ixproxy.core.leaving import Leaving
from ixproxy.core.locating import AskedSeeker, Locator
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestCancelTake,
    RequestClientsGone,
    RequestConfirmSession,
    RequestLocate,
)
from ixproxy.messages.message import Message
from ixproxy.values import NodeName
from ixproxy.wire.codec import decode


class Internal:
    """Locate, CancelTake, ClientsGone and ConfirmSession through this proxy's own nodes."""

    def __init__(
        self, state: ProxyState, locator: Locator, agents: AgentRequests, leaving: Leaving
    ) -> None:
        self._state = state
        self._locator = locator
        self._agents = agents
        self._leaving = leaving

    def start(self, asked: Asked) -> None:
        """One internal request came in."""
        message = decode(asked.frame)
        match message:
            case RequestLocate() | RequestCancelTake():
                seeker = _Located(self._state, asked, message)
                identifier = asked.frame.interaction.encode()
                self._locator.seek(asked.frame.tenant, identifier, seeker)
            case RequestClientsGone():
                self._clients_gone(asked, message)
            case RequestConfirmSession():
                self._agents.confirm(asked, message)
            case _:
                self._state.refuse(asked, Code.UNSUPPORTED_YET)

    def _clients_gone(self, asked: Asked, message: RequestClientsGone) -> None:
        clients = asked.client.peer.clients
        numbers = (number for number in dict.fromkeys(message.clients) if number)
        gone = [clients[number] for number in numbers if number in clients]
        self._leaving.lost(gone, message.application_name, Code.CANCELLED)
        self._state.answer_message(asked, EventAck())


class _Located(AskedSeeker):
    """Waits for the owner that a downstream proxy asks for."""

    def __init__(self, state: ProxyState, asked: Asked, message: Message) -> None:
        super().__init__(asked)
        self._state = state
        self._message = message

    @property
    def reserved(self) -> bool:
        """A cancelled take is never refused as busy, or it would be stranded."""
        return isinstance(self._message, RequestCancelTake)

    def owner_found(self, node: NodeName) -> None:
        """Say yes; a cancelled take goes to the owner."""
        message = self._message
        link = self._state.links[node]
        if isinstance(message, RequestCancelTake):
            if not link.linked:
                self._state.refuse(self.asked, Code.NOT_ACCESSIBLE)
                return
            self._state.ask(link, message, None, why="cancel-take")
            self._taken_back(message)
        self._state.answer_message(
            self.asked, EventAck(interaction_id=self.asked.frame.interaction)
        )

    def _taken_back(self, message: RequestCancelTake) -> None:
        """Whoever took it behind that proxy never had the answer, so does not have it."""
        identifier = message.interaction_id
        for client in self.asked.client.peer.holders.get(identifier, ()):
            if client.holding[identifier][0] == message.take_number:
                client.gave_back(identifier)

    def owner_missing(self, code: int) -> None:
        """Say no, or that it is not known."""
        self._state.refuse(self.asked, code)
