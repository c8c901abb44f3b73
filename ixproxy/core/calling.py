"""
A call to an external server that names no interaction, from the client to a node.

Theory of operation: any node of the tenant that takes the media type will do, for
all of them have the same external servers; with no media type named, any node of
the tenant. The routing strategy ranks them, as for a submit. A node that refuses
because it is full or stopping passes the call on to the next in rank, for nothing was
done. What a node says of its external servers is the answer, and so is its silence:
the call may have been made. A call that names an interaction is its owner's.
"""

from __future__ import annotations

from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.routing import takes_new
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.errors import Code
from ixproxy.values import Draft, NodeName
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame

PASSES_ON = frozenset((Code.BUSY, Code.STOPPING))
"""Refusals that say nothing about the call, only about the node."""


class Calling:
    """One call, offered to nodes in rank order."""

    def __init__(self, state: ProxyState, asked: Asked) -> None:
        self._state = state
        self._asked = asked
        self._ranked: list[NodeName] = []

    def start(self) -> None:
        """Choose, and offer to the first; or refuse."""
        state, frame = self._state, self._asked.frame
        linked = [link for link in state.links_of(frame.tenant) if link.linked]
        linked = [link for link in linked if self._may_have(link)]
        if not linked:
            state.refuse(self._asked, Code.NO_SERVERS)
            return
        draft = Draft(
            tenant_id=frame.tenant, media_type=frame.media, submitted_by=self._asked.client.name
        )
        try:
            ranked = list(
                state.strategies.routing.rank(draft, [link.view(frame.tenant) for link in linked])
            )
            names = {link.name for link in linked}
            self._ranked = [name for name in ranked if name in names]
        except Exception as problem:
            state.note(
                "error",
                "Routing strategy {strategy} failed: {problem!r}",
                strategy=state.strategies.routing_name,
                problem=problem,
            )
            state.refuse(self._asked, Code.STRATEGY_FAILED)
            return
        self._offer(Code.NO_SERVERS)

    def _may_have(self, link: Link) -> bool:
        frame = self._asked.frame
        if frame.media:
            return takes_new(link.facts, frame.tenant, frame.media)
        return link.facts.enable_submit

    def _offer(self, otherwise: int) -> None:
        state, asked = self._state, self._asked
        while self._ranked:
            link = state.links.get(self._ranked.pop(0))
            if link is None:
                continue
            code = state.no_way_to(link, asked.client)
            if not code:
                state.forward(link, asked, None if asked.silent else self)
                return
            otherwise = code if code == Code.BUSY else otherwise
        state.refuse(asked, otherwise)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """The node has an answer, or passes the call on."""
        state, asked = self._state, self._asked
        if pending.abandoned or asked.client.gone:
            return
        code = error_code(frame) if frame.kind == Kind.ERROR else 0
        if code in PASSES_ON and self._ranked and not asked.cancelled and asked.due > state.now:
            self._offer(code)
        else:
            state.answer_joined(asked, frame, body)

    def lost(self, link: Link, pending: Pending) -> None:
        """The call may have been made: in doubt, never passed on."""
        self._state.refuse(self._asked, Code.LOST_CONNECTION)
