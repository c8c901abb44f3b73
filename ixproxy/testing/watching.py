"""
What a reporting client may believe: the rules of a stream, checked as it is read.

A `StreamWatch` follows one stream and keeps of each agent what it has been
told. It is written from the rules alone and shares nothing with the composer;
it is told what its client was acknowledged (`acknowledged`). The rules:
an initial state stands between its brackets, numbers have no gap, nobody logs
in twice, nothing is told of who is not logged in, and nothing changes into
what it is already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.agents import AgentEvent, MediaEvent
from ixproxy.messages.message import Event, Message, Party, Reason
from ixproxy.messages.reporting import PartyEvent
from ixproxy.testing.steps import TENANT
from ixproxy.wire.streams import BEGIN, END, LOST, tenants_of
from ixproxy.wire.subscribing import Subscribed

AgentKey = tuple[int, str]
_NOT_TOLD = (
    m.EventForcedAgentStateChange,
    m.EventCurrentAgentStatus,
    m.EventAgentAvailable,
    m.EventAgentNotAvailable,
)
"""Events about agents that need no session."""


@dataclass(slots=True)
class Watched:
    """
    One agent as a stream has it.

    :ivar parties: interaction id to how the agent takes part.
    """

    stamp: tuple[int, ...] | None
    place_id: str
    media: dict[str, int]
    donot_disturb: int = 0
    media_reasons: dict[str, Reason] = field(default_factory=dict)
    state_reason: Reason | None = None
    parties: dict[str, Party] = field(default_factory=dict)
    told_at: float = 0.0

    def shown(self) -> dict[str, Any]:
        """Everything that two streams must agree in."""
        return {
            "session": self.stamp,
            "place": self.place_id,
            "media": dict(sorted(self.media.items())),
            "do not disturb": self.donot_disturb,
            "reasons": dict(sorted(self.media_reasons.items())),
            "reason": self.state_reason,
            "parties": {
                identifier: party.visibility_mode
                for identifier, party in sorted(self.parties.items())
            },
        }


class StreamWatch:
    """
    Reads what one reporting client is told.

    :param name: whose it is, for the problems.
    :ivar agents: by tenant and name, as they are now.
    :ivar problems: what must not be.
    :ivar streams: how many streams have begun.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.agents: dict[AgentKey, Watched] = {}
        self.problems: list[str] = []
        self.streams = 0
        self._expected: int | None = None
        self._last = 0
        self._running = False
        self._filtered = False
        self._subscribed = Subscribed()

    @property
    def whole(self) -> bool:
        """Whether its stream runs, and leaves out nothing."""
        return self._running and not self._filtered and self._expected is None

    @property
    def narrow(self) -> bool:
        """Whether it was asked for only a part of what there is."""
        return self._filtered

    @property
    def asked_for_any(self) -> bool:
        """Whether a stream was asked for that was not ended."""
        return self._subscribed.key is not None

    def differs_from(self, other: StreamWatch) -> list[str]:
        """In what two streams do not agree that have been told everything."""
        return self.differs({key: agent.shown() for key, agent in other.agents.items()}, other.name)

    def differs(self, wanted: dict[AgentKey, dict[str, Any]], whose: str) -> list[str]:
        """In what a stream does not agree with what is so, or with what another says."""
        problems = []
        for key in sorted(self.agents.keys() | wanted.keys()):
            mine = self.agents[key].shown() if key in self.agents else {}
            theirs = wanted.get(key, {})
            for what in sorted(mine.keys() | theirs.keys()):
                if mine.get(what) != theirs.get(what):
                    problems.append(
                        f"{self.name} believes that {what} of {key[1]} is {mine.get(what)!r}, "
                        f"{whose} says {theirs.get(what)!r}"
                    )
        return problems

    def acknowledged(self, request: Message) -> None:
        """A server has said yes; only to what asks for a stream, or for less of it, it matters."""
        match request:
            case m.RequestStartPlaceAgentStateReportingAll():
                tenants = tenants_of(request.tenants) or frozenset({TENANT})
                self._subscribed = self._subscribed.begin_all(tenants, request)
            case m.RequestStartPlaceAgentStateReporting():
                self._subscribed = self._subscribed.begin(request)
            case m.RequestStopPlaceAgentStateReportingAll():
                self._subscribed = self._subscribed.end_all()
            case m.RequestStopPlaceAgentStateReporting():
                self._subscribed = self._subscribed.end(request)
            case _:
                return
        if self._subscribed.key is None:
            self._stopped()

    def _stopped(self) -> None:
        self._running = False
        self.agents.clear()

    def event_received(self, event: Message) -> None:
        """Something came that belongs into a stream, or not."""
        assert isinstance(event, Event)
        if isinstance(event, m.EventActivityReport):
            self._bracket(event)
        elif isinstance(event, m.EventPlaceAgentState):
            self._state(event)
        elif event.reporting_event_sequence_number:
            self._live(event)
        elif isinstance(event, AgentEvent | PartyEvent) and not isinstance(event, _NOT_TOLD):
            self._wrong(event, "has no number")

    def _wrong(self, event: Event, what: str) -> None:
        named = [type(event).__name__]
        for name in ("agent_id", "interaction_id", "agent_session"):
            if getattr(event, name, None):
                named.append(str(getattr(event, name)))
        self.problems.append(f"{self.name}: {' '.join(named)} {what}")

    def _bracket(self, event: m.EventActivityReport) -> None:
        match event.activity:
            case "Begin":
                assert event.activity == BEGIN
                self.agents.clear()
                self.streams += 1
                key = self._subscribed.key
                self._running, self._filtered = True, key is not None and key.narrows
                self._expected = event.number_of_agents
                self._last = event.reporting_event_sequence_number
            case "End":
                assert event.activity == END
                if self._expected is None:
                    self._wrong(event, "End comes without Begin")
                elif self._expected != len(self.agents):
                    self._wrong(event, f"{len(self.agents)} agents, not {self._expected}")
                self._expected = None
            case "Lost":
                assert event.activity == LOST
                self._stopped()
            case other:
                self._wrong(event, f"is {other!r}")

    def _state(self, event: m.EventPlaceAgentState) -> None:
        key = event.tenant_id, event.agent_id
        if self._expected is None:
            self._wrong(event, "comes without Begin")
        if key in self.agents:
            self._wrong(event, "comes twice")
        if event.reporting_event_sequence_number:
            self._wrong(event, "has a number")
        if event.interactions.keys() != event.parties.keys():
            self._wrong(event, "names other interactions than parties")
        self.agents[key] = Watched(
            event.agent_session,
            event.place_id,
            dict(event.media_list),
            event.donot_disturb,
            dict(event.media_reasons),
            event.state_reason,
            dict(event.parties),
            event.event_time,
        )

    def _live(self, event: Event) -> None:
        number, previous = event.reporting_event_sequence_number, event.previous_sequence_number
        if not self._running:
            self._wrong(event, "comes outside of a stream")
        elif self._expected is not None:
            self._wrong(event, "comes before the end of the initial state")
        if self._filtered and previous != self._last:
            self._wrong(event, f"says that {previous} was before it, not {self._last}")
        if not self._filtered and number != self._last + 1:
            self._wrong(event, f"has number {number} after {self._last}")
        self._last = number
        if isinstance(event, m.EventMassAgentLogout):
            if event.number_of_agents != len(event.agents):
                self._wrong(event, f"counts {event.number_of_agents}, names {event.agents}")
            for agent in event.agents:
                gone = self.agents.pop((event.tenant_id, agent), None)
                if gone is None and self._shows(event.tenant_id, agent):
                    self._wrong(event, f"names {agent}, who is not logged in")
        elif isinstance(event, AgentEvent) and not isinstance(event, _NOT_TOLD):
            self._of_agent(event)
        elif isinstance(event, PartyEvent):
            self._of_party(event)

    def _shows(self, tenant_id: int, agent_id: str) -> bool:
        """
        Whether the stream has this agent when logged in. A filter of agents leaves out all
        others, and lets a mass logout pass whole that names one of its own.
        """
        key = self._subscribed.key
        return key is None or key.accepts(
            m.EventPlaceAgentState(tenant_id=tenant_id, agent_id=agent_id)
        )

    def _of_agent(self, event: AgentEvent) -> None:
        key = event.tenant_id, event.agent_id
        agent = self.agents.get(key)
        if isinstance(event, m.EventAgentLogin):
            if agent is not None:
                self._wrong(event, f"comes twice, before {agent.stamp}")
            self.agents[key] = Watched(
                event.agent_session,
                event.place_id,
                dict(event.media_list),
                event.donot_disturb,
                dict(event.media_reasons),
                event.state_reason,
                {},
                event.event_time,
            )
            return
        if agent is None:
            self._wrong(event, "is of nobody who is logged in")
            return
        if agent.stamp != event.agent_session:
            self._wrong(event, f"is of another session than {agent.stamp}")
        self._timed(event, agent)
        if isinstance(event, m.EventAgentLogout):
            del self.agents[key]
        elif isinstance(event, MediaEvent):
            self._of_media(event, agent)
        elif isinstance(event, m.EventDoNotDisturbOn | m.EventDoNotDisturbOff):
            state = int(isinstance(event, m.EventDoNotDisturbOn))
            if agent.donot_disturb == state:
                self._wrong(event, "changes nothing")
            agent.donot_disturb = state
        elif isinstance(event, m.EventAgentStateReasonChanged):
            agent.state_reason = event.reason

    def _of_media(self, event: MediaEvent, agent: Watched) -> None:
        name, media = event.media_type_name, agent.media
        if isinstance(event, m.EventMediaAdded):
            if name in media:
                self._wrong(event, f"{name} is there already")
            media[name] = 0
            return
        if name not in media:
            self._wrong(event, f"there is no {name}")
        if isinstance(event, m.EventMediaRemoved):
            media.pop(name, None)
            agent.media_reasons.pop(name, None)
        elif isinstance(event, m.EventReadyForMedia | m.EventNotReadyForMedia):
            state = int(isinstance(event, m.EventReadyForMedia))
            if media.get(name) == state:
                self._wrong(event, f"{name} is {state} already")
            media[name] = state
            self._reason(agent, name, event.reason)
        elif isinstance(event, m.EventMediaStateReasonChanged):
            self._reason(agent, name, event.reason)

    def _reason(self, agent: Watched, name: str, reason: Reason | None) -> None:
        """A state comes with its reason; one without has none."""
        if reason is None:
            agent.media_reasons.pop(name, None)
        else:
            agent.media_reasons[name] = reason

    def _of_party(self, event: PartyEvent) -> None:
        if event.agent_session is None or self._filtered:
            return
        agent = self.agents.get((event.tenant_id, event.agent_id))
        if agent is not None and agent.stamp is not None and event.agent_session < agent.stamp:
            # What a newer session has ended on all nodes may be told a moment later by some.
            # A stream that began in between has shown it until then.
            if isinstance(event, m.EventPartyRemoved):
                agent.parties.pop(event.interaction_id, None)
            return
        if agent is None:
            self._wrong(event, "is of nobody who is logged in")
            return
        if agent.stamp != event.agent_session:
            self._wrong(event, f"is of another session than {agent.stamp}")
        self._timed(event, agent)
        if isinstance(event, m.EventPartyAdded):
            if event.interaction_id in agent.parties:
                self._wrong(event, "comes twice")
            agent.parties[event.interaction_id] = event.party or Party()
        elif isinstance(event, m.EventPartyRemoved) and not agent.parties.pop(
            event.interaction_id, None
        ):
            self._wrong(event, "is of no party")

    def _timed(self, event: Event, agent: Watched) -> None:
        if event.event_time < agent.told_at and isinstance(event, AgentEvent):
            self._wrong(event, f"is {agent.told_at - event.event_time:g} s before the one before")
        agent.told_at = max(agent.told_at, event.event_time)
