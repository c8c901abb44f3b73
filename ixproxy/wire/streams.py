"""
Reporting streams: what belongs into one, and how its events are numbered.

Theory of operation: nodes and proxies alike tell reporting clients what
happens. A stream is about some tenants, and may be filtered; clients that want
the same share one, which is encoded once. A stream counts its events from 1:
one that misses a number has missed an event. A filtered stream counts as the
whole one does, and says with each event which number came before it there.
An initial state stands between two EventActivityReport, `Begin` and `End`;
`Begin` carries the number after which events follow, its states carry none.

A filter is a key-value list. Its keys, each of which narrows the stream:
`Events`, `MediaTypes`, `Agents` and `Places`, each with a key-value list whose
keys are names; values do not count. Events without a media type pass a
filter of media types, and events about no agent do not pass one of agents or
places. Agents who are logged out together pass where one of them does, and any
filter of places: the event does not name these. Of a state there is left what
is about the media types.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventMassAgentLogout, EventPlaceAgentState
from ixproxy.messages.message import Event, KeyValues
from ixproxy.wire.names import ROWS, Kind

BEGIN, END, LOST = "Begin", "End", "Lost"
"""The activities of an EventActivityReport."""

RESYNC = "Resync"
"""The key of an extension: 1 in events that say what was missed, not what happened just now."""

_BRACKETS = frozenset({"EventActivityReport", "EventPlaceAgentState"})
"""What every stream has, whatever its filter says of events."""


class StreamFilter(NamedTuple):
    """
    What belongs into a stream; None narrows nothing.

    :ivar tenants: empty: none.
    :ivar media_types: the media types that events are about.
    """

    tenants: frozenset[int]
    events: frozenset[str] | None = None
    media_types: frozenset[str] | None = None
    agents: frozenset[str] | None = None
    places: frozenset[str] | None = None

    @property
    def narrows(self) -> bool:
        """Whether it leaves out anything of its tenants."""
        return any(each is not None for each in self[1:])

    def accepts(self, event: Event) -> bool:
        """Whether `event` belongs into the stream."""
        tenant = getattr(event, "tenant_id", None)
        if tenant is not None and tenant not in self.tenants:
            return False
        if not self.narrows:
            return True
        name = type(event).__name__
        if self.events is not None and name not in self.events and name not in _BRACKETS:
            return False
        if self.media_types is not None:
            media = getattr(event, "media_type", "") or getattr(event, "media_type_name", "")
            if media and media not in self.media_types:
                return False
        if self.agents is None and self.places is None:
            return True
        if type(event) is EventMassAgentLogout:
            return self.places is not None or not (self.agents or frozenset()).isdisjoint(
                event.agents
            )
        party = getattr(event, "party", None)
        agent = getattr(event, "agent_id", "") or (party.agent_id if party else "")
        place = getattr(event, "place_id", "") or (party.place_id if party else "")
        return bool(
            (agent and agent in (self.agents or ())) or (place and place in (self.places or ()))
        )


class StreamKey(NamedTuple):
    """
    What belongs into a stream that some subscriptions of one client make
    together: whatever any of them asks for, once. Streams with equal keys are
    the same stream.
    """

    parts: frozenset[StreamFilter]

    @property
    def tenants(self) -> frozenset[int]:
        """The tenants that it is about."""
        return frozenset().union(*(part.tenants for part in self.parts))

    @property
    def narrows(self) -> bool:
        """Whether it leaves out anything of its tenants."""
        whole = (part.tenants for part in self.parts if not part.narrows)
        return frozenset[int]().union(*whole) != self.tenants

    def accepts(self, event: Event) -> bool:
        """Whether `event` belongs into the stream."""
        return any(part.accepts(event) for part in self.parts)

    def narrowed(self, state: EventPlaceAgentState) -> EventPlaceAgentState:
        """An agent's state, with what of it belongs into the stream."""
        media = self.media_types(state)
        if media is None:
            return state
        shown = {
            identifier: properties
            for identifier, properties in state.interactions.items()
            if properties.get("MediaType", "") in media
        }
        return msgspec.structs.replace(
            state,
            media_list={name: it for name, it in state.media_list.items() if name in media},
            media_reasons={name: it for name, it in state.media_reasons.items() if name in media},
            interactions=shown,
            parties={name: it for name, it in state.parties.items() if name in shown},
        )

    def media_types(self, state: Event) -> frozenset[str] | None:
        """The media types of which an agent's state is to be shown; None: of all."""
        found: frozenset[str] = frozenset()
        for part in self.parts:
            if part.accepts(state):
                if part.media_types is None:
                    return None
                found |= part.media_types
        return found


class Numbering:
    """
    The numbers of one stream.

    :ivar last: of its last event; 0: none yet.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        """The number of the next event of the whole stream."""
        self.last += 1
        return self.last


def numbered(event: Event, number: int, previous: int = 0) -> Event:
    """`event` with its place in a stream; `previous` counts in filtered ones."""
    return msgspec.structs.replace(
        event, reporting_event_sequence_number=number, previous_sequence_number=previous
    )


def tenants_of(values: KeyValues) -> frozenset[int]:
    """
    The tenants that a request names as values, under whatever keys.

    :raise RequestRefused: a value is no tenant id.
    """
    return frozenset(_tenant(key, value) for key, value in values.items())


def _tenant(key: str, value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise RequestRefused(Code.BAD_ATTRIBUTE, f"Tenants[{key!r}]: {value!r} is no tenant id")


_EVENTS = frozenset(row.name for row in ROWS if row.kind is Kind.EVENT)
_KEYS = {
    "Events": "events",
    "MediaTypes": "media_types",
    "Agents": "agents",
    "Places": "places",
}


def filter_of(
    tenants: Iterable[int],
    given: KeyValues,
    *,
    agents: Iterable[str] = (),
    places: Iterable[str] = (),
) -> StreamFilter:
    """
    The filter that a request asks for.

    :param given: its key-value list `Filter`.
    :param agents: named by themselves, as are `places`; they narrow together
        with those of the list.
    :raise RequestRefused: a key is not known, its value is no list of names, or
        there is no event of a name.
    """
    named: dict[str, frozenset[str]] = {}
    for key, value in given.items():
        attribute = _KEYS.get(key)
        if attribute is None:
            raise RequestRefused(
                Code.BAD_ATTRIBUTE, f"Filter[{key!r}]: expected one of {', '.join(_KEYS)}"
            )
        if not isinstance(value, dict | list) or not all(isinstance(name, str) for name in value):
            raise RequestRefused(
                Code.BAD_ATTRIBUTE, f"Filter[{key!r}]: expected a key-value list of names"
            )
        named[attribute] = frozenset(value)
    unknown = sorted(named.get("events", frozenset()) - _EVENTS)
    if unknown:
        raise RequestRefused(
            Code.BAD_ATTRIBUTE, f"Filter['Events']: {unknown[0]!r} is no event of a stream"
        )
    for attribute, more in (("agents", frozenset(agents)), ("places", frozenset(places))):
        if more:
            named[attribute] = named.get(attribute, frozenset()) | more
    return StreamFilter(frozenset(tenants), **named)
