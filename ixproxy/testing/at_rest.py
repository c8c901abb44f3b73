"""
What must be so in a cluster with agents that has come to rest.

Nodes agree on who is logged in and how, streams say what the nodes' tables
say, and what each program remembers can be told in numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ixproxy.messages.message import Reason
from ixproxy.node.rows import AgentRow
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.fuzz_proxy import sizes as sizes_of_proxy
from ixproxy.testing.node_checks import mistakes
from ixproxy.testing.node_checks import sizes as sizes_of_node
from ixproxy.testing.watching import AgentKey, StreamWatch
from ixproxy.values import PartyType

_OF_PROXIES = ("peers", "clients")
"""Of these the proxies in front of others are some, now of this one, now of that."""


def remembered(cluster: Cluster) -> dict[str, int]:
    """How much each program of a cluster remembers, by program and table."""
    sizes = {}
    for node in cluster.nodes:
        if node.server is not None and node.process.alive:
            for name, size in sizes_of_node(node.server).items():
                sizes[f"{node.name}: {name}"] = size
        for table in ("agents", "invitations", "parties", "timers"):
            sizes[f"{node.name}: rows of {table}"] = len(node.rows(table))
    for proxy in (*cluster.outers, *cluster.proxies):
        if proxy.core is not None and proxy.process.alive:
            for name, size in sizes_of_proxy(proxy.core).items():
                if not cluster.outers or name not in _OF_PROXIES:
                    sizes[f"{proxy.name}: {name}"] = size
    return sizes


def grown(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """What is remembered that was not before."""
    return [
        f"{what}: {size} are left, of {before.get(what, 0)}"
        for what, size in after.items()
        if size > before.get(what, 0)
    ]


def agents_of_nodes(cluster: Cluster) -> tuple[dict[AgentKey, dict[str, Any]], list[str]]:
    """
    Who is logged in, by the tables of all nodes; and where they do not agree.
    """
    agents: dict[AgentKey, dict[str, Any]] = {}
    problems = []
    known = {}
    for node in cluster.nodes:
        assert node.server is not None
        rows = _confirmed(node.server.core._standing.memory.agents)
        known[node.name] = rows.keys()
        for key, row in rows.items():
            shown = _shown(row)
            if agents.setdefault(key, {**shown, "parties": {}}) != {**shown, "parties": {}}:
                problems.append(
                    f"{node.name} has {key[1]} as {shown}, another node as {agents[key]}"
                )
    for name, there in known.items():
        for key in sorted(agents.keys() - there):
            problems.append(f"{key[1]} is logged in on some node, but not on {name}")
    return agents, problems


def _confirmed(rows: Mapping[AgentKey, Sequence[AgentRow]]) -> dict[AgentKey, AgentRow]:
    return {key: row for key, several in rows.items() for row in several if row.confirmed}


def _shown(row: AgentRow) -> dict[str, Any]:
    reasons = {name: _reason(reason) for name, reason in row.reasons.items()}
    return {
        "session": (row.number, row.dbid),
        "place": row.place_id,
        "media": dict(sorted(row.media.items())),
        "do not disturb": row.donot_disturb,
        "reason": reasons.pop("", None),
        "reasons": dict(sorted(reasons.items())),
    }


def _reason(values: Any) -> Reason:
    return msgspec.convert(values, Reason)


def wrong_at_rest(
    cluster: Cluster, watches: Sequence[StreamWatch], fresh: StreamWatch
) -> list[str]:
    """
    What is wrong when nothing is on its way.

    :param watches: what running streams have come to.
    :param fresh: the state with which a new stream began.
    """
    problems = cluster.problems()
    for node in cluster.nodes:
        assert node.server is not None
        found = mistakes(node.place, node.server)
        problems += [f"{node.name}: {mistake}" for mistake in found]
    agents, unlike = agents_of_nodes(cluster)
    problems += unlike
    for party in cluster.rows("parties"):
        key = party["tenant_id"], party["agent_id"]
        if party["party_type"] == PartyType.AGENT and key in agents:
            agents[key]["parties"][party["interaction_id"]] = party["visibility_mode"]
    problems += fresh.differs(agents, "the nodes' tables")
    for watch in watches:
        if watch.whole:
            problems += watch.differs_from(fresh)
        else:
            problems.append(f"{watch.name} has no stream")
    return problems
