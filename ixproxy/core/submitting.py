"""
A new interaction, from the client to the node that takes it.

The routing strategy ranks the candidates. A node that refuses because it is
full or stopping passes the submit on to the next in rank; one that goes
silent does not, for it may have stored it: the client gets 2002 and decides.
A submit with a receipt has one home among all configured candidates and is
never passed on, or a retry would not find what the first try did.
"""

from __future__ import annotations

from ixproxy.core.choosing import PASSES_ON, ranked
from ixproxy.core.links import Link
from ixproxy.core.locating import Locator, Submitted
from ixproxy.core.parking import Parking
from ixproxy.core.pending import Pending
from ixproxy.core.routing import may_submit, takes_new
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code
from ixproxy.messages import EventAck, EventError, RequestSubmit
from ixproxy.values import NodeName, rendezvous
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import Flag, Frame

_RECEIPT = int(Flag.RECEIPT)


class Submitting:
    """One submit, offered to nodes in rank order."""

    def __init__(self, state: ProxyState, locator: Locator, parking: Parking, asked: Asked) -> None:
        self._state = state
        self._locator = locator
        self._parking = parking
        self.asked = asked
        self._ranked: list[NodeName] = []
        self._passed_on = True
        self._submitted: Submitted | None = None

    def start(self) -> None:
        """Choose, and offer to the first; or refuse."""
        state, frame = self._state, self.asked.frame
        tenant = state.deployment.tenants[frame.tenant]
        candidates = [
            link
            for link in state.links.values()
            if takes_new(link.facts, frame.tenant, frame.media)
        ]
        if not may_submit(tenant, frame.media):
            state.refuse(
                self.asked,
                Code.NO_SERVERS,
                f"Media type {frame.media!r} is disabled for tenant {tenant.name}",
            )
        elif not candidates:
            state.refuse(self.asked, Code.NO_SERVERS)
        elif frame.flags & _RECEIPT:
            self._start_at_home(candidates)
        else:
            self._start_by_rank([link for link in candidates if link.linked])

    def _start_at_home(self, candidates: list[Link]) -> None:
        request = decode(self.asked.frame)
        assert isinstance(request, RequestSubmit)
        key = f"{self.asked.frame.tenant}/{self.asked.client.name}/{request.submit_receipt}"
        self._ranked = rendezvous(key, [link.name for link in candidates])[:1]
        self._passed_on = False
        if self._parking.takes(self._state.links[self._ranked[0]], self):
            # Those that name the same id wait with it.
            self._begin()
        else:
            self._offer(Code.RECEIPT_HOME_UNAVAILABLE)

    def go(self, link: Link) -> None:
        """Its home is back, or was waited for in vain."""
        asked = self.asked
        if asked.client.gone:
            self._end()
        elif asked.cancelled or asked.due <= self._state.now:
            self._state.refuse(asked, Code.CANCELLED if asked.cancelled else Code.EXPIRED)
            self._end()
        else:
            self._offer(Code.RECEIPT_HOME_UNAVAILABLE)

    def _start_by_rank(self, linked: list[Link]) -> None:
        order = ranked(self._state, self.asked, linked)
        if order is not None:
            self._ranked = order
            self._offer(Code.NO_SERVERS)

    def _offer(self, otherwise: int) -> None:
        state, asked = self._state, self.asked
        while self._ranked:
            link = state.links.get(self._ranked.pop(0))
            if link is None:
                continue
            code = state.no_way_to(link, asked.client)
            if not code:
                self._begin()
                state.forward(link, asked, self)
                return
            otherwise = code if code == Code.BUSY and self._passed_on else otherwise
        state.refuse(asked, otherwise)
        self._end()

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The node took it, refused it, or passes it on."""
        state, asked = self._state, self.asked
        answer = decode(frame)
        unwanted = pending.abandoned or asked.client.gone
        if isinstance(answer, EventAck) and frame.interaction:
            state.owners.learn(frame.interaction.encode(), link.name)
            if answer.take_number and unwanted:
                tenant, identifier = asked.frame.tenant, frame.interaction
                state.give_back(link, tenant, identifier, answer.take_number)
            elif answer.take_number:
                asked.client.took(frame.interaction, answer.take_number, link.name)
        if pending.abandoned:
            return
        if isinstance(answer, EventError) and self._goes_on(answer):
            self._offer(answer.error_code)
            return
        state.answer(asked, frame.raw)
        self._end()

    def _goes_on(self, refusal: EventError) -> bool:
        """Whether the next node is asked: its refusal says nothing about the submit."""
        asked = self.asked
        wanted = not (asked.cancelled or asked.client.gone) and asked.due > self._state.now
        passes = refusal.error_code in PASSES_ON and not refusal.in_doubt
        return bool(self._passed_on and passes and self._ranked and wanted)

    def lost(self, link: Link, pending: Pending) -> None:
        """It may have been stored: in doubt, never passed on."""
        self._state.refuse(self.asked, Code.LOST_CONNECTION)
        self._end()

    def _begin(self) -> None:
        """Requests that name the same id wait from now on."""
        frame = self.asked.frame
        if frame.interaction and self._submitted is None:
            identifier = frame.interaction.encode()
            self._submitted = self._locator.submit_began(frame.tenant, identifier)

    def _end(self) -> None:
        frame, submitted = self.asked.frame, self._submitted
        if submitted is not None:
            self._submitted = None
            self._locator.submit_ended(frame.tenant, frame.interaction.encode(), submitted)
