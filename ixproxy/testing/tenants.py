"""One tenant for tests and simulations: media types, queues with views, workbins."""

from __future__ import annotations

from ixproxy.node.model import MediaPlan, TenantPlan, ViewPlan
from ixproxy.values import TenantFacts

TENANT = TenantPlan(
    id=1,
    name="Environment",
    media_types={
        "email": MediaPlan(),
        "chat": MediaPlan(),
        "task": MediaPlan(),
        "fax": MediaPlan(enabled=False),
    },
    queues={
        "In": {"All": ViewPlan(), "Urgent": ViewPlan("Priority > 5", "Priority DESC")},
        "Second": {"All": ViewPlan(), "Chats": ViewPlan("[media_type] = 'chat'")},
        "Done": {"All": ViewPlan(order="submitted_at DESC")},
        "Routed": {"All": ViewPlan(order="Priority DESC", strategy="Mail")},
    },
    workbins={"Drafts": "agent", "Team": "agent-group"},
)

CUSTOM_PROPERTIES = {"Product": "string"}


def facts_of(plan: TenantPlan) -> TenantFacts:
    """What a proxy knows of a tenant."""
    return TenantFacts(
        id=plan.id,
        name=plan.name,
        media_types={name: media.enabled for name, media in plan.media_types.items()},
    )
