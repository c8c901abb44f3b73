"""
Registrations whose list of holdings comes in parts, until the last part is there.

Every part repeats the registration, so the first one and the ids of the others
are all that is kept. What is kept is bounded, for one peer and for all of them
together: whoever sends parts need not be registered yet.
"""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import RequestRegisterClient
from ixproxy.net.node_peers import NodePeer

MAX_UNFINISHED = 100
"""Registrations of one peer whose parts have not all arrived."""

MAX_HOLDING = 250_000
"""Ids that one peer may list in registrations, the one in hand included."""

MAX_LISTED = 1_000_000
"""Ids that all peers together may have listed in registrations that are not whole yet."""


class RegistrationParts:
    """:ivar listed: ids in registrations that are not whole yet."""

    def __init__(self) -> None:
        self.listed = 0

    def add(
        self, peer: NodePeer, reference: int, message: RequestRegisterClient
    ) -> RequestRegisterClient | None:
        """
        One registration, or a part of it.

        :return: the whole one; None: further parts are to follow.
        :raise RequestRefused: it is not of the same session as its first
            part, or there is too much of it; nothing of it is kept.
        """
        whole = peer.parts.pop(reference, None)
        if whole is None:
            whole = message
        else:
            self.listed -= len(whole.holding)
            if whole.session != message.session:
                raise RequestRefused(Code.BAD_ATTRIBUTE, "Session differs from that of part 1")
            whole.holding.update(message.holding)
        listed = len(whole.holding) + sum(len(part.holding) for part in peer.parts.values())
        if (
            listed > MAX_HOLDING
            or len(peer.parts) >= MAX_UNFINISHED
            or (message.holding_continues and self.listed + len(whole.holding) > MAX_LISTED)
        ):
            raise RequestRefused(Code.LIMIT_REACHED, "Holding lists too many interactions")
        if not message.holding_continues:
            return whole
        peer.parts[reference] = whole
        self.listed += len(whole.holding)
        return None

    def forget(self, peer: NodePeer) -> None:
        """The peer is gone."""
        self.listed -= sum(len(part.holding) for part in peer.parts.values())
        peer.parts.clear()
