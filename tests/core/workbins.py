"""Proxies and nodes in talks about workbins."""

from __future__ import annotations

from typing import Any

from ixproxy.messages import (
    EventAck,
    EventWorkbinContentChanged,
    RequestWorkbinCancelNotifications,
    RequestWorkbinNotifications,
    Workbin,
)
from ixproxy.messages.message import Request
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode
from ixproxy.wire.prefix import Frame
from ixproxy.wire.workbins import Wishes, asking
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

NODES = (EAST, NORTH, WEST)
DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
TEAM = Workbin(workbin_type_id="Team", workbin_group_id="loans")
PLAIN, CHANGES, STOPS = Wishes(), Wishes(properties=True), Wishes(stops=True)
BOTH = Wishes(properties=True, stops=True)


def listen(wishes: Wishes = PLAIN, workbin: Workbin = DRAFTS) -> RequestWorkbinNotifications:
    return asking(TENANT, workbin, wishes)


def cancel(workbin: Workbin = DRAFTS) -> RequestWorkbinCancelNotifications:
    return RequestWorkbinCancelNotifications(tenant_id=TENANT, workbin=workbin)


def changed(operation: str = "PlacedIn", **more: Any) -> EventWorkbinContentChanged:
    return EventWorkbinContentChanged(
        tenant_id=TENANT,
        interaction_id="i1",
        workbin=more.pop("workbin", DRAFTS),
        workbin_content_operation=operation,
        **more,
    )


def asked(rig: Rig, node: NodeName) -> Frame:
    """The one request that a node got, in the proxy's own name."""
    frame: Frame = only(rig.sent(node))
    assert frame.client == 0
    return frame


def accept(rig: Rig, expected: Request, *nodes: NodeName) -> None:
    for node in nodes or NODES:
        frame = asked(rig, node)
        assert decode(frame) == expected
        rig.answer(node, frame, EventAck())


def nothing(rig: Rig) -> bool:
    return not any(rig.to_node.values())


def listening(wishes: Wishes = PLAIN, **more: Any) -> tuple[Rig, int]:
    rig = Rig(**more)
    peer = rig.client()
    begin(rig, peer, wishes)
    return rig, peer


def begin(rig: Rig, peer: int, wishes: Wishes = PLAIN, workbin: Workbin = DRAFTS) -> None:
    rig.ask(peer, listen(wishes, workbin))
    accept(rig, listen(wishes, workbin))
    assert only(rig.got(peer)) == EventAck()


def tell(rig: Rig, event: EventWorkbinContentChanged, node: NodeName = EAST) -> None:
    rig.from_node(node, encode(event))


def listeners(rig: Rig) -> int:
    return len(rig.core._workbins.listeners)
