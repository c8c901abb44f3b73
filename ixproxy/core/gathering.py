"""
One fan-out in flight: asked, answered, lost, settled, merged.

The merge policy says when it is settled and whose answers are used; the
names table says how their attributes become one. Attribute values stay
undecoded: a property that a node wrote reaches the client byte for byte.

What a restart loses, and who restores it: fan-outs in flight; their clients
fail them as in doubt when their connections break.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState
from ixproxy.errors import Code, IxproxyError, RemoteProtocolError
from ixproxy.interfaces import Gathered, Merged
from ixproxy.messages import EventError
from ixproxy.values import NodeName
from ixproxy.wire.codec import decode, encode_map
from ixproxy.wire.names import BY_CODE, BY_NAME, Kind, Merge, NameRow
from ixproxy.wire.prefix import Flag, Frame

_raw_map = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_raw_entries = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_number = msgspec.msgpack.Decoder(int)
_truth = msgspec.msgpack.Decoder(bool)


def raw_attributes(body: bytes) -> dict[str, msgspec.Raw]:
    """
    A body's attributes, their values undecoded.

    :raise RemoteProtocolError: it is not a map with string keys.
    """
    try:
        return _raw_map.decode(body)
    except msgspec.DecodeError as problem:
        raise RemoteProtocolError(Code.BAD_FRAME, f"body: {problem}") from problem


class SameIdTwice(IxproxyError):
    """Two nodes answered with the same interaction: code 2005."""


def merge_bodies(row: NameRow, bodies: list[Mapping[str, Any]]) -> bytes:
    """
    One body of several, by the merge column of the answer's row.

    :raise SameIdTwice: a union would hide one of two equal keys.
    """
    merged: dict[str, Any] = {}
    for body in bodies:
        for name, value in body.items():
            how = row.merge.get(name)
            if how is Merge.UNION:
                entries = merged.setdefault(name, {})
                more = _raw_entries.decode(value)
                if not entries.keys().isdisjoint(more):
                    if name == "Interactions":
                        raise SameIdTwice(name)
                    more = {key: raw for key, raw in more.items() if key not in entries}
                entries.update(more)
            elif how is Merge.OR:
                merged[name] = merged.get(name, False) or _truth.decode(value)
            elif how is Merge.ADD:
                merged[name] = merged.get(name, 0) + _number.decode(value)
            else:
                merged.setdefault(name, value)
    return encode_map(merged)


class Gathering:
    """A request that all relevant nodes answer together."""

    def __init__(self, state: ProxyState, asked: Asked) -> None:
        self._state = state
        self._asked = asked
        self._gathered = Gathered()
        self._errors: dict[NodeName, bytes] = {}
        self._settled = False

    def start(self) -> None:
        """Ask every relevant node that is linked."""
        state, asked = self._state, self._asked
        links = [
            link
            for link in state.links_of(asked.frame.tenant)
            if _relevant(link, asked.frame.tenant, asked.frame.media)
        ]
        if not links:
            state.refuse(asked, Code.NO_SERVERS)
            return
        ready = []
        for link in links:
            code = state.no_way_to(link, asked.client)
            if code == Code.BUSY:
                state.refuse(asked, code)
                return
            if code:
                self._gathered.absent.add(link.name)
            else:
                ready.append(link)
        if not ready:
            state.refuse(asked, Code.NOT_ACCESSIBLE)
            return
        for link in ready:
            self._gathered.awaited.add(link.name)
            state.forward(link, asked, self)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node answered."""
        if self._settled:
            return
        gathered = self._gathered
        gathered.awaited.discard(link.name)
        if frame.kind == Kind.ERROR:
            error = decode(frame)
            assert isinstance(error, EventError)
            gathered.refusals[link.name] = error.error_code
            self._errors[link.name] = frame.raw
        else:
            attributes = raw_attributes(body)
            gathered.answers[link.name] = attributes
        self._settle()

    def lost(self, link: Link, pending: Pending) -> None:
        """One node will not answer."""
        if self._settled:
            return
        self._gathered.awaited.discard(link.name)
        self._gathered.lost.add(link.name)
        self._settle()

    def _settle(self) -> None:
        state, gathered = self._state, self._gathered
        try:
            if gathered.awaited and not state.strategies.merge.settled(gathered):
                return
            gathered.lost |= gathered.awaited
            merged = state.strategies.merge.merge(gathered)
        except Exception as problem:
            state.note(
                "error",
                "Merge policy {policy} failed: {problem!r}",
                policy=state.strategies.merge_name,
                problem=problem,
            )
            self._settled = True
            state.refuse(self._asked, Code.STRATEGY_FAILED)
            return
        self._settled = True
        self._answer(merged)

    def _answer(self, merged: Merged) -> None:
        state, asked = self._state, self._asked
        if merged.refused_by is not None and merged.refused_by in self._errors:
            state.answer(asked, self._errors[merged.refused_by])
            return
        if merged.code:
            state.refuse(asked, merged.code)
            return
        row = BY_NAME[BY_CODE[asked.frame.name].answer]
        bodies = [
            self._gathered.answers[node] for node in merged.nodes if node in self._gathered.answers
        ]
        try:
            body = merge_bodies(row, bodies)
        except SameIdTwice:
            state.refuse(asked, Code.MORE_THAN_ONE)
            return
        except (msgspec.DecodeError, RemoteProtocolError) as problem:
            state.refuse(asked, Code.INTERNAL, f"an answer could not be merged: {problem}")
            return
        state.answer_body(asked, row, body, Flag.PARTIAL if merged.partial else Flag(0))


def _relevant(link: Link, tenant: int, media_type: str) -> bool:
    """Whether interactions of the media type may be on the node."""
    if not media_type or link.facts.media_types is None or media_type in link.facts.media_types:
        return True
    load = link.loads.get(tenant)
    return load is not None and media_type in load.media_types
