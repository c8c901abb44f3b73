"""A request that names one interaction, from the client to its owner."""

from __future__ import annotations

from ixproxy.core.locating import Locator
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code
from ixproxy.values import NodeName


class ToOwner:
    """One by-id request on its way: it waits for the owner, then goes there."""

    __slots__ = ("_asked", "_state")

    def __init__(self, state: ProxyState, asked: Asked) -> None:
        self._state = state
        self._asked = asked

    def start(self, locator: Locator) -> None:
        """Send it on, or wait for its owner."""
        frame = self._asked.frame
        locator.seek(frame.tenant, frame.interaction.encode(), self, self._asked.due)

    def owner_found(self, node: NodeName) -> None:
        """Forward; an owner that is down is a definite 2003, for nobody else has it."""
        if self._asked.client.gone:
            return
        if self._asked.cancelled:
            self._state.refuse(self._asked, Code.CANCELLED)
            return
        link = self._state.links[node]
        code = self._state.no_way_to(link, self._asked.client)
        if code:
            self._state.refuse(self._asked, code)
            return
        self._state.forward(link, self._asked)
        if self._asked.silent:
            self._asked.client.inflight.pop(self._asked.frame.reference, None)

    def owner_missing(self, code: int) -> None:
        """Answer with the verdict."""
        self._state.refuse(self._asked, code)
