"""
Changes of a deployment under a cluster in memory, as an operator makes them in the file.

    number = add_node(cluster)
    change_node(cluster, 0, media_types=frozenset({"chat"}))
    drain(cluster, 1)
    remove_node(cluster, 1)
    cluster.kill_node(1)

None of them stops a node's program, and none runs the clock but for starting one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ixproxy.core.settings import Deployment
from ixproxy.node.model import NodeModel, TenantPlan
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, facts_of
from ixproxy.values import NodeFacts, NodeName


def add_node(cluster: Cluster, **facts: Any) -> int:
    """One more node: started, and then named in the deployment; its number."""
    number = len(cluster.nodes)
    node = cluster.new_node(number)
    cluster.nodes.append(node)
    cluster.start_node(number)
    first = next(iter(cluster.deployment.nodes.values()))
    _with_nodes(
        cluster,
        {
            **cluster.deployment.nodes,
            NodeName(node.name): replace(
                first,
                name=NodeName(node.name),
                dbid=node.dbid,
                pairs=(node.servers,),
                **facts,
            ),
        },
    )
    return number


def change_node(cluster: Cluster, number: int, **facts: Any) -> None:
    """What the deployment says of one node: media_types, enable_submit, pairs, tenants."""
    name = NodeName(cluster.nodes[number].name)
    nodes = cluster.deployment.nodes
    _with_nodes(cluster, {**nodes, name: replace(nodes[name], **facts)})


def change_settings(cluster: Cluster, number: int, **options: Any) -> None:
    """Options of one node, such as agent_seats; nobody else need know of them."""
    node = cluster.nodes[number]
    node.change(node.model, replace(node.settings, **options))


def drain(cluster: Cluster, number: int) -> None:
    """A node gets no new work any more."""
    change_node(cluster, number, enable_submit=False)


def remove_node(cluster: Cluster, number: int) -> None:
    """The deployment does not name a node any more; it still runs."""
    name = cluster.nodes[number].name
    nodes = cluster.deployment.nodes
    _with_nodes(cluster, {each: facts for each, facts in nodes.items() if each != name})


def rename_node(cluster: Cluster, number: int, name: str) -> None:
    """The deployment has another name for a node, which does not notice."""
    old = cluster.nodes[number].name
    _with_nodes(
        cluster,
        {
            (NodeName(name) if each == old else each): (
                replace(facts, name=NodeName(name)) if each == old else facts
            )
            for each, facts in cluster.deployment.nodes.items()
        },
    )


def change_tenants(cluster: Cluster, plans: Sequence[TenantPlan]) -> None:
    """The deployment has these tenants now, and every node serves all of them."""
    model = NodeModel(plans, CUSTOM_PROPERTIES, cluster.nodes[0].model.dialect)
    for node in cluster.nodes:
        node.change(model)
    served = frozenset(plan.id for plan in plans)
    nodes = {
        name: replace(facts, tenants=served) for name, facts in cluster.deployment.nodes.items()
    }
    cluster.change(Deployment({plan.id: facts_of(plan) for plan in plans}, nodes))


def _with_nodes(cluster: Cluster, nodes: Mapping[NodeName, NodeFacts]) -> None:
    cluster.change(Deployment(cluster.deployment.tenants, nodes))
