"""
One fan-out in flight: asked, answered, lost, settled, merged.

The merge policy says when it is settled and whose answers are used; the
names table says how their attributes become one. Attribute values stay
undecoded: a property that a node wrote reaches the client byte for byte.

What a restart loses, and who restores it: fan-outs in flight; their clients
fail them as in doubt when their connections break.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.state import Asked, ProxyState, error_code
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.interfaces import Gathered, Merged
from ixproxy.values import NodeName
from ixproxy.wire.bodies import join_bodies
from ixproxy.wire.names import BY_CODE, BY_NAME, Kind, Merge, NameRow
from ixproxy.wire.prefix import EMPTY_BODY, Flag, Frame

_raw_map = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_BAD_BODY = (msgspec.DecodeError, ValueError, RecursionError)


def raw_attributes(body: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """
    A body's attributes, their values undecoded.

    :raise RemoteProtocolError: it is not a map with string keys.
    """
    try:
        return _raw_map.decode(body)
    except _BAD_BODY as problem:
        raise RemoteProtocolError(Code.BAD_FRAME, f"body: {problem}") from problem


def attributes_of(body: bytes, row: NameRow) -> dict[str, msgspec.Raw]:
    """
    The attributes of a node's answer.

    :raise RemoteProtocolError: what must be united is no map: this node's fault alone.
    """
    attributes = raw_attributes(body)
    for name, how in row.merge.items():
        if how is Merge.UNION and name in attributes:
            raw_attributes(attributes[name])
    return attributes


def same_id_twice(answers: Iterable[Mapping[str, Any]]) -> bool:
    """
    Whether two answers name the same interaction.

    :raise RemoteProtocolError: `Interactions` of one is no map.
    """
    seen: set[str] = set()
    for attributes in answers:
        raw = attributes.get("Interactions")
        if raw is not None:
            identifiers = raw_attributes(raw).keys()
            if not seen.isdisjoint(identifiers):
                return True
            seen |= identifiers
    return False


class Gathering:
    """A request that all relevant nodes answer together."""

    def __init__(self, state: ProxyState, asked: Asked) -> None:
        self._state = state
        self._asked = asked
        self._gathered = Gathered()
        self._bodies: dict[NodeName, bytes] = {}
        self._errors: dict[NodeName, bytes] = {}
        self._partial: set[NodeName] = set()
        """Proxies whose answer is partial itself."""
        self._settled = False
        self._kept = 0

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
        if not state.fan_outs.begin(asked.client, state.settings.max_fan_outs):
            state.counters["busy"] += 1
            state.refuse(asked, Code.BUSY, "max-fan-outs are in flight")
            return
        for link in ready:
            self._gathered.awaited.add(link.name)
            state.forward(link, asked, self)

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One node answered."""
        if self._settled:
            return
        state, client = self._state, self._asked.client
        if client.gone:
            self._end()
            return
        most = state.settings.max_gathered
        if not state.fan_outs.keep(client, len(body), most):
            state.counters["busy"] += 1
            # Of one that is too much by itself nobody should hope that it fits later.
            alone = self._kept + len(body) > state.fan_outs.share(most)
            self._end()
            text = "max-gathered bytes of answers are kept"
            state.refuse(self._asked, Code.LIMIT_REACHED if alone else Code.BUSY, text)
            return
        self._kept += len(body)
        gathered = self._gathered
        if frame.kind == Kind.ERROR:
            gathered.refusals[link.name] = error_code(frame)
            self._errors[link.name] = frame.raw
        else:
            gathered.answers[link.name] = attributes_of(body, BY_NAME[self._asked.row.answer])
            self._bodies[link.name] = body
            if frame.flags & Flag.PARTIAL:
                self._partial.add(link.name)
        gathered.awaited.discard(link.name)
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
            merged = _checked(state.strategies.merge.merge(gathered))
        except Exception as problem:
            state.note(
                "error",
                "Merge policy {policy} failed: {problem!r}",
                policy=state.strategies.merge_name,
                problem=problem,
            )
            self._end()
            state.refuse(self._asked, Code.STRATEGY_FAILED)
            return
        self._answer(merged)
        self._end()

    def _end(self) -> None:
        """Whatever else comes is of no interest, and what came is not kept."""
        self._settled = True
        self._state.fan_outs.end(self._asked.client, self._kept)
        self._bodies, self._errors, self._gathered = {}, {}, Gathered()

    def _answer(self, merged: Merged) -> None:
        state, asked = self._state, self._asked
        if merged.refused_by is not None and merged.refused_by in self._errors:
            state.answer(asked, self._errors[merged.refused_by])
            return
        if merged.code:
            state.refuse(asked, merged.code)
            return
        row = BY_NAME[BY_CODE[asked.frame.name].answer]
        used = [node for node in merged.nodes if node in self._bodies]
        try:
            if same_id_twice(self._gathered.answers[node] for node in used):
                state.refuse(asked, Code.MORE_THAN_ONE)
                return
            body = join_bodies([self._bodies[node] for node in used], row) if used else EMPTY_BODY
        except RemoteProtocolError as problem:
            state.refuse(asked, Code.INTERNAL, f"an answer could not be merged: {problem}")
            return
        partial = merged.partial or not self._partial.isdisjoint(used)
        state.answer_body(asked, row, body, Flag.PARTIAL if partial else Flag(0))


def _checked(merged: object) -> Merged:
    """:raise TypeError: a policy answered with something else."""
    if not isinstance(merged, Merged) or not all(isinstance(node, str) for node in merged.nodes):
        raise TypeError(f"{merged!r} is no Merged")
    return merged


def _relevant(link: Link, tenant: int, media_type: str) -> bool:
    """Whether interactions of the media type may be on the node."""
    if not media_type or link.facts.media_types is None or media_type in link.facts.media_types:
        return True
    load = link.loads.get(tenant)
    return load is not None and media_type in load.media_types
