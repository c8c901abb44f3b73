"""
Pulls by view: one node after another, until one gives.

The pull strategy plans the steps. A pull with `pull-for-strategy` may be held
by an empty node: each step's hold is stamped into the extension, cut down to
what is left of the pull's time. The first non-empty answer is the answer and
is never topped up; when all steps are empty, or time is up before the next
step, the answer is empty. A node lost after it was asked gives 2002: it may
have committed the take, which then comes back through `Holding`.

What a restart loses, and who restores it: pulls in flight; what a node took
for a client that heard nothing is returned when the client registers again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from ixproxy.core.attributes import is_interaction_id
from ixproxy.core.gathering import raw_attributes
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import EventPulledInteractions, RequestPull
from ixproxy.messages.message import Count
from ixproxy.values import Ask, PullAttributes
from ixproxy.wire.codec import decode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import MAX_STRING, Flag, Frame, with_body, with_ttl
from ixproxy.wire.splice import set_extension

HOLD_MARGIN = 0.25
"""Seconds that a held answer needs to come back before the pull's time is up."""

FOR_STRATEGY = "pull-for-strategy"
HOLD_TIMEOUT = "pull-hold-timeout"

_takes = msgspec.msgpack.Decoder(dict[str, Count])


def takes_in(body: bytes) -> Mapping[str, int]:
    """
    Interaction id to take number, of what an answer to a pull hands over.

    :raise RemoteProtocolError: the body is broken, or a key is no id.
    """
    raw = raw_attributes(body).get("TakeNumbers")
    if raw is None:
        return {}
    try:
        takes = _takes.decode(raw)
    except (msgspec.DecodeError, ValueError) as problem:
        raise RemoteProtocolError(Code.BAD_ATTRIBUTE, f"TakeNumbers: {problem}") from problem
    if not all(map(is_interaction_id, takes)):
        raise RemoteProtocolError(
            Code.BAD_ATTRIBUTE, f"TakeNumbers: an id takes 1 to {MAX_STRING} bytes"
        )
    return takes


def _checked(steps: Iterable[Ask]) -> list[Ask]:
    """:raise TypeError: a strategy planned something else than steps."""
    plan = list(steps)
    for step in plan:
        if not isinstance(step, Ask):
            raise TypeError(f"{step!r} is no Ask")
    return plan


class Pulling:
    """One pull by view."""

    def __init__(self, state: ProxyState, asked: Asked) -> None:
        self._state = state
        self._asked = asked
        self._steps: list[Ask] = []
        self._refusal: bytes | None = None
        self._missing = False
        self._busy = False
        self._heard = False
        self._for_strategy = False

    def start(self) -> None:
        """Plan the steps and take the first."""
        state, asked = self._state, self._asked
        request = decode(asked.frame)
        assert isinstance(request, RequestPull)
        links = state.links_of(asked.frame.tenant)
        views = [link.view(asked.frame.tenant) for link in links if link.linked]
        if not links:
            state.refuse(asked, Code.NO_SERVERS)
            return
        if not views:
            state.refuse(asked, Code.NOT_ACCESSIBLE)
            return
        self._for_strategy = request.extension.get(FOR_STRATEGY) in (1, "1", True)
        if self._for_strategy:
            asked.client.patient.add(asked.frame.reference)
        pull = PullAttributes(
            tenant_id=asked.frame.tenant,
            view=asked.frame.queue,
            limit=request.number_of_interactions or 1,
            for_strategy=self._for_strategy,
            budget=max(0.0, asked.due - state.now),
        )
        try:
            self._steps = _checked(state.strategies.pull.order(pull, views))
        except Exception as problem:
            state.note(
                "error",
                "Pull strategy {strategy} failed: {problem!r}",
                strategy=state.strategies.pull_name,
                problem=problem,
            )
            state.refuse(asked, Code.STRATEGY_FAILED)
            return
        self._missing = len(views) < len(links)
        self._next()

    def _next(self) -> None:
        state, asked = self._state, self._asked
        if asked.cancelled:
            state.refuse(asked, Code.CANCELLED)
            return
        while self._steps:
            step = self._steps.pop(0)
            link = state.links.get(step.node)
            left = asked.due - state.now
            if left <= HOLD_MARGIN:
                self._steps.clear()
                break
            if link is None or (code := state.no_way_to(link, asked.client)):
                self._missing = True
                self._busy = self._busy or (link is not None and code == Code.BUSY)
                continue
            state.forward(link, asked, self, self._frame_for(link, step, left))
            return
        if self._refusal is not None:
            state.answer(asked, self._refusal)
        elif self._busy and not self._heard:
            state.refuse(asked, Code.BUSY)
        else:
            state.answer_message(asked, EventPulledInteractions(), partial=self._missing)

    def _frame_for(self, link: Link, step: Ask, left: float) -> bytes:
        frame = self._asked.frame
        if not self._for_strategy:
            return b""
        if link.facts.is_proxy:
            # It gives each of its nodes a hold of its own, as long as there is time.
            return with_ttl(frame.raw, int(left * 1000))
        hold = min(step.hold, self._state.settings.pull_hold_timeout, left - HOLD_MARGIN)
        body = set_extension(frame.body, {HOLD_TIMEOUT: round(max(0.0, hold), 3)})
        return with_body(frame.raw, frame.body_at, body)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """A node gave, had nothing, or refused."""
        if frame.kind == Kind.ERROR:
            error_code(frame)
            if not pending.abandoned:
                self._refusal = self._refusal or frame.raw
                self._next()
            return
        takes = takes_in(body)
        self._heard = True
        if pending.abandoned or self._asked.client.gone:
            for identifier, take in takes.items():
                self._state.give_back(link, self._asked.frame.tenant, identifier, take)
            return
        if not takes:
            self._refusal = None
            self._missing = self._missing or bool(frame.flags & Flag.PARTIAL)
            self._next()
            return
        for identifier, take in takes.items():
            self._asked.client.took(identifier, take, link.name)
            self._state.owners.learn(identifier.encode(), link.name)
        self._state.answer_joined(self._asked, frame, body)

    def lost(self, link: Link, pending: Pending) -> None:
        """The link went, or the node kept silent: it may have taken."""
        self._state.refuse(self._asked, Code.LOST_CONNECTION)
