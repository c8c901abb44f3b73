"""
Telling what happens to agents: composed events, made and timed.

Theory of operation: an event of a source is told as it is, but that the times
of one agent's events never go back, whatever the clocks of the sources say. What
was missed, or what sources disagree in, is told by events made here: marked
`Resync`, with the number of what they are made from. Those who are lost together
are gathered until all of one input is done, and told last.

What a restart loses, and who restores it: nothing is kept between inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.core.composite_sources import AgentKey, Held, Origin, Source, origin_of
from ixproxy.core.composite_states import AgentState
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Event
from ixproxy.messages.reporting import InteractionEvent
from ixproxy.values import Stamp
from ixproxy.wire.streams import RESYNC, numbered

DIFFERENCES = "differences"
"""What the events made here are counted as."""

MASS_BYTES = 128 << 10
"""Bytes of agents' names in one EventMassAgentLogout, as nodes have it: it must fit frames."""

_SAID = {RESYNC: 1}


@dataclass(slots=True)
class Composite:
    """
    One agent, logged in.

    :ivar state: as it was told.
    :ivar time: of the last event that was told of it.
    :ivar authority: the source whose events count; empty: none, all are away.
    :ivar left: sources that had the session and say that it is over.
    :ivar logout: what one of them said; None: it named nobody.
    :ivar mass: the last mass logout that the agent was in, without its agents.
    :ivar closing: the authority has said that it is over.
    :ivar first: the state that the session was told with, while its home is
        expected to report it later.
    :ivar echoes: the changes told since then that the home is expected to report.
    """

    stamp: Stamp
    place: str
    state: AgentState
    logged_in_at: float
    time: float
    origin: Origin
    authority: str = ""
    left: set[str] = field(default_factory=set)
    logout: m.EventAgentLogout | None = None
    mass: m.EventMassAgentLogout | None = None
    closing: bool = False
    first: AgentState | None = None
    echoes: list[AgentEvent] = field(default_factory=list)


class Telling:
    """What is to be told."""

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._told: list[Event] = []
        self._lost: dict[tuple[int, str], tuple[m.EventMassAgentLogout, list[str]]] = {}

    def take(self) -> list[Event]:
        """What is to be told by now; mass logouts last."""
        for mass, agents in self._lost.values():
            for some in _parts(agents):
                self._told.append(replace(mass, agents=some, number_of_agents=len(some)))
        self._lost.clear()
        told, self._told = self._told, []
        return [
            numbered(each, 0) if each.reporting_event_sequence_number else each for each in told
        ]

    def tell(self, event: Event) -> None:
        """An event of a source that is about no agent."""
        self._told.append(event)

    def tell_of(self, agent: Composite, event: Event) -> None:
        """An event about an agent; its time does not go back."""
        if event.event_time < agent.time:
            event = replace(event, event_time=agent.time)
        if isinstance(event, AgentEvent) and event.agent_session is None:
            # It is about the session that the source has, which is the one that is told.
            event = replace(event, agent_session=agent.stamp)
        agent.time = event.event_time
        agent.origin = origin_of(event)
        self._told.append(event)

    def say(
        self,
        key: AgentKey,
        agent: Composite,
        kind: type[AgentEvent],
        origin: Origin,
        **attributes: Any,
    ) -> None:
        """What was missed of an agent."""
        self._counters[DIFFERENCES] += 1
        made = agent_event(key, agent, kind, origin, extension=_SAID, **attributes)
        self.tell_of(agent, made)

    def say_of_interaction(
        self,
        kind: type[InteractionEvent],
        key: AgentKey,
        agent: Composite,
        identifier: str,
        held: Held,
        origin: Origin,
        **attributes: Any,
    ) -> None:
        """What was missed of an interaction that an agent is a party of, or was."""
        self._counters[DIFFERENCES] += 1
        event = kind(
            event_time=origin.time,
            event_number=origin.number,
            dbid=origin.dbid,
            tenant_id=key[0],
            media_type=held.media_type,
            interaction_id=identifier,
            interaction=held.properties,
            extension=_SAID,
            **attributes,
        )
        self.tell_of(agent, event)

    def take_away(self, source: Source, key: AgentKey, agent: Composite) -> None:
        """An agent is no party any more of what a source had told of."""
        for identifier, held in source.held.get(key, {}).items():
            if held.told:
                held.told = False
                self.say_party(m.EventPartyRemoved, key, agent, identifier, held, agent.origin)

    def tell_holding(self, source: Source, key: AgentKey, agent: Composite) -> None:
        """What an agent is a party of at a source, where that was not told yet."""
        session = source.sessions.get(key)
        origin = session.origin if session is not None else agent.origin
        for identifier, held in source.held.get(key, {}).items():
            if not held.told:
                held.told = True
                self.say_party(m.EventPartyAdded, key, agent, identifier, held, origin)

    def say_party(
        self,
        kind: type[m.EventPartyAdded | m.EventPartyRemoved],
        key: AgentKey,
        agent: Composite,
        identifier: str,
        held: Held,
        origin: Origin,
    ) -> None:
        """That an agent is a party, or is one no more."""
        more = {"agent_id": key[1], "agent_session": held.stamp or agent.stamp, "party": held.party}
        self.say_of_interaction(kind, key, agent, identifier, held, origin, **more)

    def tell_among_many(
        self, key: AgentKey, agent: Composite, mass: m.EventMassAgentLogout
    ) -> None:
        """An agent is out, with others of the same application."""
        application = mass.tenant_id, mass.application_name
        agent.time = max(agent.time, mass.event_time)
        told, agents = self._lost.get(application, (mass, []))
        if told.event_time < agent.time:
            told = replace(told, event_time=agent.time)
        agents.append(key[1])
        self._lost[application] = told, agents


def agent_event(
    key: AgentKey, agent: Composite, kind: type[AgentEvent], origin: Origin, **attributes: Any
) -> Any:
    """An event about an agent that no source has sent so."""
    return kind(
        event_time=origin.time,
        event_number=origin.number,
        dbid=origin.dbid,
        tenant_id=key[0],
        agent_id=key[1],
        place_id=agent.place,
        agent_session=agent.stamp,
        **attributes,
    )


def _parts(agents: list[str]) -> Iterator[list[str]]:
    """Names with room for them in one event each."""
    part: list[str] = []
    size = 0
    for name in agents:
        length = len(name.encode()) + 3
        if part and size + length > MASS_BYTES:
            yield part
            part, size = [], 0
        part.append(name)
        size += length
    yield part
