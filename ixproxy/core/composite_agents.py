"""
The one state of each agent that reporting clients see, and the events that lead to it.

Theory of operation: every node reports each agent session, and each change of
it, by itself. Here they become one session with one state.

*Login*: told when the first source reports a session that is newer than what is
known, with the media of that source.

*Authority*: of the states that sources report one counts, that of the session's
home (the node whose dbid is the stamp's) where it has the session, else that of
the source that was the authority before, else of the first by name that has it.
What the others say is a reflection. When the authority changes, the differences
are told, marked `Resync`.

*Echoes*: a session may be told by another source before its home, whose stream is
slower. What was told since then is kept, and when the home reports the same
login, the same changes are expected from it and not told again. A home that
says something else is right, and differences are told.

*Logout*: told when no source that counts has the session any more, and one has
said that it is over; or when no source has it at all; or when only sources have
it that are away, and that lasts behind a whole state (`composite_missing`). A newer session ends an
older one first. A source that is away neither keeps a session nor ends it. When
the authority has said that it is over, no change is told any more, only the end.

*Mass logout*: a source that says that many are out says so of each of them.
Those who are finally out by one input, and of whom a source said so, are told
together, for each application and tenant; one whom the last source itself
logged out by name is told by name.

*What is over* is remembered for a while (`composite_ended`), for sources whose
streams are slow.

What a restart loses, and who restores it: all of it; the streams of all
sources begin with whole states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.core.composite_ended import EndedSessions
from ixproxy.core.composite_missing import Missing
from ixproxy.core.composite_sources import AgentKey, Origin, Phase, Session, Source, origin_of
from ixproxy.core.composite_states import changed, differences
from ixproxy.core.composite_telling import Composite, Telling, agent_event
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Event

MOST_ECHOES = 100
"""Changes that a home may be late with; with more it is compared."""

OVER = "events of sessions that are over"
WITHOUT_STATE = "events without a state"
REFLECTIONS = "reflections"


class CompositeAgents(Telling):
    """
    All agents that are logged in, told from what each source knows.

    :param sources: by name; kept up by the caller.
    :ivar missing: those whom no source has that is there.
    """

    def __init__(self, sources: Mapping[str, Source], counters: Counter[str]) -> None:
        super().__init__(counters)
        self._sources = sources
        self._agents: dict[AgentKey, Composite] = {}
        self._ended = EndedSessions()
        self.missing = Missing()

    def __len__(self) -> int:
        """Entries kept."""
        return len(self._agents) + len(self._ended) + len(self.missing)

    def __iter__(self) -> Iterator[tuple[AgentKey, Composite]]:
        return iter(self._agents.items())

    def get(self, key: AgentKey) -> Composite | None:
        """The agent, if logged in."""
        return self._agents.get(key)

    def take(self) -> list[Event]:
        """What is to be told by now."""
        told = super().take()
        for event in told:
            if isinstance(event, m.EventMassAgentLogout):
                self._ended.told(event)
        return told

    def passed(self, time: float) -> None:
        """A source's clock shows `time`: what is long over is forgotten."""
        self._ended.passed(time)

    def time_passed(self, now: float, grace: float) -> None:
        """Some time passed: who was missing all the while is out."""
        sources = self._sources.values()
        comes = any(each.phase is Phase.STATES for each in sources)
        if comes or not any(each.counts for each in sources):
            self.missing.wait()
            return
        for key in self.missing:
            agent = self._agents[key]
            those = [each for each in sources if each.has(key, agent.stamp)]
            if not those or any(each.counts for each in those):
                self.missing.found(key)
            elif self.missing.is_overdue(key, now, grace):
                self._end(key, agent, None, said=False)

    def logged_in(
        self, source: Source, key: AgentKey, session: Session, event: m.EventAgentLogin | None
    ) -> None:
        """
        A source has an agent session.

        :param event: what said so; None: an initial state.
        """
        older = source.sessions.get(key)
        if older is not None:
            if older.stamp == session.stamp:
                session.over = older.over
            else:
                self._by_name(key)
                self.gone(source, key)
        source.sessions[key] = session
        agent = self._agents.get(key)
        if agent is None:
            session.over = session.over or self._ended.has(key, session.stamp, source.name)
            if not session.over:
                self._begin(source, key, session, event)
        elif session.stamp > agent.stamp:
            self._supersede(key, agent, session.origin)
            self._begin(source, key, session, event)
        elif session.stamp < agent.stamp:
            session.over = True
        else:
            session.over = False
            if source.name in agent.left:
                agent.left.discard(source.name)
                agent.closing = False
                if not agent.left:
                    agent.logout = agent.mass = None
            self._also_there(source, key, agent, session, event)

    def logged_out(self, source: Source, key: AgentKey, event: m.EventAgentLogout) -> None:
        """A source says that an agent session is over."""
        session = source.sessions.get(key)
        if session is None or (event.agent_session or session.stamp) != session.stamp:
            self._counters[WITHOUT_STATE] += 1
            return
        known = self._agents.get(key)
        counts = known is not None and known.authority == source.name
        agent = self._out(source, key)
        if agent is not None:
            # As of other changes, the authority knows best who did it.
            if counts or not (agent.closing and agent.logout is not None):
                agent.logout = event
            self.settle(key, event)

    def all_out(self, source: Source, event: m.EventMassAgentLogout) -> None:
        """A source says that the sessions of many agents are over."""
        mass = replace(event, agents=[], number_of_agents=0)
        for name in event.agents:
            key = event.tenant_id, name
            if key not in source.sessions:
                self._counters[WITHOUT_STATE] += 1
                continue
            agent = self._out(source, key)
            if agent is not None:
                agent.mass = mass
                self.settle(key)

    def gone(self, source: Source, key: AgentKey) -> None:
        """A new state of a source lacks an agent session that it had."""
        agent = self._out(source, key, lacking=True)
        if agent is not None:
            self.settle(key)

    def _out(self, source: Source, key: AgentKey, *, lacking: bool = False) -> Composite | None:
        """The agent, if this was the session that was told."""
        session = source.sessions.pop(key)
        agent = self._agents.get(key)
        if agent is None or agent.stamp != session.stamp:
            self._ended.left(key, session.stamp, source.name)
            return None
        agent.left.add(source.name)
        if source.name == agent.authority:
            agent.authority = ""
            agent.closing = agent.closing or not lacking
            agent.first, agent.echoes = None, []
        return agent

    def changed(self, source: Source, key: AgentKey, event: AgentEvent) -> None:
        """A source reports a change of an agent session, or something else of it."""
        session = source.sessions.get(key)
        if session is None or (event.agent_session or session.stamp) != session.stamp:
            self._counters[WITHOUT_STATE] += 1
            return
        session.state = changed(session.state, event)
        session.origin = origin_of(event)
        agent = self._agents.get(key)
        if agent is None or session.over or agent.closing or agent.stamp != session.stamp:
            self._counters[OVER] += 1
        elif agent.authority != source.name:
            self._counters[REFLECTIONS] += 1
        elif agent.echoes and agent.first is None:
            self._echoed(source, key, agent, session, event)
        else:
            if agent.first is not None:
                agent.echoes.append(event)
                if len(agent.echoes) > MOST_ECHOES:
                    agent.first, agent.echoes = None, []
            agent.state = changed(agent.state, event)
            self.tell_of(agent, event)

    def settle(self, key: AgentKey, last: m.EventAgentLogout | None = None) -> None:
        """
        Ends an agent session if it is over; else sees to its authority.

        :param last: the logout by which it may be over.
        """
        agent = self._agents.get(key)
        if agent is None:
            return
        those = [each for each in self._sources.values() if each.has(key, agent.stamp)]
        said = agent.logout is not None or agent.mass is not None
        there = any(each.counts for each in those)
        if not there and (said or not those):
            self._end(key, agent, last)
            return
        self.see_to_authority(key, agent)
        left = (each for each in self._sources.values() if each.name in agent.left)
        if not there and any(each.counts for each in left):
            # Its whole state came before the last who had her was lost; it counts as one after.
            self.missing.note(key)

    def see_to_authority(self, key: AgentKey, agent: Composite) -> None:
        """Find whose events count; tell what is different there."""
        if agent.closing:
            return
        found = self._authority_of(key, agent)
        name = found.name if found is not None else ""
        if name != agent.authority:
            agent.authority = name
            agent.first, agent.echoes = None, []
        if found is None or (agent.echoes and agent.first is None):
            return
        self._compare(key, agent, found.sessions[key])

    def _authority_of(self, key: AgentKey, agent: Composite) -> Source | None:
        those = [
            each for each in self._sources.values() if each.counts and each.has(key, agent.stamp)
        ]
        for each in those:
            if each.dbid == agent.stamp.dbid or len(those) == 1:
                return each
        if any(each.name == agent.authority for each in those):
            return self._sources[agent.authority]
        return min(those, key=lambda each: each.name, default=None)

    def _compare(self, key: AgentKey, agent: Composite, session: Session) -> None:
        if agent.state == session.state:
            return
        for kind, attributes in differences(agent.state, session.state):
            self.say(key, agent, kind, session.origin, **attributes)
        agent.state = session.state

    def _begin(
        self, source: Source, key: AgentKey, session: Session, event: m.EventAgentLogin | None
    ) -> None:
        agent = self._agents[key] = Composite(
            stamp=session.stamp,
            place=session.place,
            state=session.state,
            logged_in_at=session.logged_in_at,
            time=self._ended.forget(key),
            origin=session.origin,
            authority=source.name,
        )
        if event is not None:
            self.tell_of(agent, event)
            agent.logged_in_at = agent.time
            others = (each for each in self._sources.values() if each is not source)
            if any(each.is_late_home_of(key, session.stamp) for each in others):
                agent.first = session.state
        else:
            state = session.state
            self.say(
                key,
                agent,
                m.EventAgentLogin,
                session.origin,
                media_list=dict(state.media),
                donot_disturb=state.donot_disturb,
                media_reasons=dict(state.media_reasons),
                state_reason=state.state_reason,
            )
        for each in self._sources.values():
            other = each.sessions.get(key)
            if other is not None:
                other.over = other.stamp != session.stamp
            if each.counts:
                self.tell_holding(each, key, agent)
        self.see_to_authority(key, agent)

    def not_expected(self, source: Source) -> None:
        """What a source was late with will not come: its stream begins anew, or is lost."""
        for agent in self._agents.values():
            if agent.stamp.dbid == source.dbid:
                agent.first, agent.echoes = None, []

    def _also_there(
        self,
        source: Source,
        key: AgentKey,
        agent: Composite,
        session: Session,
        event: m.EventAgentLogin | None,
    ) -> None:
        """Another source has the session that was told."""
        if source.dbid == agent.stamp.dbid:
            expected = event is not None and agent.first == session.state and not agent.closing
            agent.first = None
            if expected and agent.echoes:
                agent.authority = source.name
                return
            agent.echoes = []
        self.see_to_authority(key, agent)

    def _echoed(
        self, source: Source, key: AgentKey, agent: Composite, session: Session, event: AgentEvent
    ) -> None:
        """The home, which is late, reports a change: one that was told, or another."""
        expected = agent.echoes[0]
        same = type(expected) is type(event) and (
            getattr(expected, "media_type_name", "") == getattr(event, "media_type_name", "")
        )
        if same:
            del agent.echoes[0]
            self._counters[REFLECTIONS] += 1
            if agent.echoes:
                return
        else:
            agent.echoes = []
            agent.state = changed(agent.state, event)
            self.tell_of(agent, event)
        self._compare(key, agent, session)

    def _by_name(self, key: AgentKey) -> None:
        """An agent who was lost with others is told by name, for a login follows."""
        agent = self._agents.get(key)
        if agent is None or agent.mass is None:
            return
        mass, agent.mass = agent.mass, None
        if agent.logout is None:
            origin = origin_of(mass)
            agent.logout = agent_event(key, agent, m.EventAgentLogout, origin, reason=mass.reason)

    def _supersede(self, key: AgentKey, agent: Composite, newer: Origin) -> None:
        """A newer session begins: the older one is over, whoever still has it."""
        self._by_name(key)
        agent.origin = newer
        self._end(key, agent, None, superseded=True)

    def _end(
        self,
        key: AgentKey,
        agent: Composite,
        last: m.EventAgentLogout | None,
        *,
        superseded: bool = False,
        said: bool = True,
    ) -> None:
        if not superseded:
            for each in self._sources.values():
                # A proxy tells the newer session before all of its nodes have ended this one.
                if each.dbid or not each.counts:
                    self.take_away(each, key, agent)
        if last is None and agent.mass is not None:
            self.tell_among_many(key, agent, agent.mass)
        elif (event := agent.logout or last) is not None:
            self.tell_of(agent, event)
        else:
            self.say(key, agent, m.EventAgentLogout, agent.origin)
        del self._agents[key]
        self.missing.found(key)
        self._ended.add(key, agent, said=said)
        for each in self._sources.values():
            session = each.sessions.get(key)
            if said and session is not None and session.stamp <= agent.stamp:
                session.over = True
