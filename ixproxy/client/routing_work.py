"""
What a router has got and not routed yet, whoever it came from: the most urgent first.

    work = RoutingWork()
    arrivals = work.arrivals()
    client = await connect(…, extension={"strategies": ["Mail"]}, on_event=arrivals)
    arrivals.belong_to(client)           # what this node pushes
    work.add_pulled(client, answer)      # what it has pulled
    item = work.take()                   # None: there is nothing

Each node shows its own work in the order of its view; over several nodes there
is no order but the one that the router makes of what it has. The more it may
have of each node, the nearer that comes to the order of one server.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from ixproxy.client.client import Client
from ixproxy.messages import EventPulledInteractions, EventRouteRequest
from ixproxy.messages.message import KeyValues, Message


class RoutingItem(NamedTuple):
    """
    One interaction that a router has.

    :ivar client: by which it has it, and must answer.
    :ivar properties: as the interaction had them when it came.
    :ivar strategy: that of the view that pushed it; of a pull: none.
    """

    client: Client
    tenant_id: int
    interaction_id: str
    take_number: int
    properties: KeyValues
    strategy: str = ""

    @property
    def wanted(self) -> bool:
        """Whether the client has it still, by the same take."""
        return self.client.holding.get(self.interaction_id) == self.take_number


Order = Callable[[RoutingItem], Any]
"""What comes first has the smallest; equal ones come as they came."""


def by_priority(item: RoutingItem) -> tuple[float, float]:
    """The highest `Priority` first, then what was received first."""
    priority = item.properties.get("Priority")
    received = item.properties.get("ReceivedAt")
    return (
        -float(priority) if isinstance(priority, int | float) else 0.0,
        float(received) if isinstance(received, int | float) else 0.0,
    )


def as_it_comes(_: RoutingItem) -> int:
    """No order of the router's own."""
    return 0


class Arrivals:
    """
    What one client is pushed: `on_event` when it is connected, for a node
    pushes as soon as it is registered. Other events do not matter here.
    """

    def __init__(self, work: RoutingWork) -> None:
        self._work = work
        self._client: Client | None = None
        self._early: list[EventRouteRequest] = []

    def __call__(self, event: Message) -> None:
        """The client was told of something."""
        if not isinstance(event, EventRouteRequest):
            return
        client = self._client
        if client is None:
            self._early.append(event)
            return
        self._work.add(
            RoutingItem(
                client,
                event.tenant_id,
                event.interaction_id,
                event.take_number,
                event.interaction,
                event.strategy_id,
            )
        )

    def belong_to(self, client: Client) -> None:
        """It is connected: this is who has what was pushed."""
        self._client = client
        early, self._early = self._early, []
        for event in early:
            self(event)


class RoutingWork:
    """Everything that the clients of one router have, and nobody has begun to route."""

    def __init__(self, order: Order = by_priority) -> None:
        self._order = order
        self._numbers = count()
        self._items: list[tuple[Any, int, RoutingItem]] = []
        self._waiting: list[Deferred[None]] = []

    def __len__(self) -> int:
        """How many there are; some of them may be gone already."""
        return len(self._items)

    def arrivals(self) -> Arrivals:
        """For `on_event` of a client that is to be pushed to."""
        return Arrivals(self)

    def add_pulled(self, client: Client, tenant_id: int, answer: EventPulledInteractions) -> None:
        """Take in what a client has pulled."""
        for id, properties in answer.interactions.items():
            number = answer.take_numbers.get(id, 0)
            self.add(RoutingItem(client, tenant_id, id, number, properties))

    def add(self, item: RoutingItem) -> None:
        """Take one in."""
        heappush(self._items, (self._order(item), next(self._numbers), item))
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def take(self) -> RoutingItem | None:
        """The first of those that its client has still, which is not here any more then."""
        while self._items:
            item = heappop(self._items)[2]
            if item.wanted:
                return item
        return None

    def some(self) -> Deferred[None]:
        """Fires when there is something, which may be now."""
        there: Deferred[None] = Deferred(self._forget)
        if self._items:
            there.callback(None)
        else:
            self._waiting.append(there)
        return there

    def _forget(self, there: Deferred[None]) -> None:
        if there in self._waiting:
            self._waiting.remove(there)
