"""
One reporting stream out of many.

Theory of operation: every source, a node or a proxy, has a stream that begins
with the states of its agents, and then says what happens. The composer keeps
what each source knows (`composite_sources`) and makes of it the one state of
each agent (`composite_agents`); events about interactions come from the one
node that has them and pass as they are. One that is about an agent who is not
logged in is dropped and counted.

A stream with a gap, with a repeat, or that says it is lost, is of no use: nothing
of it is applied until it begins anew, and the caller is asked to see to that
(`wants_restart`). Its new states are then compared with what was known of it, and
the differences are told as the events that would have said so, marked `Resync`.
So it is with a source that was away. While it is away what is known of it stays:
nobody is logged out by that, and its interactions stay with their agents. Only whom
the whole state of another lacks is out, when the grace has passed and nobody there has her.

Who subscribes in mid-flight is given `states`: the same composite that the
events change.

What a restart loses, and who restores it: all of it; the streams of all
sources begin with whole states.
"""

from __future__ import annotations

from collections import Counter

from ixproxy import messages as m
from ixproxy.core.composite_agents import OVER, REFLECTIONS, WITHOUT_STATE, CompositeAgents
from ixproxy.core.composite_availability import Availability
from ixproxy.core.composite_glances import rests_on, unchanged
from ixproxy.core.composite_reading import difference_of, holding_of, session_of, shown_to
from ixproxy.core.composite_sources import BEYOND, AgentKey, Held, Phase, Source, origin_of
from ixproxy.core.composite_telling import DIFFERENCES, Composite
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Event, KeyValues, Party
from ixproxy.messages.reporting import InteractionEvent, PartyEvent
from ixproxy.values import Stamp
from ixproxy.wire.shortening import SHORTENED
from ixproxy.wire.streams import BEGIN, END, LOST

__all__ = ["COUNTED", "Composer"]

BEFORE_STATE = "events before a state"
UNKNOWN = "events that are of no stream"
GAPS, REPEATS, LOST_STREAMS, RESYNCS = "gaps", "repeats", "lost streams", "resyncs"

COUNTED = (
    BEFORE_STATE,
    BEYOND,
    DIFFERENCES,
    GAPS,
    LOST_STREAMS,
    OVER,
    REFLECTIONS,
    REPEATS,
    RESYNCS,
    UNKNOWN,
    WITHOUT_STATE,
)
"""What is counted."""


class Composer:
    """
    The reporting streams of some sources as one stream.

    Events that it gives have no numbers of a stream; these are the caller's.

    :ivar wants_restart: sources whose stream must begin anew; the caller takes
        them off as it asks for that.
    :ivar counters: how often what is in `COUNTED` has happened.
    """

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self.wants_restart: set[str] = set()
        self.counters: Counter[str] = Counter()
        self._agents = CompositeAgents(self._sources, self.counters)
        self._available = Availability()

    def __len__(self) -> int:
        """Entries kept, for the sources and for what all of them make together."""
        return len(self._agents) + len(self._available) + sum(map(len, self._sources.values()))

    def source_joined(self, source: str, dbid: int) -> None:
        """
        A stream of a source was asked for; its `Begin` will come.

        :param dbid: of the node; 0: it is a proxy.
        """
        known = self._sources.setdefault(source, Source(source, dbid))
        known.begin(dbid)
        self.wants_restart.discard(source)

    def source_lost(self, source: str) -> list[Event]:
        """
        A source is away; nothing is over by this that may go on there.

        :return: what is to be told.
        """
        known = self._sources.get(source)
        self.wants_restart.discard(source)
        self._available.lost(source)
        if known is None:
            return []
        known.phase, known.states = Phase.AWAY, {}
        if not known.counts:
            return []
        known.counts = False
        self._agents.not_expected(known)
        for key in sorted(known.sessions):
            if rests_on(known, self._agents.get(key)):
                self._agents.settle(key)
        return self._agents.take()

    def source_removed(self, source: str) -> list[Event]:
        """
        A source left for good; what only it had is over.

        :return: what is to be told.
        """
        known = self._sources.pop(source, None)
        self.wants_restart.discard(source)
        self._available.lost(source)
        if known is None:
            return []
        known.counts = False
        self._agents.not_expected(known)
        for key in sorted(known.sessions.keys() | known.held.keys()):
            agent = self._agents.get(key)
            if agent is not None:
                self._agents.take_away(known, key, agent)
            if key in known.sessions:
                self._agents.gone(known, key)
        return self._agents.take()

    @property
    def waits(self) -> bool:
        """Whether something may be over by time alone: `time_passed` is to be called."""
        return bool(self._agents.missing)

    def time_passed(self, now: float, grace: float) -> list[Event]:
        """
        Some time passed: who is missing on all sources that are there may be out.

        :param now: seconds, by any clock that does not go back.
        :param grace: seconds for which an agent must have been missing.
        :return: what is to be told.
        """
        if not self.waits:
            return []
        self._agents.time_passed(now, grace)
        return self._agents.take()

    def synced(self, source: str) -> bool:
        """Whether the whole state of a source is known, and its events follow."""
        known = self._sources.get(source)
        return known is not None and known.phase is Phase.LIVE

    def event_received(self, source: str, event: Event) -> list[Event]:
        """
        A source sent an event of its stream.

        :return: what is to be told, in order.
        """
        known = self._sources.get(source)
        if known is None or known.phase is Phase.AWAY:
            self.counters[UNKNOWN] += 1
            return []
        if isinstance(event, m.EventActivityReport):
            self._bracket(known, event)
        elif known.phase is Phase.STATES and isinstance(event, m.EventPlaceAgentState):
            self._state(known, event)
        elif known.phase is not Phase.LIVE:
            self.counters[BEFORE_STATE] += 1
        elif not event.reporting_event_sequence_number:
            self.counters[UNKNOWN] += 1
        elif trouble := known.trouble_with(event):
            self._broken(known, trouble)
        else:
            self._agents.passed(event.event_time)
            self._live(known, event)
        return self._agents.take()

    def states(self, tenants: frozenset[int]) -> list[m.EventPlaceAgentState]:
        """The agents of some tenants as they are by what was told, by tenant and name."""
        found = sorted(
            ((key, agent) for key, agent in self._agents if key[0] in tenants),
            key=lambda each: each[0],
        )
        return [self._shown(key, agent) for key, agent in found]

    def _shown(self, key: AgentKey, agent: Composite) -> m.EventPlaceAgentState:
        holding = {
            identifier: held
            for each in self._sources.values()
            for identifier, held in each.held.get(key, {}).items()
            if held.told
        }
        return m.EventPlaceAgentState(
            event_time=agent.time,
            event_number=agent.origin.number,
            dbid=agent.origin.dbid,
            tenant_id=key[0],
            agent_id=key[1],
            place_id=agent.place,
            agent_session=agent.stamp,
            media_list=dict(agent.state.media),
            donot_disturb=agent.state.donot_disturb,
            media_reasons=dict(agent.state.media_reasons),
            state_reason=agent.state.state_reason,
            logged_in_at=agent.logged_in_at,
            interactions={
                identifier: shown_to(held.properties, held.party)
                for identifier, held in holding.items()
            },
            parties={identifier: held.party for identifier, held in holding.items()},
        )

    def _broken(self, source: Source, trouble: str) -> None:
        self.counters[trouble] += 1
        source.phase, source.states = Phase.BROKEN, {}
        self.wants_restart.add(source.name)

    def _bracket(self, source: Source, event: m.EventActivityReport) -> None:
        if event.activity == BEGIN:
            source.announce(event.reporting_event_sequence_number, event.number_of_agents)
        elif event.activity == LOST:
            self._broken(source, LOST_STREAMS)
        elif event.activity != END or source.phase is not Phase.STATES:
            self.counters[BEFORE_STATE if event.activity == END else UNKNOWN] += 1
        elif len(source.states) != source.announced:
            self._broken(source, GAPS)
        else:
            self._compare(source)

    def _state(self, source: Source, event: m.EventPlaceAgentState) -> None:
        if trouble := source.add_state(event):
            self._broken(source, trouble)

    def _compare(self, source: Source) -> None:
        """All states of a source are there: make it known, and tell what is new."""
        states, source.states = source.states, {}
        source.phase = Phase.LIVE
        if source.counts or source.sessions or source.held:
            self.counters[RESYNCS] += 1
        source.counts = True
        self._agents.not_expected(source)
        for key in sorted(states.keys() | source.sessions.keys() | source.held.keys()):
            state = states.get(key)
            if state is not None and unchanged(source, key, self._agents.get(key), state):
                continue
            was = self._put_down(source, key, state)
            if state is not None:
                self._agents.logged_in(source, key, session_of(state), None)
            elif key in source.sessions:
                self._agents.gone(source, key)
            if state is not None:
                self._take_up(source, key, was)
        for key, agent in self._agents:
            if not agent.authority:
                self._agents.missing.note(key)

    def _put_down(
        self, source: Source, key: AgentKey, state: m.EventPlaceAgentState | None
    ) -> dict[str, KeyValues]:
        """
        Take the interactions that a new state names; what is not there is told.

        :return: those that were there before, with their old properties.
        """
        now = holding_of(state) if state is not None else {}
        less = state is not None and SHORTENED in state.extension
        agent = self._agents.get(key)
        was: dict[str, KeyValues] = {}
        for identifier in tuple(source.held.get(key, ())):
            if less and not now:
                # The state had no room for any: nothing is known to be over.
                continue
            held = source.put_down(key, identifier)
            assert held is not None
            there = now.get(identifier)
            if there is not None and there.party == held.party:
                there.told = held.told
                if less:
                    there.properties = {**held.properties, **there.properties}
                was[identifier] = held.properties
            elif agent is not None and held.told:
                origin = origin_of(state) if state is not None else agent.origin
                self._agents.say_party(m.EventPartyRemoved, key, agent, identifier, held, origin)
        for identifier, held in now.items():
            source.take_in_hand(key, identifier, held)
        return was

    def _take_up(self, source: Source, key: AgentKey, was: dict[str, KeyValues]) -> None:
        agent = self._agents.get(key)
        if agent is None:
            return
        self._agents.tell_holding(source, key, agent)
        for identifier, properties in was.items():
            held = source.held[key][identifier]
            difference = difference_of(properties, held.properties)
            if any(difference.values()):
                origin = source.sessions[key].origin
                self._agents.say_of_interaction(
                    m.EventPropertiesChanged, key, agent, identifier, held, origin, **difference
                )

    def _live(self, source: Source, event: Event) -> None:
        """An event that happened."""
        agents = self._agents
        if isinstance(event, m.EventMassAgentLogout):
            agents.all_out(source, event)
        elif isinstance(event, m.EventAgentAvailable | m.EventAgentNotAvailable):
            if self._available.said(source.name, event):
                agents.tell(event)
            else:
                self.counters[REFLECTIONS] += 1
        elif isinstance(event, AgentEvent):
            key = event.tenant_id, event.agent_id
            if isinstance(event, m.EventAgentLogin):
                if event.agent_session is None:
                    self.counters[WITHOUT_STATE] += 1
                else:
                    agents.logged_in(source, key, session_of(event), event)
            elif isinstance(event, m.EventAgentLogout):
                agents.logged_out(source, key, event)
            else:
                agents.changed(source, key, event)
        elif isinstance(event, PartyEvent) and event.agent_session is not None:
            self._of_party(source, event, Stamp(*event.agent_session))
        else:
            if isinstance(event, InteractionEvent):
                self._of_interaction(source, event)
            agents.tell(event)

    def _of_party(self, source: Source, event: PartyEvent, stamp: Stamp) -> None:
        """An agent joined an interaction, or left it, or is to join it."""
        key = event.tenant_id, event.agent_id
        agent = self._agents.get(key)
        known = agent is not None and stamp <= agent.stamp
        if isinstance(event, m.EventPartyAdded):
            party = event.party or Party(agent_id=event.agent_id)
            held = Held(party, stamp, event.interaction, told=known)
            source.take_in_hand(key, event.interaction_id, held)
        elif isinstance(event, m.EventPartyRemoved):
            source.put_down(key, event.interaction_id)
        self._of_interaction(source, event)
        if agent is not None and known:
            self._agents.tell_of(agent, event)
        else:
            self.counters[WITHOUT_STATE] += 1

    def _of_interaction(self, source: Source, event: InteractionEvent) -> None:
        """Keep the properties of what agents have in hand."""
        stopped = isinstance(event, m.EventProcessingStopped)
        for key, held in source.holders_of(event.interaction_id):
            if stopped:
                source.put_down(key, event.interaction_id)
            elif event.interaction:
                held.properties = event.interaction
