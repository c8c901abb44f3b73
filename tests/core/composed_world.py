"""A cluster in a few lines: agents and interactions by chance, and what may go wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.message import Party, Reason
from ixproxy.wire.streams import LOST
from tests.core.composed import EVERY, TENANT
from tests.core.composed_nodes import Node, Nodes
from tests.core.composed_reader import Reader

AGENTS = ("anna", "bert", "carl")
MEDIA = ("chat", "email")


class World(Nodes):
    """What happens to agents, interactions, nodes and streams, one thing at a time."""

    def __init__(self, random: Random, nodes: int, *, fair: bool = False) -> None:
        super().__init__(random, nodes, fair=fair)
        self._stamps = self._interactions = 0

    # What happens.

    def up(self) -> list[Node]:
        return [node for node in self.nodes if node.up]

    def login(self) -> None:
        """An agent logs in, perhaps by a newer session than the one that there is."""
        agent = self.random.choice(AGENTS)
        if not self.up():
            return
        self._stamps += 1
        home = self.random.choice(self.up())
        older = self.truth.get(agent)
        media = {name: self.random.randint(0, 1) for name in MEDIA if self.random.random() < 0.7}
        self.truth[agent] = {
            "stamp": (self._stamps, home.dbid),
            "place": f"desk of {agent}",
            "media": media,
            "dnd": 0,
            "reasons": {},
            "reason": None,
        }
        for node in [home, *(node for node in self.up() if node is not home)]:
            self.in_again(node, agent)
        if older is not None:
            self.everywhere(self.about(m.EventAgentLogout, agent, older))
        session = self.truth[agent]
        self.everywhere(
            self.about(m.EventAgentLogin, agent, session, media_list=dict(session["media"]))
        )

    def change(self) -> None:
        """Something of an agent changes, on all nodes alike."""
        if not self.truth:
            return
        agent = self.random.choice(sorted(self.truth))
        session = self.truth[agent]
        number = self.random.randint(1, 3)
        reason = self.random.choice([None, Reason(reason=number)])
        name = self.random.choice(MEDIA)
        media, reasons = dict(session["media"]), dict(session["reasons"])
        kind: type[Any]
        more: dict[str, Any] = {"media_type_name": name}
        chosen = self.random.randrange(6)
        if chosen == 0:
            kind, more = (
                (m.EventDoNotDisturbOff if session["dnd"] else m.EventDoNotDisturbOn),
                {},
            )
            session["dnd"] = 1 - session["dnd"]
        elif chosen == 1:
            kind, more = m.EventAgentStateReasonChanged, {"reason": reason}
            session["reason"] = reason
        elif name not in media:
            kind = m.EventMediaAdded
            media[name] = 0
        elif chosen == 2:
            kind = m.EventMediaRemoved
            del media[name]
            reasons.pop(name, None)
        else:
            reasons.pop(name, None)
            if reason:
                reasons[name] = reason
            more["reason"] = reason
            if chosen == 3:
                kind = m.EventMediaStateReasonChanged
            else:
                kind = m.EventNotReadyForMedia if media[name] else m.EventReadyForMedia
                media[name] = 1 - media[name]
        session["media"], session["reasons"] = media, reasons
        event = self.about(kind, agent, session, **more)
        self.everywhere(event)
        for node in self.up():
            if agent in node.sessions:
                node.sessions[agent] = {**session}
                self.emit(node, event)

    def logout(self) -> None:
        """An agent logs out, everywhere that can be reached."""
        if not self.truth:
            return
        agent = self.random.choice(sorted(self.truth))
        session = self.truth.pop(agent)
        for node in self.up():
            if agent in node.sessions:
                self.out(node, agent)
        self.everywhere(self.about(m.EventAgentLogout, agent, session))

    def mass(self) -> None:
        """A proxy is lost with all its agents."""
        gone = sorted(self.truth)
        if not gone:
            return
        for node in self.up():
            those = [agent for agent in gone if agent in node.sessions]
            for agent in those:
                self.put_back(node, agent)
                del node.sessions[agent]
            if those:
                self.emit(node, self._lost(those))
        self.truth.clear()
        self.everywhere(self._lost(gone))

    @staticmethod
    def _lost(agents: list[str]) -> m.EventMassAgentLogout:
        return m.EventMassAgentLogout(
            tenant_id=TENANT,
            application_name="proxy",
            agents=agents,
            number_of_agents=len(agents),
        )

    def take(self) -> None:
        """An agent takes an interaction."""
        where = [(n, a) for n in self.up() for a in sorted(n.sessions) if a in self.truth]
        if not where:
            return
        node, agent = self.random.choice(where)
        self._interactions += 1
        identifier = f"i{self._interactions}"
        held: dict[str, Any] = {"MediaType": "chat", "Queue": "Q", "AgentId": agent, "PlaceId": ""}
        held["UserData"] = {"step": 0}
        node.held.setdefault(agent, {})[identifier] = held
        taken = self.about_interaction(m.EventTakenFromQueue, identifier, held)
        who = {"agent_id": agent, "agent_session": node.sessions[agent]["stamp"]}
        added = self.about_interaction(
            m.EventPartyAdded, identifier, held, party=Party(agent_id=agent), **who
        )
        for event in (taken, added):
            self.emit(node, event)
            self.everywhere(event)

    def work(self) -> None:
        """Properties of an interaction in hand change, or it goes back."""
        where = [(n, a) for n in self.up() for a in sorted(n.held)]
        if not where:
            return
        node, agent = self.random.choice(where)
        if self.random.random() < 0.4:
            self.put_back(node, agent)
            return
        identifier = self.random.choice(sorted(node.held[agent]))
        step = {"step": self.random.randint(1, 9)}
        held = {**node.held[agent][identifier], "UserData": step}
        node.held[agent][identifier] = held
        event = self.about_interaction(
            m.EventPropertiesChanged, identifier, held, changed_properties=step
        )
        self.emit(node, event)
        self.everywhere(event)

    # What goes wrong.

    def node_away(self) -> None:
        """A node can be reached by nobody any more; what it had sent is lost."""
        if not self.up():
            return
        node = self.random.choice(self.up())
        node.up = False
        node.queue.clear()
        self.hear(self.composer.source_lost(node.name))

    def node_back(self) -> None:
        """A node can be reached again; its stream begins before it is told all, or after."""
        away = [node for node in self.nodes if not node.up]
        if not away:
            return
        node = self.random.choice(away)
        early = self.random.random() < 0.5
        node.up, node.streams = True, False
        if early:
            self.begin(node)
        for agent in sorted(node.sessions):
            if agent not in self.truth:
                self.out(node, agent)
        for agent, session in sorted(self.truth.items()):
            mine = node.sessions.get(agent)
            if mine != session:
                self.in_again(node, agent)
        if not early:
            self.begin(node)

    def gap(self) -> None:
        """An event of a stream is lost."""
        node = self.random.choice(self.nodes)
        live = [i for i, e in enumerate(node.queue) if e.event_number]
        if live:
            del node.queue[self.random.choice(live)]

    def stream_lost(self) -> None:
        """A node's stream goes on faster than it is read."""
        node = self.random.choice(self.nodes)
        if node.up and node.streams:
            node.queue.append(m.EventActivityReport(activity=LOST))
            node.streams = False

    def grace_passes(self) -> None:
        """Nothing happens for longer than an agent may be missing; what is on its way stays so."""
        for _ in range(2):
            self.hear(self.composer.time_passed(self.now, 30.0))
            self.now += 30.0

    def subscribe(self) -> None:
        """A new reporting client comes in mid-flight."""
        self.late = Reader(self.composer.states(EVERY))

    def run(self, steps: int, *happenings: Callable[[World], None], deliveries: int = 3) -> None:
        """Let things happen and arrive, by chance; then all that is on its way arrives."""
        for _ in range(steps):
            self.now += self.random.choice([0.0, 0.1, 1.0])
            self.random.choice(happenings)(self)
            for _ in range(self.random.randint(0, 2 * deliveries)):
                self.deliver()
        self.settle()
