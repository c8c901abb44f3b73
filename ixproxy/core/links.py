"""What a proxy knows of one node, and of the server of it that is linked."""

from __future__ import annotations

from ixproxy.core.clients import Client
from ixproxy.core.destinations import Destination, Outputs
from ixproxy.core.link_states import NEXT, State, Step
from ixproxy.core.pairs import Pair
from ixproxy.core.pending import Pending, PendingTable
from ixproxy.messages import ServerFacts
from ixproxy.values import NodeFacts, NodeLoad, NodeName, NodeView


class Link(Destination):
    """
    One node, as this proxy knows it.

    :ivar clients: number on the node to the client registered by it.
    :ivar loads: tenant id to the node's last load facts.
    :ivar lost_at: since when what clients have there is lost, until it is linked or let go.
    :ivar since: since when it is linked, or is not; None: it never was.
    :ivar problem: why it is not linked, or why it was lost last.
    :ivar unfinished: bytes of answers whose last part has not come, by request.
    :ivar joining: registrations and replays whose answers are awaited.
    :ivar parked: requests that wait for it, kept back.
    :ivar replaying: agent sessions that the node has still to be told of.
    :ivar connections: how often it was connected.
    :ivar moves: its place among all links that this proxy has made, from 1.
    :ivar pair: its servers: whose turn it is, and what is known of the other.
    """

    __slots__ = (
        "clients",
        "connections",
        "facts",
        "joining",
        "loads",
        "lost_at",
        "max_frame",
        "moves",
        "name",
        "pair",
        "parked",
        "pending",
        "problem",
        "replaying",
        "server",
        "since",
        "state",
        "unfinished",
    )

    def __init__(self, facts: NodeFacts, outputs: Outputs) -> None:
        super().__init__(outputs)
        self.facts = facts
        self.name: NodeName = facts.name
        self.state = State.DOWN
        self.pending = PendingTable()
        self.unfinished: dict[Pending, int] = {}
        self.clients: dict[int, Client] = {}
        self.loads: dict[int, NodeLoad] = {}
        self.server = ServerFacts()
        self.max_frame = 1 << 20
        self.lost_at: float | None = None
        self.since: float | None = None
        self.problem = ""
        self.joining = 0
        self.replaying = 0
        self.parked = 0
        self.connections = 0
        self.moves = 0
        self.pair = Pair.of(facts)

    def __str__(self) -> str:
        if not self.facts.is_proxy:
            return f"Node {self.name}"
        server = self.server.name
        return f"Proxy {self.name}" + (f" ({server})" if server not in ("", self.name) else "")

    @property
    def in_turn(self) -> str:
        """The node, and of a pair the server that is connected, or tried next."""
        if not self.pair.pair:
            return str(self)
        return f"{self} ({self.facts.servers[self.pair.attempts.current].name})"

    @property
    def linked(self) -> bool:
        """Whether the node is offered for work."""
        return self.state is State.LINKED

    @property
    def speaks(self) -> bool:
        """Whether clients can be registered there."""
        return self.state in (State.JOINING, State.LINKED)

    def goes(self, now: float) -> None:
        """
        The connection is lost, as the state still does not say. What clients have there counts
        as lost from now on, also where it was only confirmed while they were registered.
        """
        if self.speaks and self.lost_at is None:
            self.lost_at = now
        if self.linked:
            self.since = now

    def step(self, step: Step) -> None:
        """
        Move on by the table.

        :raise ValueError: the step is none from this state.
        """
        after = NEXT[self.state, step]
        if after is None:
            raise ValueError(f"link to {self.name}: {step.value} while {self.state.value}")
        self.state = after
        if step is Step.CONNECTED:
            self.connections += 1

    def view(self, tenant: int) -> NodeView:
        """The node as a strategy sees it, for one tenant."""
        return NodeView(
            name=self.name,
            dbid=self.facts.dbid,
            media_types=self.facts.media_types,
            load=self.loads.get(tenant, NodeLoad()),
        )
