"""A request that names one interaction, from the client to its owner."""

from __future__ import annotations

from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.locating import Locator
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, decode_body
from ixproxy.errors import Code
from ixproxy.messages import EventAck, EventError
from ixproxy.values import NodeName
from ixproxy.wire.names import Holdings
from ixproxy.wire.prefix import Frame


class ToOwner:
    """One by-id request on its way: it waits for the owner, then goes there."""

    __slots__ = ("_asked", "_state")

    def __init__(self, state: ProxyState, asked: Asked) -> None:
        self._state = state
        self._asked = asked

    def start(self, locator: Locator) -> None:
        """Send it on, or wait for its owner."""
        frame = self._asked.frame
        locator.seek(frame.tenant, frame.interaction.encode(), self)

    @property
    def due(self) -> float:
        """When the request's time is up."""
        return self._asked.due

    @property
    def client(self) -> Client:
        """Who asks."""
        return self._asked.client

    @property
    def reserved(self) -> bool:
        """It may be refused as busy."""
        return False

    def owner_found(self, node: NodeName) -> None:
        """Forward; an owner that is down is a definite 2003, for nobody else has it."""
        if self._asked.client.gone:
            return
        if self._asked.cancelled:
            self._state.refuse(self._asked, Code.CANCELLED)
            return
        link = self._state.links[node]
        code = self._state.no_way_to(link, self._asked.client)
        if self._asked.due <= self._state.now:
            code = Code.EXPIRED
        if code:
            self._state.refuse(self._asked, code)
            return
        takes = self._asked.row.holdings is Holdings.TAKES
        self._state.forward(link, self._asked, self if takes else None)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The owner handed the interaction over, or refused."""
        state, asked = self._state, self._asked
        answer = decode_body(frame, body)
        if isinstance(answer, EventError):
            state.refused_by_id(pending, frame)
        elif isinstance(answer, EventAck) and answer.take_number:
            identifier = asked.frame.interaction
            if pending.abandoned or asked.client.gone:
                state.give_back(link, asked.frame.tenant, identifier, answer.take_number)
            else:
                asked.client.took(identifier, answer.take_number, link.name)
        if not pending.abandoned:
            state.answer_joined(asked, frame, body)

    def lost(self, link: Link, pending: Pending) -> None:
        """It may have been handed over: in doubt."""
        self._state.refuse(self._asked, Code.LOST_CONNECTION)

    def owner_missing(self, code: int) -> None:
        """Answer with the verdict."""
        self._state.refuse(self._asked, code)
