"""A node that pushes: views that feed strategies, and routers that have them loaded."""

from __future__ import annotations

from typing import Any

from ixproxy.messages import EventRouteRequest, RequestPlaceInQueue
from ixproxy.messages.message import Event
from ixproxy.node.model import MediaPlan, NodeSettings, TenantPlan, ViewPlan
from ixproxy.node.work import Outcome, Registered, Sender, Tell
from tests.node.tried import TriedNode

PUSHING = TenantPlan(
    1,
    "Environment",
    {"email": MediaPlan(), "chat": MediaPlan()},
    {
        "In": {"All": ViewPlan(order="Priority DESC", strategy="Mail")},
        "Urgent": {"High": ViewPlan("Priority > 5", strategy="Fast")},
        "Old": {"All": ViewPlan("_age() > 60", freeze_interval=30, strategy="Late")},
        "Each": {"All": ViewPlan(segmentation=("Product",), segment_limit=1, strategy="Mail")},
        "Second": {"All": ViewPlan()},
    },
    {"Drafts": "agent"},
)


class PushingNode(TriedNode):
    """A node with views that feed the strategies Mail, Fast and Late."""

    def __init__(self, tenants: tuple[TenantPlan, ...] = (PUSHING,), **settings: Any) -> None:
        super().__init__(NodeSettings(**settings), tenants=tenants)

    def pushes_to(self, name: str = "urs-1", *strategies: str, **more: Any) -> Sender:
        """A router that has strategies loaded: Mail unless others are named."""
        return self.router(name, strategies=strategies or ("Mail",), tenants=(1,), **more)

    def again(
        self, router: Sender, *strategies: str, incarnation: int = 2, **holding: int
    ) -> Outcome:
        """A router registers again, and says what it has."""
        work = Registered(router, incarnation, holding, "again", strategies=strategies or ("Mail",))
        return self.run(work)

    def pushed(self, *routers: Sender) -> list[EventRouteRequest]:
        """What the last batch has pushed to these routers, or to any."""
        return [
            each.event
            for each in self.outcome.effects
            if isinstance(each, Tell)
            and isinstance(each.event, EventRouteRequest)
            and (not routers or each.session in [router.session for router in routers])
        ]

    def ids_pushed(self, *routers: Sender) -> list[str]:
        return [event.interaction_id for event in self.pushed(*routers)]

    def feed(self, sender: Sender, number: int = 1, queue: str = "In", **more: Any) -> list[str]:
        """Submit some, in batches of their own; their ids."""
        return [self.submit(sender, queue, **more) for _ in range(number)]

    def move(self, router: Sender, id: str, queue: str = "Second") -> Any:
        """A router answers with a queue."""
        return self.ask(router, RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue=queue))

    def heard(self, client: Sender, kind: type[Event]) -> list[Any]:
        """Events of one kind that the last batch had for a client."""
        return [event for event in self.told(client) if isinstance(event, kind)]
