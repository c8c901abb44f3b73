"""A reporting client that believes what a composed stream says, and checks its rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Event
from ixproxy.messages.reporting import InteractionEvent, PartyEvent

Key = tuple[int, str]


def shown(state: m.EventPlaceAgentState | m.EventAgentLogin) -> dict[str, Any]:
    """What a client knows of an agent by a state or a login."""
    return {
        "stamp": state.agent_session,
        "place": state.place_id,
        "media": dict(state.media_list),
        "dnd": state.donot_disturb,
        "reasons": dict(state.media_reasons),
        "reason": state.state_reason,
    }


class Reader:
    """
    :ivar agents: who is logged in, and how.
    :ivar held: what they have in hand: ids to properties.
    """

    def __init__(self, states: Iterable[m.EventPlaceAgentState] = ()) -> None:
        self.agents: dict[Key, dict[str, Any]] = {}
        self.held: dict[Key, dict[str, Any]] = {}
        self._times: dict[Key, float] = {}
        for state in states:
            key = state.tenant_id, state.agent_id
            self.agents[key] = shown(state)
            if state.interactions:
                assert state.interactions.keys() == state.parties.keys()
                self.held[key] = dict(state.interactions)
            self._times[key] = state.event_time

    @property
    def knows(self) -> tuple[Any, Any]:
        """All of it, to be compared."""
        return self.agents, self.held

    def tell(self, event: Event) -> None:
        """The next event of the stream; it must keep the rules."""
        if isinstance(event, m.EventMassAgentLogout):
            assert event.number_of_agents == len(event.agents) > 0
            for name in event.agents:
                self._out((event.tenant_id, name), event)
        elif isinstance(event, AgentEvent):
            self._agent(event)
        elif isinstance(event, InteractionEvent):
            self._interaction(event)

    def _on_time(self, key: Key, event: Event) -> None:
        assert event.event_time >= self._times.get(key, 0.0), f"time goes back: {event}"
        self._times[key] = event.event_time

    def _out(self, key: Key, event: Event) -> None:
        assert key in self.agents, f"logged out twice: {event}"
        self._on_time(key, event)
        del self.agents[key]

    def _agent(self, event: AgentEvent) -> None:
        key = event.tenant_id, event.agent_id
        if isinstance(event, m.EventAgentLogin):
            assert key not in self.agents, f"logged in twice: {event}"
            self._on_time(key, event)
            self.agents[key] = shown(event)
            return
        agent = self.agents.get(key)
        assert agent is not None, f"not logged in: {event}"
        assert agent["stamp"] == event.agent_session, f"of another session: {event}"
        if isinstance(event, m.EventAgentLogout):
            self._out(key, event)
            return
        self._on_time(key, event)
        name = getattr(event, "media_type_name", "")
        match event:
            case m.EventMediaAdded():
                agent["media"][name] = 0
            case m.EventMediaRemoved():
                del agent["media"][name]
                agent["reasons"].pop(name, None)
            case m.EventReadyForMedia() | m.EventNotReadyForMedia():
                agent["media"][name] = int(isinstance(event, m.EventReadyForMedia))
                self._reason(agent, name, event)
            case m.EventMediaStateReasonChanged():
                self._reason(agent, name, event)
            case m.EventAgentStateReasonChanged():
                agent["reason"] = event.reason
            case m.EventDoNotDisturbOn() | m.EventDoNotDisturbOff():
                agent["dnd"] = int(isinstance(event, m.EventDoNotDisturbOn))

    @staticmethod
    def _reason(agent: dict[str, Any], name: str, event: Event) -> None:
        agent["reasons"].pop(name, None)
        if event.reason is not None:
            agent["reasons"][name] = event.reason

    def _interaction(self, event: InteractionEvent) -> None:
        identifier = event.interaction_id
        if isinstance(event, PartyEvent) and event.agent_session is not None:
            key = event.tenant_id, event.agent_id
            assert key in self.agents, f"not logged in: {event}"
            self._on_time(key, event)
            if isinstance(event, m.EventPartyAdded):
                assert identifier not in self.held.get(key, {}), f"added twice: {event}"
                self.held.setdefault(key, {})[identifier] = event.interaction
            elif isinstance(event, m.EventPartyRemoved):
                del self.held[key][identifier]
                if not self.held[key]:
                    del self.held[key]
        for holding in self.held.values():
            if identifier in holding:
                holding[identifier] = event.interaction
