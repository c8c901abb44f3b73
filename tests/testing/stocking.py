"""Nodes that begin with many interactions, as if they had been submitted long ago."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ixproxy.node.rows import InteractionRow
from ixproxy.testing.cluster import Cluster


def stocked(
    number: int,
    row: Callable[[str, int], dict[str, Any]] = lambda node, at: {},
    **arguments: Any,
) -> Cluster:
    """
    A cluster of which each node has so many interactions in the queue `In`.

    :param row: of a node and a number, in what its interaction differs from others.
    :param arguments: for `Cluster`.
    """
    cluster = Cluster(start=False, **arguments)
    for node in cluster.nodes:
        store = node.place.store()
        store.open(0.0)
        store.begin()
        store.write(
            [
                InteractionRow(
                    **{
                        "id": f"{node.name}-{at:05}",
                        "tenant_id": 1,
                        "media_type": "email",
                        "queue": "In",
                        "queue_seq": at + 1,
                        "received_at": 1.0,
                        **row(node.name, at),
                    }
                )
                for at in range(number)
            ],
            (),
        )
        store.commit(0)
        store.close()
    for each in range(len(cluster.nodes)):
        cluster.start_node(each)
    for each in range(len(cluster.proxies)):
        cluster.start_proxy(each)
    for each in range(len(cluster.outers)):
        cluster.start_outer(each)
    return cluster
