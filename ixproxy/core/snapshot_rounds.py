"""
One request about a snapshot, answered by its parts together.

A refusal is passed on, with the mark that something may have been done where
others have done it. A part that is gone ends the snapshot: 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ixproxy.core.fan_outs import FanOuts
from ixproxy.core.gathering import attributes_of, raw_attributes, same_id_twice
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.snapshots import Part, Slice, Snapshot
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.values import NodeName
from ixproxy.wire.bodies import join_bodies
from ixproxy.wire.codec import decode, encode_map, error_frame
from ixproxy.wire.names import BY_NAME, Kind
from ixproxy.wire.prefix import EMPTY_BODY, Flag, Frame, with_body


def frame_for(asked: Asked, part: Part, **changes: int) -> bytes:
    """
    What a client asked, with the id that a node knows; all else stays as it was.

    :param changes: other attributes that are different for this part.
    """
    frame = asked.frame
    attributes = {**raw_attributes(frame.body), "SnapshotId": part.id, **changes}
    return with_body(frame.raw, frame.body_at, encode_map(attributes))


class Spoken(NamedTuple):
    """A part's answer; `body` is that of all its frames, `frame` the last of them."""

    frame: Frame
    body: bytes


class Round:
    """
    One request on its way to some parts of a snapshot.

    :param gone: called when a part is gone; ends the snapshot.
    :param changes: the request changes something.
    :param finish: gives the answer out of what the parts said, none of which refused.
    """

    def __init__(
        self,
        state: ProxyState,
        asked: Asked,
        snapshot: Snapshot,
        *,
        gone: Callable[[Snapshot], None],
        finish: Callable[[Sequence[Spoken]], None],
        changes: bool = False,
    ) -> None:
        self._state = state
        self._asked = asked
        self._snapshot = snapshot
        self._gone = gone
        self._finish = finish
        self._changes = changes
        self._parts: list[NodeName] = []
        self._awaited: set[NodeName] = set()
        self._answers: dict[NodeName, Spoken] = {}
        self._refusals: list[tuple[int, Frame]] = []
        self._lost = False
        self._ended = False
        self._kept = 0

    def start(self, frames: Sequence[tuple[Part, bytes]]) -> None:
        """Send each part its frame, if all parts of the snapshot can be reached."""
        state, asked = self._state, self._asked
        wanted = {part.node for part, _ in frames}
        for part in self._snapshot.parts:
            link = state.links.get(part.node)
            code = state.no_way_to(link, asked.client) if link else Code.NOT_ACCESSIBLE
            if code == Code.BUSY and part.node in wanted:
                state.refuse(asked, code)
                return
            if code and code != Code.BUSY:
                state.refuse(asked, Code.SNAPSHOT_NOT_ACCESSIBLE)
                return
        if not frames:
            self._finish(())
            return
        if not state.fan_outs.begin(asked.client, state.settings.max_fan_outs):
            state.counters["busy"] += 1
            state.refuse(asked, Code.BUSY, "max-fan-outs are in flight")
            return
        self._parts = [part.node for part, _ in frames]
        self._awaited = set(self._parts)
        for part, raw in frames:
            state.forward(state.links[part.node], asked, self, raw)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One part answered."""
        if self._ended:
            return
        state, client = self._state, self._asked.client
        if client.gone:
            self._end()
            return
        most = state.settings.max_gathered
        if not state.fan_outs.keep(client, len(body), most):
            state.counters["busy"] += 1
            alone = self._kept + len(body) > FanOuts.share(most)
            self._end()
            text = "max-gathered bytes of answers are kept"
            state.refuse(self._asked, Code.LIMIT_REACHED if alone else Code.BUSY, text)
            return
        self._kept += len(body)
        if frame.kind == Kind.ERROR:
            self._refusals.append((error_code(frame), frame))
            state.refused_by_id(pending, frame)
        else:
            attributes_of(body, BY_NAME[self._asked.row.answer])
            self._answers[link.name] = Spoken(frame, body)
        self._spoken(link)

    def lost(self, link: Link, pending: Pending) -> None:
        """One part will not answer."""
        if not self._ended:
            self._lost = True
            self._spoken(link)

    def _spoken(self, link: Link) -> None:
        self._awaited.discard(link.name)
        if self._awaited:
            return
        answers = [self._answers[node] for node in self._parts if node in self._answers]
        refusals, done = self._refusals, self._changes and bool(answers)
        self._end()
        if any(code == Code.UNKNOWN_SNAPSHOT for code, _ in refusals):
            self._gone(self._snapshot)
            self._refuse(Code.SNAPSHOT_NOT_ACCESSIBLE, "", done)
        elif self._lost:
            self._state.refuse(self._asked, Code.LOST_CONNECTION)
        elif refusals:
            code, frame = refusals[0]
            if done:
                self._refuse(code, decode(frame).error_description, done)  # type: ignore[attr-defined]
            else:
                self._state.answer(self._asked, frame.raw)
        else:
            self._finish(answers)

    def _refuse(self, code: int, text: str, done: bool) -> None:
        """:param done: other parts have done what was asked."""
        asked = self._asked
        self._state.counters[f"refused {code}"] += 1
        doubtful = True if done else None
        raw = error_frame(code, text, interaction_id=asked.frame.interaction, doubtful=doubtful)
        self._state.answer(asked, raw)

    def _end(self) -> None:
        """Whatever else comes is of no interest, and what came is not kept."""
        self._ended = True
        self._state.fan_outs.end(self._asked.client, self._kept)
        self._answers, self._refusals = {}, []


def page_of(
    answers: Sequence[Spoken], slices: Sequence[Slice]
) -> tuple[Sequence[Spoken], bool]:
    """
    The answers that are one page without a gap, and whether that ends before it should.

    A part may give fewer positions than it was asked for, where they are too much for
    one answer: what follows on other parts is for another page then.
    """
    for at, (answer, piece) in enumerate(zip(answers, slices, strict=True)):
        attributes = raw_attributes(answer.body)
        found = (attributes.get(name) for name in ("Interactions", "Errors"))
        covered = sum(len(raw_attributes(each)) for each in found if each is not None)
        if covered < piece.number:
            return answers[: at + 1], True
    return answers, False


def answer_merged(
    state: ProxyState, asked: Asked, answers: Sequence[Spoken], have_more: bool | None = None
) -> None:
    """
    One answer of all parts', merged as the names table says.

    :param have_more: whether more of the snapshot follows; None: no such attribute.
    """
    row = BY_NAME[asked.row.answer]
    try:
        if same_id_twice(raw_attributes(each.body) for each in answers):
            state.refuse(asked, Code.MORE_THAN_ONE)
            return
        body = join_bodies([each.body for each in answers], row) if answers else EMPTY_BODY
        if have_more is not None:
            attributes: dict[str, object] = dict(raw_attributes(body))
            attributes.pop("HaveMore", None)
            body = encode_map({**attributes, **({"HaveMore": True} if have_more else {})})
    except RemoteProtocolError as problem:
        text = f"an answer could not be merged: {problem.description}"
        state.refuse(asked, Code.INTERNAL, text)
        return
    partial = any(each.frame.flags & Flag.PARTIAL for each in answers)
    state.answer_body(asked, row, body, Flag.PARTIAL if partial else Flag(0))
