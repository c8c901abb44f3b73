"""
Nodes that tell what they know, each in order, and their streams on their way to a composer.

The streams are delivered with any delay between them; what one server would
tell that does all of it is kept beside.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.core.composing import Composer
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Event, Party
from ixproxy.messages.reporting import PartyEvent
from ixproxy.wire.streams import BEGIN, END, numbered
from tests.core.composed import EVERY, TENANT
from tests.core.composed_reader import Reader, shown

Session = dict[str, Any]
"""stamp, place, media, dnd, reasons, reason."""


class Node:
    """A node as it is, and what it has sent that is on its way."""

    def __init__(self, name: str, dbid: int, skew: float) -> None:
        self.name, self.dbid, self.skew = name, dbid, skew
        self.up = self.streams = True
        self.sessions: dict[str, Session] = {}
        self.held: dict[str, dict[str, dict[str, Any]]] = {}
        self.queue: list[Event] = []
        self.number = self.event_number = 0
        self.arrived: Counter[tuple[str, str]] = Counter()


class Nodes:
    """
    :param skew: seconds by which the clocks of nodes differ at most.
    :param fair: no session is over anywhere before every node's login has
        arrived, and none begins before the end of the one before it has.
    :ivar told: what the composer told.
    """

    def __init__(self, random: Random, nodes: int, skew: float = 2.0, fair: bool = False) -> None:
        self.random, self.fair = random, fair
        self.composer = Composer()
        self.told: list[Event] = []
        self.single: list[Event] = []
        self.reader = Reader()
        self.late: Reader | None = None
        self.truth: dict[str, Session] = {}
        self.now = 1000.0
        self.nodes = [
            Node(f"n{number}", number, random.uniform(-skew, skew))
            for number in range(1, nodes + 1)
        ]
        random.shuffle(self.nodes)
        for node in self.nodes:
            self.begin(node)
        while any(node.queue for node in self.nodes):
            self.deliver()

    # What nodes do.

    def emit(self, node: Node, event: Event) -> None:
        """A node tells something."""
        node.event_number += 1
        if node.up and node.streams:
            node.number += 1
            at = self.now + node.skew
            event = replace(event, event_time=at, dbid=node.dbid, event_number=node.event_number)
            node.queue.append(numbered(event, node.number))

    def begin(self, node: Node) -> None:
        """A stream of a node begins."""
        self.composer.source_joined(node.name, node.dbid)
        node.streams = True
        states = []
        for agent, session in node.sessions.items():
            held = node.held.get(agent, {})
            states.append(
                m.EventPlaceAgentState(
                    tenant_id=TENANT,
                    agent_id=agent,
                    agent_session=session["stamp"],
                    place_id=session["place"],
                    media_list=dict(session["media"]),
                    donot_disturb=session["dnd"],
                    media_reasons=dict(session["reasons"]),
                    state_reason=session["reason"],
                    event_time=self.now + node.skew,
                    interactions=dict(held),
                    parties={identifier: Party(agent_id=agent) for identifier in held},
                )
            )
        self.random.shuffle(states)
        opening = m.EventActivityReport(
            activity=BEGIN,
            number_of_agents=len(states),
            reporting_event_sequence_number=node.number,
        )
        node.queue += [opening, *states, m.EventActivityReport(activity=END)]

    def everywhere(self, event: Event) -> None:
        """One server would tell this."""
        self.single.append(event)

    def about(self, kind: type[Any], agent: str, session: Session, **more: Any) -> Any:
        """An event about an agent."""
        return kind(
            tenant_id=TENANT,
            agent_id=agent,
            place_id=session["place"],
            agent_session=session["stamp"],
            **more,
        )

    def about_interaction(self, kind: type[Any], identifier: str, held: Any, **more: Any) -> Any:
        return kind(
            tenant_id=TENANT,
            media_type="chat",
            interaction_id=identifier,
            interaction=held,
            **more,
        )

    def put_back(self, node: Node, agent: str) -> None:
        """A node takes from an agent what it has in hand there."""
        session = node.sessions[agent]
        for identifier, held in node.held.pop(agent, {}).items():
            who = {"agent_id": agent, "agent_session": session["stamp"]}
            gone = self.about_interaction(
                m.EventPartyRemoved, identifier, held, party=Party(agent_id=agent), **who
            )
            placed = self.about_interaction(m.EventPlacedInQueue, identifier, held)
            for event in (gone, placed):
                self.emit(node, event)
                self.everywhere(event)

    def out(self, node: Node, agent: str) -> None:
        """A node logs an agent out."""
        self.put_back(node, agent)
        self.emit(node, self.about(m.EventAgentLogout, agent, node.sessions.pop(agent)))

    def in_again(self, node: Node, agent: str) -> None:
        """A node learns of the agent's session."""
        session = self.truth[agent]
        if agent in node.sessions:
            self.out(node, agent)
        node.sessions[agent] = {
            **session,
            "media": dict(session["media"]),
            "reasons": dict(session["reasons"]),
        }
        event = self.about(
            m.EventAgentLogin,
            agent,
            session,
            media_list=dict(session["media"]),
            donot_disturb=session["dnd"],
            media_reasons=dict(session["reasons"]),
            state_reason=session["reason"],
        )
        self.emit(node, event)

    # What arrives.

    def deliver(self) -> None:
        """One event of one stream arrives."""
        ready = [node for node in self.nodes if node.queue]
        if self.fair:
            ready = [node for node in ready if self._may_come(node)]
        if not ready:
            assert not self.fair or not any(node.queue for node in self.nodes)
            return
        node = self.random.choice(ready)
        event = node.queue.pop(0)
        node.arrived.update(("out", agent) for agent in ended_by(event))
        if isinstance(event, m.EventAgentLogin):
            node.arrived["in", event.agent_id] += 1
        self.hear(self.composer.event_received(node.name, event))
        for other in self.nodes:
            if other.name in self.composer.wants_restart and other.up:
                self.begin(other)

    def _may_come(self, node: Node) -> bool:
        """
        Whether every stream is past the login of what the next event of `node`
        ends, and past the end of what was before the login that it is.
        """
        event = node.queue[0]
        if isinstance(event, m.EventAgentLogin):
            agent = event.agent_id
            return all(
                other.arrived["out", agent] >= node.arrived["in", agent] for other in self.nodes
            )
        return all(
            other.arrived["in", agent] > node.arrived["out", agent]
            for agent in ended_by(event)
            for other in self.nodes
        )

    def hear(self, told: list[Event]) -> None:
        """The composer told something: every reader follows."""
        self.told += told
        for event in told:
            self.reader.tell(event)
            if self.late is not None:
                self.late.tell(event)
        states = self.composer.states(EVERY)
        known = Reader(states)
        assert known.knows == self.reader.knows
        assert self.late is None or known.knows == self.late.knows

    def settle(self) -> None:
        """All that is on its way arrives."""
        while any(node.queue for node in self.nodes):
            self.deliver()

    def expected(self) -> tuple[Any, Any]:
        """What a reader must know when everything has arrived."""
        agents = {(TENANT, agent): dict(session) for agent, session in self.truth.items()}
        held: dict[Any, Any] = {}
        for node in self.nodes:
            for agent, holding in node.held.items():
                if holding:
                    held.setdefault((TENANT, agent), {}).update(holding)
        return agents, held


def of_agents(events: list[Event]) -> dict[str, list[Any]]:
    """For each agent what was told of its session, without times and numbers."""
    found: dict[str, list[Any]] = {}
    for event in events:
        if isinstance(event, m.EventMassAgentLogout):
            for agent in event.agents:
                found.setdefault(agent, []).append("out")
        elif isinstance(event, m.EventAgentLogout):
            found.setdefault(event.agent_id, []).append("out")
        elif isinstance(event, m.EventAgentLogin):
            found.setdefault(event.agent_id, []).append(shown(event))
        elif isinstance(event, AgentEvent):
            found.setdefault(event.agent_id, []).append(plain(event))
    return found


def of_interactions(events: list[Event]) -> dict[str, list[Event]]:
    """For each interaction what was told of it."""
    found: dict[str, list[Event]] = {}
    for event in events:
        if identifier := getattr(event, "interaction_id", ""):
            found.setdefault(identifier, []).append(plain(event))
    return found


def ended_by(event: Event) -> list[str]:
    """The agents whose sessions are over by an event."""
    if isinstance(event, m.EventMassAgentLogout):
        return event.agents
    return [event.agent_id] if isinstance(event, m.EventAgentLogout) else []


def plain(event: Event) -> Event:
    """Without what only one server has: times and numbers."""
    return replace(event, event_time=0.0, event_number=0, dbid=0, reporting_event_sequence_number=0)


def is_of_party(event: Event) -> bool:
    return isinstance(event, PartyEvent)
