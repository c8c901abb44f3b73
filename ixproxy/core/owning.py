"""A request that names one interaction, from the client to its owner."""

from __future__ import annotations

from ixproxy.core.links import Link
from ixproxy.core.locating import AskedSeeker, Locator
from ixproxy.core.parking import Parking
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, decode_body
from ixproxy.errors import Code
from ixproxy.messages import EventAck, EventError
from ixproxy.values import NodeName
from ixproxy.wire.names import Holdings
from ixproxy.wire.prefix import Frame


class ToOwner(AskedSeeker):
    """One by-id request on its way: it waits for the owner, then goes there."""

    __slots__ = ("_parking", "_state")

    def __init__(self, state: ProxyState, parking: Parking, asked: Asked) -> None:
        super().__init__(asked)
        self._state = state
        self._parking = parking

    def start(self, locator: Locator) -> None:
        """Send it on, or wait for its owner."""
        frame = self.asked.frame
        locator.seek(frame.tenant, frame.interaction.encode(), self)

    def owner_found(self, node: NodeName) -> None:
        """Go there, or wait for it where it may be back soon."""
        link = self._state.links[node]
        if not self._parking.takes(link, self):
            self.go(link)

    def go(self, link: Link) -> None:
        """Forward; an owner that is down is a definite 2003, for nobody else has it."""
        if self.asked.client.gone:
            return
        if self.asked.cancelled:
            self._state.refuse(self.asked, Code.CANCELLED)
            return
        code = self._state.no_way_to(link, self.asked.client)
        if self.asked.due <= self._state.now:
            code = Code.EXPIRED
        if code:
            self._state.refuse(self.asked, code)
            return
        takes = self.asked.row.holdings is Holdings.TAKES
        self._state.forward(link, self.asked, self if takes else None)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The owner handed the interaction over, or refused."""
        state, asked = self._state, self.asked
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
        self._state.refuse(self.asked, Code.LOST_CONNECTION)

    def owner_missing(self, code: int) -> None:
        """Answer with the verdict."""
        self._state.refuse(self.asked, code)
