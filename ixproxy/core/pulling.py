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

from collections.abc import Mapping

import msgspec

from ixproxy.core.gathering import raw_attributes
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, decode_body, error_code, same_frame
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import EventPulledInteractions, RequestPull
from ixproxy.values import Ask, NodeName, PullAttributes
from ixproxy.wire.codec import decode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, with_body
from ixproxy.wire.splice import set_extension

HOLD_MARGIN = 0.25
"""Seconds that a held answer needs to come back before the pull's time is up."""

FOR_STRATEGY = "pull-for-strategy"
HOLD_TIMEOUT = "pull-hold-timeout"

_takes = msgspec.msgpack.Decoder(dict[str, int])


def takes_in(body: bytes) -> Mapping[str, int]:
    """Interaction id to take number, of what an answer to a pull hands over."""
    raw = raw_attributes(body).get("TakeNumbers")
    if raw is None:
        return {}
    try:
        return _takes.decode(raw)
    except msgspec.DecodeError as problem:
        raise RemoteProtocolError(Code.BAD_ATTRIBUTE, f"TakeNumbers: {problem}") from problem


class Pulling:
    """One pull by view."""

    def __init__(self, state: ProxyState, asked: Asked) -> None:
        self._state = state
        self._asked = asked
        self._steps: list[Ask] = []
        self._refusal: bytes | None = None
        self._missing = False
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
        pull = PullAttributes(
            tenant_id=asked.frame.tenant,
            view=asked.frame.queue,
            limit=request.number_of_interactions or 1,
            for_strategy=self._for_strategy,
            budget=max(0.0, asked.due - state.now),
        )
        try:
            self._steps = list(state.strategies.pull.order(pull, views))
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
            if link is None or state.no_way_to(link, asked.client):
                self._missing = True
                continue
            state.forward(link, asked, self, self._frame_for(step, left))
            return
        if self._refusal is not None:
            state.answer(asked, self._refusal)
        else:
            state.answer_message(asked, EventPulledInteractions())

    def _frame_for(self, step: Ask, left: float) -> bytes:
        frame = self._asked.frame
        if not self._for_strategy:
            return b""
        hold = min(step.hold, self._state.settings.pull_hold_timeout, left - HOLD_MARGIN)
        body = set_extension(frame.body, {HOLD_TIMEOUT: round(max(0.0, hold), 3)})
        return with_body(frame.raw, frame.body_at, body)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """A node gave, had nothing, or refused."""
        if frame.kind == Kind.ERROR:
            if not pending.abandoned:
                self._refusal = self._refusal or frame.raw
                self._next()
            return
        takes = takes_in(body)
        if pending.abandoned or self._asked.client.gone:
            for identifier, take in takes.items():
                self._state.give_back(link, self._asked.frame.tenant, identifier, take)
            if not pending.abandoned:
                self._asked.client.inflight.pop(self._asked.frame.reference, None)
            return
        if not takes:
            self._refusal = None
            self._next()
            return
        for identifier, take in takes.items():
            self._asked.client.took(identifier, take, link.name)
            self._state.owners.learn(identifier.encode(), link.name)
        self._state.answer_joined(self._asked, frame, body)

    def lost(self, link: Link, pending: Pending) -> None:
        """The link went, or the node kept silent: it may have taken."""
        self._state.refuse(self._asked, Code.LOST_CONNECTION)


class PullingByIds:
    """
    One pull by ids: split by owner, the answers united.

    What was taken is answered, flagged partial when anything is missing, with
    a code for each missing id; an error only if nothing was taken.
    """

    def __init__(self, state: ProxyState, asked: Asked, identifiers: list[str]) -> None:
        self._state = state
        self._asked = asked
        self._sought = len(identifiers)
        self._identifiers = identifiers
        self._by_owner: dict[Link, list[str]] = {}
        self._awaited: dict[Link, list[str]] = {}
        self._answers: list[EventPulledInteractions] = []
        self.errors: dict[str, int] = {}

    def seekers(self) -> list[IdSought]:
        """One seeker for each id, to be given to the locator."""
        return [IdSought(self, identifier) for identifier in self._identifiers]

    def link(self, node: NodeName) -> Link:
        """The link to a node that a seeker was told of."""
        return self._state.links[node]

    def owner_known(self, identifier: str, link: Link | None, code: int) -> None:
        """The owner of one id was found, or is not to be had."""
        self._sought -= 1
        if link is not None:
            code = self._state.no_way_to(link, self._asked.client)
            if not code:
                self._by_owner.setdefault(link, []).append(identifier)
        if code:
            self.errors[identifier] = code
        if not self._sought:
            self._pull()

    def _pull(self) -> None:
        state, asked = self._state, self._asked
        if asked.client.gone:
            return
        request = decode(asked.frame)
        assert isinstance(request, RequestPull)
        self._awaited = dict(self._by_owner)
        for link, identifiers in self._by_owner.items():
            parameters = {name: request.pull_parameters[name] for name in identifiers}
            part = msgspec.structs.replace(request, pull_parameters=parameters)
            state.forward(link, asked, self, same_frame(asked.frame, part))
        if not self._awaited:
            self._answer()

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One owner answered for its ids."""
        identifiers = self._awaited.pop(link, [])
        if frame.kind == Kind.ERROR:
            code = error_code(frame)
            self.errors.update((identifier, code) for identifier in identifiers)
            if code == Code.UNKNOWN_INTERACTION:
                for identifier in identifiers:
                    self._state.owners.forget(identifier.encode())
        else:
            answer = decode_body(frame, body)
            assert isinstance(answer, EventPulledInteractions)
            if pending.abandoned or self._asked.client.gone:
                for identifier, take in answer.take_numbers.items():
                    self._state.give_back(link, self._asked.frame.tenant, identifier, take)
            else:
                for identifier, take in answer.take_numbers.items():
                    self._asked.client.took(identifier, take, link.name)
                for identifier, code in answer.errors.items():
                    if code == Code.UNKNOWN_INTERACTION:
                        self._state.owners.forget(identifier.encode())
                self._answers.append(answer)
                self.errors.update(answer.errors)
        if not self._awaited and not pending.abandoned:
            self._answer()

    def lost(self, link: Link, pending: Pending) -> None:
        """One owner will not answer: its ids are in doubt."""
        for identifier in self._awaited.pop(link, []):
            self.errors[identifier] = Code.LOST_CONNECTION
        if not self._awaited:
            self._answer()

    def _answer(self) -> None:
        state, asked = self._state, self._asked
        if asked.client.gone:
            return
        answers = [answer for answer in self._answers if answer.take_numbers]
        if not answers:
            codes = set(self.errors.values())
            in_doubt = Code.LOST_CONNECTION in codes
            code = Code.LOST_CONNECTION if in_doubt else next(iter(self.errors.values()))
            state.refuse(asked, code)
            return
        united = EventPulledInteractions(
            interactions={k: v for answer in answers for k, v in answer.interactions.items()},
            sort_keys={k: v for answer in answers for k, v in answer.sort_keys.items()},
            take_numbers={k: v for answer in answers for k, v in answer.take_numbers.items()},
            errors=self.errors,
        )
        state.answer_message(asked, united, partial=bool(self.errors))


class IdSought:
    """One id of a pull by ids, waiting for its owner."""

    __slots__ = ("_identifier", "_pulling")

    def __init__(self, pulling: PullingByIds, identifier: str) -> None:
        self._pulling = pulling
        self._identifier = identifier

    @property
    def key(self) -> bytes:
        """The id as the locator knows it."""
        return self._identifier.encode()

    def owner_found(self, node: NodeName) -> None:
        """The owner is known."""
        link = self._pulling.link(node)
        self._pulling.owner_known(self._identifier, link, 0)

    def owner_missing(self, code: int) -> None:
        """It is not."""
        self._pulling.owner_known(self._identifier, None, code)
