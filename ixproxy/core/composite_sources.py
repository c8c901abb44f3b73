"""
One source of a composed stream: how far its stream is, and what it says of agents.

Theory of operation: a source's stream is awaited from the moment that it is
asked for, until its `Begin`. States are gathered until its `End` and then
compared with what is known; what follows is numbered without a gap. A stream that
breaks that rule, or that says that it is lost, is broken until it begins anew.
A source *counts* from its first `End` until it is lost: also while its
stream begins anew, for what was known of it is as good as ever.

What a restart loses, and who restores it: all of it; every stream begins with
the whole state of its source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ixproxy.core.composite_states import AgentState
from ixproxy.messages import EventPlaceAgentState
from ixproxy.messages.message import Event, KeyValues, Party
from ixproxy.values import Stamp

AgentKey = tuple[int, str]
"""Tenant and agent."""

MOST_AGENTS = 250_000
"""Agents of one source; a stream with more is of no use."""
MOST_IN_HAND = 1_000_000
"""Interactions that they may have in hand there, each counted for each of its agents."""
BEYOND = "streams of too much"


class Phase(Enum):
    """Where a stream is."""

    AWAITED = "its Begin is awaited"
    STATES = "its states come in"
    LIVE = "its events follow"
    BROKEN = "it must begin anew"
    AWAY = "there is none"


class Origin(NamedTuple):
    """Time, dbid and number of an event: what an event made from it goes by."""

    time: float = 0.0
    dbid: int = 0
    number: int = 0


def origin_of(event: Event) -> Origin:
    """That of `event`."""
    return Origin(event.event_time, event.dbid, event.event_number)


@dataclass(slots=True)
class Session:
    """
    One agent session as a source knows it.

    :ivar origin: of the last event about it.
    :ivar logged_in_at: when it began, by the clock of who told.
    :ivar over: for the composite it is over, or was never: nothing that this
        source says of it counts.
    """

    stamp: Stamp
    place: str
    state: AgentState
    origin: Origin
    logged_in_at: float = 0.0
    over: bool = False


@dataclass(slots=True)
class Held:
    """
    One interaction that an agent is a party of.

    :ivar told: the composed stream has said so.
    """

    party: Party
    stamp: Stamp | None
    properties: KeyValues
    told: bool = False

    @property
    def media_type(self) -> str:
        """What kind of interaction it is."""
        return str(self.properties.get("MediaType", ""))


Holding = dict[str, Held]
"""What an agent is a party of, by interaction id."""


@dataclass(slots=True)
class Source:
    """
    One source.

    :ivar dbid: of the node that it is; 0: a proxy.
    :ivar last: the number of the last event that was applied.
    :ivar counts: it has said what it knows, and was not lost since.
    :ivar announced: how many states are to come.
    :ivar states: those that have come, until `End`.
    :ivar sessions: the agents that are logged in there.
    :ivar held: what they have in hand there.
    """

    name: str
    dbid: int
    phase: Phase = Phase.AWAITED
    last: int = 0
    counts: bool = False
    announced: int = 0
    states: dict[AgentKey, EventPlaceAgentState] = field(default_factory=dict)
    sessions: dict[AgentKey, Session] = field(default_factory=dict)
    held: dict[AgentKey, Holding] = field(default_factory=dict)
    _holders: dict[str, list[AgentKey]] = field(default_factory=dict)
    _in_hand: int = 0
    _in_states: int = 0

    def has(self, key: AgentKey, stamp: Stamp) -> bool:
        """Whether the agent's session is there, and counts."""
        session = self.sessions.get(key)
        return session is not None and session.stamp == stamp and not session.over

    def is_late_home_of(self, key: AgentKey, stamp: Stamp) -> bool:
        """Whether it is the home of an agent session, and has yet to report the login."""
        return self.dbid == stamp.dbid != 0 and self.counts and not self.has(key, stamp)

    def begin(self, dbid: int) -> None:
        """A stream was asked for."""
        self.dbid = dbid
        self.phase = Phase.AWAITED
        self.states = {}

    def announce(self, number: int, count: int) -> None:
        """`Begin`: so many states follow, and after them the events after `number`."""
        self.phase = Phase.STATES
        self.last, self.announced = number, count
        self.states, self._in_states = {}, 0

    def add_state(self, state: EventPlaceAgentState) -> str:
        """
        One more of the states; a count that is announced is not believed.

        :return: what is wrong with it, as a counter calls it; empty: nothing.
        """
        if state.agent_session is None or len(self.states) >= self.announced:
            return "gaps"
        self._in_states += len(state.interactions)
        if len(self.states) >= MOST_AGENTS or self._in_states > MOST_IN_HAND:
            return BEYOND
        self.states[state.tenant_id, state.agent_id] = state
        return ""

    def trouble_with(self, event: Event) -> str:
        """
        What is wrong with the place of `event` in the stream; empty: nothing.

        :return: as a counter calls it.
        """
        number, previous = event.reporting_event_sequence_number, event.previous_sequence_number
        if number <= self.last:
            return "repeats"
        if (previous or number - 1) != self.last:
            return "gaps"
        if len(self.sessions) > MOST_AGENTS or self._in_hand > MOST_IN_HAND:
            return BEYOND
        self.last = number
        return ""

    def take_in_hand(self, key: AgentKey, identifier: str, held: Held) -> None:
        """An agent is a party of an interaction."""
        holding = self.held.setdefault(key, {})
        if identifier not in holding:
            self._holders.setdefault(identifier, []).append(key)
            self._in_hand += 1
        holding[identifier] = held

    def put_down(self, key: AgentKey, identifier: str) -> Held | None:
        """An agent is no party of an interaction any more; None: it was none."""
        holding = self.held.get(key)
        held = holding.pop(identifier, None) if holding else None
        if held is None:
            return None
        self._in_hand -= 1
        if not holding:
            del self.held[key]
        holders = self._holders[identifier]
        holders.remove(key)
        if not holders:
            del self._holders[identifier]
        return held

    def holders_of(self, identifier: str) -> Iterator[tuple[AgentKey, Held]]:
        """The agents that are parties of an interaction."""
        for key in tuple(self._holders.get(identifier, ())):
            yield key, self.held[key][identifier]

    def __len__(self) -> int:
        """Entries kept of it."""
        return len(self.states) + len(self.sessions) + len(self.held) + len(self._holders)
