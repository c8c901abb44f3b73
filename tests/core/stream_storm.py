"""
A storm over who reports: nodes tell streams that make sense, or not, and
reporting clients come, change their minds and go.
"""

from __future__ import annotations

from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Event, Message, Party, Reason
from ixproxy.values import NodeName
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame
from ixproxy.wire.streams import BEGIN, END, LOST, numbered
from tests.core.rig import NODES, TENANT
from tests.core.storm import Storm

AGENTS = ("ann", "bob", "cid")
STREAM_STARTS = m.RequestStartPlaceAgentStateReportingAll


class StreamStorm(Storm):
    """
    One storm over one proxy that has reporting clients.

    :ivar read: by peer, what its stream has said.
    """

    def __init__(self, seed: int, *, fast_path: bool, **settings: Any) -> None:
        super().__init__(seed, fast_path=fast_path, **settings)
        self.last: dict[NodeName, int] = dict.fromkeys(NODES, 0)
        self.read: dict[int, Reading] = {}
        self.wrong: list[str] = []
        for kind in ("ReportingEngine", "ReportingEngine", "Proxy"):
            self.peers.append(self.rig.client(kind))

    def lose(self) -> None:
        """A link breaks, and mostly comes back at once."""
        super().lose()
        if self.chance.random() < 0.8:
            for node, link in self.state.links.items():
                if link.state.value == "down":
                    self.owed[node] = []
                    self.rig.link(node)

    def ask(self) -> None:
        """A client asks for something, or for a stream."""
        if not self.peers or self.chance.random() < 0.6:
            super().ask()
            return
        wanted: list[Message] = [
            STREAM_STARTS(),
            STREAM_STARTS(),
            STREAM_STARTS(filter={"Agents": {"ann": 1}}),
            m.RequestStopPlaceAgentStateReportingAll(),
            m.RequestStartPlaceAgentStateReporting(tenant_id=TENANT, places=["p1"]),
            m.RequestStopPlaceAgentStateReporting(tenant_id=TENANT, places=["p1"]),
        ]
        peer = self.chance.choice(self.peers)
        self._send(peer, self.chance.choice(wanted), True)

    def event(self) -> None:
        """A node says what happened, mostly in its stream."""
        chance = self.chance
        node = chance.choice(NODES)
        if chance.random() < 0.2 or not self._open(node):
            super().event()
            return
        for _ in range(chance.randrange(1, 20)):
            self._tell(node)
            self.collect()

    def _tell(self, node: NodeName) -> None:
        chance = self.chance
        how = chance.random()
        if how < 0.1 or not self._composing(node):
            self._begin(node)
        elif how < 0.11:
            self._say(node, m.EventActivityReport(activity=chance.choice((LOST, END, "Dance"))))
        elif how < 0.13:
            self._say(node, some_state(chance))
        else:
            self.last[node] += chance.choice((1,) * 40 + (0, 2, -1))
            previous = chance.choice((0,) * 40 + (1,))
            self._say(node, numbered(some_stream_event(chance), max(0, self.last[node]), previous))

    def _composing(self, node: NodeName) -> bool:
        return self.rig.core._streams._upstream.composer.synced(node)

    def _begin(self, node: NodeName) -> None:
        chance = self.chance
        states = {state.agent_id: state for state in map(some_state, [chance] * 3)}
        count = len(states) + chance.choice((0,) * 9 + (1,))
        self.last[node] = chance.randrange(100)
        begin = m.EventActivityReport(
            activity=BEGIN,
            number_of_agents=count,
            reporting_event_sequence_number=self.last[node],
        )
        for event in (begin, *states.values(), m.EventActivityReport(activity=END)):
            self._say(node, event)

    def _say(self, node: NodeName, event: Event) -> None:
        if self._open(node):
            self.rig.from_node(node, encode(event))

    def collect(self) -> None:
        """Look at what came out, and read the streams."""
        for peer, frames in self.rig.to_peer.items():
            for frame in frames:
                if frame.kind == Kind.EVENT and frame.client == 0:
                    self._read(peer, frame)
        super().collect()

    def _read(self, peer: int, frame: Frame) -> None:
        event = decode(frame)
        if isinstance(event, m.EventActivityReport) and event.activity == BEGIN:
            self.seen["streams read"] += 1
            self.read[peer] = Reading(event.reporting_event_sequence_number)
        elif isinstance(event, Event) and peer in self.read:
            self.wrong += [f"{peer}: {it}" for it in self.read[peer].tell(event)]

    def faults(self) -> list[str]:
        """What is wrong after `calm`."""
        return super().faults() + self.wrong


class Reading:
    """What one stream has said since its beginning."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._agents: dict[str, Any] = {}

    def tell(self, event: Event) -> list[str]:
        """What is wrong with the next event."""
        if isinstance(event, m.EventPlaceAgentState):
            self._agents[event.agent_id] = event.agent_session
            return []
        number = event.reporting_event_sequence_number
        if not number:
            return []
        # The first event of a filtered stream that began at 0 has no previous one.
        expected = event.previous_sequence_number or (number - 1 if self._last else 0)
        wrong = [f"{number} follows {self._last}"] if expected != self._last else []
        self._last = number
        out = []
        if isinstance(event, m.EventMassAgentLogout):
            out = list(event.agents)
        elif isinstance(event, m.EventAgentAvailable | m.EventAgentNotAvailable):
            return wrong
        elif isinstance(event, m.EventAgentLogin):
            if event.agent_id in self._agents:
                wrong.append(f"{event.agent_id} is logged in twice")
            self._agents[event.agent_id] = event.agent_session
        elif isinstance(event, AgentEvent):
            if self._agents.get(event.agent_id) != event.agent_session:
                wrong.append(f"of no session: {event}")
            out = [event.agent_id] if isinstance(event, m.EventAgentLogout) else []
        wrong += [f"{name} is out twice" for name in out if name not in self._agents]
        for name in out:
            self._agents.pop(name, None)
        return wrong


def some_state(chance: Random) -> m.EventPlaceAgentState:
    """How an agent is, by a node's word."""
    held = chance.sample(("a", "b"), chance.randrange(3))
    return m.EventPlaceAgentState(
        **some_agent(chance),
        place_id=chance.choice(("p1", "p2", "")),
        media_list={"email": chance.randrange(3)},
        media_reasons={"chat": Reason(reason=1)} if chance.random() < 0.2 else {},
        event_time=chance.random() * 100,
        interactions={name: {"MediaType": "email"} for name in held},
        parties={name: Party(agent_id="ann") for name in held if chance.random() < 0.9},
    )


def some_agent(chance: Random) -> dict[str, Any]:
    """An agent, of a session if any."""
    stamps = (None, *((number, dbid) for number in (1, 2, 3) for dbid in (101, 102, 103, 9)))
    return {
        "tenant_id": chance.choice((TENANT,) * 9 + (77,)),
        "agent_id": chance.choice(AGENTS),
        "agent_session": chance.choice(stamps),
    }


def some_stream_event(chance: Random) -> Event:
    """Something that happened, whether it can have happened or not."""
    agent, time = some_agent(chance), dict[str, Any](event_time=chance.random() * 1000)
    media: Any = {**agent, **time, "media_type_name": chance.choice(("email", "chat", ""))}
    thing: Any = {"tenant_id": TENANT, "interaction_id": chance.choice(("a", "b")), **time}
    kinds: list[Event] = [
        m.EventAgentLogin(**agent, **time, media_list={"email": 1}),
        m.EventAgentLogin(**agent, **time),
        m.EventAgentLogout(**agent, **time),
        m.EventMassAgentLogout(
            tenant_id=TENANT,
            application_name="desk",
            agents=chance.choices((*AGENTS, "nobody"), k=chance.randrange(4)),
            number_of_agents=chance.randrange(9),
        ),
        m.EventMediaAdded(**media),
        m.EventMediaRemoved(**media),
        m.EventReadyForMedia(**media, reason=Reason(reason=2)),
        m.EventNotReadyForMedia(**media),
        m.EventMediaStateReasonChanged(**media),
        m.EventDoNotDisturbOn(**agent, **time),
        m.EventAgentAvailable(**agent, **time),
        m.EventAgentNotAvailable(**agent, **time),
        m.EventInteractionSubmitted(**thing),
        m.EventPropertiesChanged(**thing, interaction={"k": chance.randrange(3)}),
        m.EventProcessingStopped(**thing),
        m.EventPartyAdded(
            **thing, agent_id=agent["agent_id"], agent_session=agent["agent_session"]
        ),
        m.EventPartyRemoved(
            **thing, agent_id=agent["agent_id"], agent_session=agent["agent_session"]
        ),
    ]
    return chance.choice(kinds)
