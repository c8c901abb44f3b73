"""
What any node can do: ranked by the routing strategy, and offered in that order.

A request that names no interaction goes to one of the nodes that take new work
of its tenant, and of its media type where it names one. A node that refuses
because it is full or stopping has done nothing, and passes it on to the next in
rank; one that goes silent may have done it: the client gets 2002 and decides.

What a restart loses, and who restores it: requests under way; their clients fail
them as in doubt when their connections break.
"""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.routing import may_submit, takes_new
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code
from ixproxy.messages import EventError, Request3rdServer
from ixproxy.values import Draft, NodeFacts, NodeName
from ixproxy.wire.codec import decode
from ixproxy.wire.names import BY_MESSAGE, Kind
from ixproxy.wire.prefix import Frame

PASSES_ON = frozenset((Code.BUSY, Code.STOPPING, Code.LIMIT_REACHED, Code.EVENT_LOG_FULL))
"""Refusals that say nothing about a request, only about the node."""

_CALL = BY_MESSAGE[Request3rdServer].code


def ranked(state: ProxyState, asked: Asked, links: Sequence[Link]) -> list[NodeName] | None:
    """These nodes in the order of the routing strategy, best first; None: it is refused."""
    if not links:
        state.refuse(asked, Code.NO_SERVERS)
        return None
    frame = asked.frame
    draft = Draft(
        tenant_id=frame.tenant,
        media_type=frame.media,
        queue=frame.queue,
        interaction_id=frame.interaction,
        submitted_by=asked.client.name,
    )
    views = [link.view(frame.tenant) for link in links]
    try:
        names = {link.name for link in links}
        order = list(state.strategies.routing.rank(draft, views))
        return [name for name in order if name in names]
    except Exception as problem:
        state.note(
            "error",
            "Routing strategy {strategy} failed: {problem!r}",
            strategy=state.strategies.routing_name,
            problem=problem,
        )
        state.refuse(asked, Code.STRATEGY_FAILED)
        return None


class Choosing:
    """One request, offered to nodes in rank order until one does not pass it on."""

    def __init__(self, state: ProxyState, asked: Asked) -> None:
        self._state = state
        self._asked = asked
        self._ranked: list[NodeName] = []

    def start(self) -> None:
        """Choose, and offer to the first; or refuse."""
        state, frame = self._state, self._asked.frame
        tenant = state.deployment.tenants[frame.tenant]
        # A call hands no work in: nodes take it for a media type that is disabled, too.
        if frame.media and frame.name != _CALL and not may_submit(tenant, frame.media):
            state.refuse(
                self._asked,
                Code.NO_SERVERS,
                f"Media type {frame.media!r} is disabled for tenant {tenant.name}",
            )
            return
        linked = [
            link
            for link in state.links.values()
            if link.linked and _takes(link.facts, frame.tenant, frame.media)
        ]
        order = ranked(state, self._asked, linked)
        if order is not None:
            self._ranked = order
            self._offer(Code.NO_SERVERS)

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
        """The node has done it, refuses it, or passes it on."""
        answer = decode(frame) if frame.kind == Kind.ERROR else None
        if isinstance(answer, EventError) and self._goes_on(answer):
            self._offer(answer.error_code)
        else:
            self._state.answer_joined(self._asked, frame, body)

    def _goes_on(self, refusal: EventError) -> bool:
        """Whether the next node is asked: nothing was done, and it is wanted still."""
        asked = self._asked
        wanted = not (asked.cancelled or asked.client.gone) and asked.due > self._state.now
        passes = refusal.error_code in PASSES_ON and not refusal.in_doubt
        return bool(passes and self._ranked and wanted)

    def lost(self, link: Link, pending: Pending) -> None:
        """It may have been done: in doubt, never passed on."""
        self._state.refuse(self._asked, Code.LOST_CONNECTION)


def _takes(node: NodeFacts, tenant: int, media_type: str) -> bool:
    """Whether new work goes to a node; without a media type: of whichever it takes."""
    if media_type:
        return takes_new(node, tenant, media_type)
    return node.enable_submit and tenant in node.tenants
