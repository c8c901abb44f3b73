"""
Pulls by ids: split by owner, the answers united.

What was taken is answered, flagged partial when anything is missing, with a
code for each missing id; an error only if nothing was taken. Nodes tell a
proxy the code of each id that they do not give, and refuse the request only
for reasons of its own; such a refusal comes first, as it does where there is
one server. So where nobody has any of the ids, one node is asked all the same.

While one owner is waited for, another may revoke what it gave already, and the
client has that event before the answer. What it does not hold any more as it
was taken is therefore left out, with the code NOT_A_PARTY.

What a restart loses, and who restores it: as for pulls by view.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ixproxy.core.gathering import raw_attributes
from ixproxy.core.links import Link
from ixproxy.core.locating import AskedSeeker
from ixproxy.core.pending import Pending
from ixproxy.core.pulling import takes_in
from ixproxy.core.state import Asked, ProxyState, decode_body, error_code
from ixproxy.errors import Code, describe
from ixproxy.messages import EventPulledInteractions, RequestPull
from ixproxy.values import NodeName
from ixproxy.wire.bodies import join_bodies, without_ids
from ixproxy.wire.codec import encode_map
from ixproxy.wire.names import BY_MESSAGE, Kind
from ixproxy.wire.prefix import Flag, Frame, with_body

_ROW = BY_MESSAGE[EventPulledInteractions]
_values = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])


class PullingByIds:
    """One pull by ids."""

    def __init__(self, state: ProxyState, asked: Asked, request: RequestPull) -> None:
        self._state = state
        self._asked = asked
        self._identifiers = list(request.pull_parameters)
        self._sought = len(self._identifiers)
        self._owners: dict[str, Link] = {}
        self._awaited: dict[Link, list[str]] = {}
        self._bodies: list[bytes] = []
        self._taken: dict[str, int] = {}
        self._errors: dict[str, int] = {}
        self._refusal = b""
        self._partial = Flag(0)

    def seekers(self) -> list[IdSought]:
        """One seeker for each id, to be given to the locator."""
        return [IdSought(self._asked, self, identifier) for identifier in self._identifiers]

    def owner_known(self, identifier: str, node: NodeName | None, code: int) -> None:
        """The owner of one id was found, or is not to be had."""
        self._sought -= 1
        if node is not None:
            self._owners[identifier] = self._state.links[node]
        else:
            self._errors[identifier] = code
        if not self._sought:
            self._pull()

    def _pull(self) -> None:
        """All owners are known, as far as they can be."""
        state, asked = self._state, self._asked
        if asked.client.gone:
            return
        if asked.cancelled or asked.due <= state.now:
            state.refuse(asked, Code.CANCELLED if asked.cancelled else Code.EXPIRED)
            return
        by_owner: dict[Link, list[str]] = {}
        for identifier, link in self._owners.items():
            code = state.no_way_to(link, asked.client)
            if code:
                self._errors[identifier] = code
            else:
                by_owner.setdefault(link, []).append(identifier)
        if set(self._errors.values()) == {Code.UNKNOWN_INTERACTION} and not by_owner:
            by_owner = self._anybody()
        self._awaited = by_owner
        if not by_owner:
            self._answer()
        for link, identifiers in list(by_owner.items()):
            state.forward(link, asked, self, self._frame_for(identifiers))

    def _anybody(self) -> dict[Link, list[str]]:
        """One node that can be asked, for all ids."""
        state, asked = self._state, self._asked
        for link in state.links_of(asked.frame.tenant):
            if not state.no_way_to(link, asked.client):
                return {link: self._identifiers}
        return {}

    def _frame_for(self, identifiers: list[str]) -> bytes:
        frame = self._asked.frame
        if len(identifiers) == len(self._identifiers):
            return frame.raw
        attributes: dict[str, Any] = raw_attributes(frame.body)
        parameters = _values.decode(attributes["PullParameters"])
        attributes["PullParameters"] = {name: parameters[name] for name in identifiers}
        return with_body(frame.raw, frame.body_at, encode_map(attributes))

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """One owner answered for its ids."""
        state, client = self._state, self._asked.client
        if frame.kind == Kind.ERROR:
            code = error_code(frame)
            self._refusal = self._refusal or frame.raw
            self._missing(dict.fromkeys(self._awaited.pop(link, []), code))
        else:
            answer = decode_body(frame, body)
            takes = takes_in(body)
            self._partial |= frame.flags & Flag.PARTIAL
            self._awaited.pop(link, None)
            if pending.abandoned or client.gone:
                for identifier, take in takes.items():
                    state.give_back(link, self._asked.frame.tenant, identifier, take)
            else:
                for identifier, take in takes.items():
                    client.took(identifier, take, link.name)
                self._taken |= takes
                if takes:
                    self._bodies.append(body)
                if isinstance(answer, EventPulledInteractions):
                    self._missing(answer.errors)
        if not self._awaited and not pending.abandoned:
            self._answer()

    def lost(self, link: Link, pending: Pending) -> None:
        """One owner will not answer: its ids are in doubt."""
        for identifier in self._awaited.pop(link, []):
            self._errors[identifier] = Code.LOST_CONNECTION
        if not self._awaited:
            self._answer()

    def _missing(self, errors: dict[str, int]) -> None:
        for identifier in self._identifiers:
            code = errors.get(identifier)
            if code is None:
                continue
            self._errors[identifier] = code
            if code == Code.UNKNOWN_INTERACTION:
                self._state.owners.forget(identifier.encode())

    def _overtaken(self) -> list[str]:
        """What the client had, and lost before it could know: it must not believe to have it."""
        holding = self._asked.client.holding
        return [
            identifier
            for identifier, take in self._taken.items()
            if identifier not in holding or holding[identifier][0] != take
        ]

    def _answer(self) -> None:
        state, asked = self._state, self._asked
        overtaken = self._overtaken()
        self._errors |= dict.fromkeys(overtaken, Code.NOT_A_PARTY)
        if len(overtaken) == len(self._taken):
            codes = list(self._errors.values())
            if Code.LOST_CONNECTION in codes:
                state.refuse(asked, Code.LOST_CONNECTION)
            elif self._refusal:
                state.answer(asked, self._refusal)
            elif codes and asked.client.behind_proxy:
                # As a node would: the proxy that asked may have other answers, and decides.
                nothing = EventPulledInteractions(errors=self._errors)
                state.answer_message(asked, nothing, partial=True)
            elif codes:
                first = next(each for each in self._identifiers if each in self._errors)
                code = self._errors[first]
                state.refuse(asked, code, f"{first!r}: {describe(code)}")
            else:
                partial = bool(self._partial)
                state.answer_message(asked, EventPulledInteractions(), partial=partial)
            return
        body = join_bodies(self._bodies, _ROW)
        if overtaken:
            body = without_ids(body, _ROW, overtaken)
        if self._errors:
            attributes: dict[str, Any] = raw_attributes(body)
            body = encode_map({**attributes, "Errors": self._errors})
        flags = Flag.PARTIAL if self._errors else self._partial
        state.answer_body(asked, _ROW, body, flags)


class IdSought(AskedSeeker):
    """One id of a pull by ids, waiting for its owner."""

    __slots__ = ("_identifier", "_pulling")

    def __init__(self, asked: Asked, pulling: PullingByIds, identifier: str) -> None:
        super().__init__(asked)
        self._pulling = pulling
        self._identifier = identifier

    @property
    def key(self) -> bytes:
        """The id as the locator knows it."""
        return self._identifier.encode()

    def owner_found(self, node: NodeName) -> None:
        """The owner is known."""
        self._pulling.owner_known(self._identifier, node, 0)

    def owner_missing(self, code: int) -> None:
        """It is not."""
        self._pulling.owner_known(self._identifier, None, code)
