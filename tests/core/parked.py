"""A proxy between scripted nodes, one of which may be switching over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ixproxy.core.parking import Line
from ixproxy.messages import EventError, RequestAccept, RequestGetInteractionProperties
from ixproxy.values import NodeName
from tests.core.rig import EAST, TENANT, WEST, Rig

WINDOW = 10.0
NAMED: Any = {"tenant_id": TENANT, "interaction_id": "a"}
ASK = RequestGetInteractionProperties(**NAMED)
ACCEPT = RequestAccept(**NAMED, ticket_id=3)


def known(**settings: Any) -> tuple[Rig, int]:
    """One client, and interactions whose owner is known."""
    rig = Rig(**{"parking_window": WINDOW, **settings})
    peer = rig.client()
    for identifier in (b"a", b"b", b"c"):
        rig.core.state.owners.confirm(identifier, EAST)
    rig.core.state.owners.confirm(b"w", WEST)
    return rig, peer


def asking(identifier: str) -> RequestGetInteractionProperties:
    return RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=identifier)


def line_of(rig: Rig, node: NodeName = EAST) -> Line:
    return rig.core.parking.lines[node]


def sent_ids(rig: Rig, node: NodeName = EAST) -> list[str]:
    return [frame.interaction for frame in rig.sent(node)]


def codes(rig: Rig, peer: int) -> list[int]:
    return [each.error_code for each in rig.got(peer) if isinstance(each, EventError)]


def changed(rig: Rig, nodes: Sequence[Any] = (), **settings: Any) -> None:
    """The deployment file changes."""
    state = rig.core.state
    found = {node.name: node for node in nodes} or state.deployment.nodes
    rig.core.configuration_changed(
        replace(state.settings, **settings),
        replace(state.deployment, nodes=found),
        state.strategies,
        rig.now,
    )
    rig.pump()
