"""Short ways to say what a strategy is asked."""

from __future__ import annotations

from ixproxy.values import Draft, NodeLoad, NodeName, NodeView, PullAttributes

EAST, NORTH, WEST = NodeName("east"), NodeName("north"), NodeName("west")
VIEW = "Inbound/All"


def draft(media_type: str = "email", interaction_id: str = "", tenant_id: int = 1) -> Draft:
    return Draft(tenant_id=tenant_id, media_type=media_type, interaction_id=interaction_id)


def pull(for_strategy: bool = True, view: str = VIEW, budget: float = 60.0) -> PullAttributes:
    return PullAttributes(tenant_id=1, view=view, limit=1, for_strategy=for_strategy, budget=budget)


def node(
    name: NodeName, media: frozenset[str] | None = None, waiting: int = 0, shown: int = 0
) -> NodeView:
    return NodeView(
        name=name,
        dbid=1,
        media_types=media,
        load=NodeLoad(queues={"Inbound": waiting}, views={VIEW: shown}),
    )


THREE = [node(EAST), node(NORTH), node(WEST)]
