"""
How far from the order of one server a router works that three nodes push to.

Three nodes in memory have a backlog, unevenly, each with every priority. One router
is pushed to by all of them and routes one interaction after another: as they come,
or always the one with the highest priority that it has. What is measured is where
each was routed against where one server would have had it.
"""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.client.routing_work import Order, RoutingWork, as_it_comes, by_priority
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster

NUMBER = 900
SHARES = {1: (1.0,), 3: (0.6, 0.3, 0.1)}
"""Of the backlog, by how many nodes there are."""
LIMITS = (10, 50, 200, 1000)
"""What a router may have of one node at a time."""
COLLECTING = 0.5
AIM = 0.1
"""With an order of its own, and a limit above the backlog: of what it is without."""


def routed(nodes: int, limit: int, order: Order) -> list[int]:
    """The priorities of all interactions, in the order in which one router routed them."""
    settings = NodeSettings(
        default_max_submitted_per_router=limit, default_max_submitted_per_strategy=limit
    )
    cluster = Cluster(1, nodes=nodes, proxies=0, node_settings=settings)
    priorities = list(range(NUMBER))
    Random(7).shuffle(priorities)
    left = list(priorities)
    for node, share in enumerate(SHARES[nodes]):
        mail = cluster.client("mail", "MediaServer", node=node)
        for _ in range(round(share * NUMBER)):
            submit = m.RequestSubmit(
                tenant_id=1, media_type="email", queue="Routed", user_data={"Priority": left.pop()}
            )
            cluster.finish(mail.request(submit))
    work, done = RoutingWork(order), list[int]()
    for node in range(nodes):
        arrivals = work.arrivals()
        client: Client = cluster.client(
            "urs",
            "RoutingEngine",
            node=node,
            extension={"strategies": ["Mail"]},
            on_event=arrivals,
        )
        arrivals.belong_to(client)
    cluster.run(COLLECTING)

    async def route() -> None:
        while len(done) < NUMBER:
            await work.some()
            item = work.take()
            if item is None:
                continue
            request: Any = m.RequestRouteCall(
                tenant_id=1,
                interaction_id=item.interaction_id,
                route_type="Queue",
                queue="Second",
            )
            await item.client.request(request)
            done.append(int(item.properties["Priority"]))

    cluster.finish(Deferred.fromCoroutine(route()))
    cluster.close()
    return done


def displacement(priorities: list[int]) -> float:
    """How far from its place one is on average, as a part of all: 0 in order, 1/3 by chance."""
    places = {each: place for place, each in enumerate(sorted(priorities, reverse=True))}
    far = [abs(place - places[each]) for place, each in enumerate(priorities)]
    return sum(far) / len(far) / len(priorities)


def main() -> bool:
    """Print the table; whether the router's own order is worth what it is to be."""
    one = displacement(routed(1, 50, as_it_comes))
    print("How far from its place an interaction is routed, as a part of the backlog:\n")
    print("| backlog on | limit per node | as it comes | own order | ratio |")
    print("|---|---|---|---|---|")
    print(f"| one node | 50 | {one:.3f} | – | – |")
    kept = one == 0.0
    for limit in LIMITS:
        plain = displacement(routed(3, limit, as_it_comes))
        own = displacement(routed(3, limit, by_priority))
        print(f"| three nodes | {limit} | {plain:.3f} | {own:.3f} | {own / plain:.2f} |")
        if limit >= NUMBER:
            kept = kept and own <= AIM * plain
    return kept


if __name__ == "__main__":
    raise SystemExit(not main())
