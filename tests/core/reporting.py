"""A proxy's mind whose scripted nodes have reporting streams."""

from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.core.settings import Deployment
from ixproxy.messages.message import Event
from ixproxy.values import NodeFacts, NodeName
from ixproxy.wire.codec import encode
from ixproxy.wire.prefix import Frame
from ixproxy.wire.streams import BEGIN, END, LOST, numbered
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

ALL = m.RequestStartPlaceAgentStateReportingAll()
NO_MORE = m.RequestStopPlaceAgentStateReportingAll()
STARTS, STOPS = type(ALL), type(NO_MORE)
NODES = (EAST, NORTH, WEST)
STAMP = (7, 101)
ANNA = m.EventPlaceAgentState(
    tenant_id=TENANT,
    agent_id="anna",
    place_id="desk",
    agent_session=STAMP,
    media_list={"email": 1},
)


def submitted(identifier: str, **more: Any) -> m.EventInteractionSubmitted:
    return m.EventInteractionSubmitted(
        tenant_id=more.pop("tenant_id", TENANT),
        media_type=more.pop("media_type", "email"),
        interaction_id=identifier,
        **more,
    )


class Reporting(Rig):
    """Nodes that grant streams when told to, and number what happens by themselves."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.last: dict[NodeName, int] = {}

    def reporter(self, **registration: Any) -> int:
        """A reporting client that has asked for nothing."""
        return self.client("ReportingEngine", **registration)

    def asked(self, node: NodeName, kind: type[Any] = STARTS) -> list[Frame]:
        """Requests of a kind that a node was sent; taken, the others left."""
        frames = self.sent(node)
        found = [frame for frame in frames if isinstance(decode(frame), kind)]
        self.to_node[node] = [frame for frame in frames if frame not in found]
        return found

    def grant(self, node: NodeName, *states: Event, end: bool = True, last: int = 0) -> None:
        """A node answers the one request for its stream, and tells its states."""
        self.answer(node, only(self.asked(node)), m.EventAck())
        self.begin(node, *states, end=end, last=last)

    def begin(self, node: NodeName, *states: Event, end: bool = True, last: int = 0) -> None:
        """A node's stream begins."""
        self.last[node] = last
        begin = m.EventActivityReport(
            activity=BEGIN, number_of_agents=len(states), reporting_event_sequence_number=last
        )
        for event in (begin, *states):
            self.from_node(node, encode(event))
        if end:
            self.end(node)

    def end(self, node: NodeName) -> None:
        """A node has told all of its states."""
        self.from_node(node, encode(m.EventActivityReport(activity=END)))

    def next(self, node: NodeName, event: Event) -> bytes:
        """An event with its number in the node's stream."""
        self.last[node] += 1
        return encode(numbered(event, self.last[node]))

    def happen(self, node: NodeName, *events: Event) -> None:
        """Events of a node's stream, in one read."""
        raws = [self.next(node, event) for event in events]
        self.core.node_frames_received(node, raws, self.now)
        self.pump()

    def lose_stream(self, node: NodeName) -> None:
        """A node gives its stream up."""
        self.from_node(node, encode(m.EventActivityReport(activity=LOST)))

    def reporting(self, *states: Event) -> int:
        """A reporting client whose stream has begun, with these agents at the first node."""
        peer = self.reporter()
        self.ask(peer, ALL)
        for node in NODES:
            self.grant(node, *(states if node == EAST else ()))
        self.got(peer)
        return peer

    def deployment_of(self, nodes: dict[NodeName, NodeFacts]) -> Deployment:
        """The same deployment with other nodes."""
        return Deployment(self.deployment.tenants, nodes)

    def noted(self, text: str) -> list[Any]:
        """Notes whose format has `text` in it."""
        return [each for each in self.effects if text in getattr(each, "format", "")]


def names(events: list[Any]) -> list[str]:
    """What kinds of events those are."""
    return [type(event).__name__ for event in events]


def numbers(events: list[Any]) -> list[int]:
    """Their numbers in the stream."""
    return [event.reporting_event_sequence_number for event in events]
