"""What reporting clients say of agents."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.messages import EventAgentLogin, EventCurrentAgentStatus
from ixproxy.messages.message import Message
from ixproxy.values import rendezvous
from ixproxy.wire.codec import encode
from tests.core.chained import Inner
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

HOME, NEXT, LAST = rendezvous(f"{TENANT}/ann", (EAST, NORTH, WEST))
STATUS = EventCurrentAgentStatus(
    tenant_id=TENANT, agent_id="ann", place_id="p1", media_state_list={"email": 4}
)


def said(rig: Rig, peer: int, event: Message = STATUS, **prefix: Any) -> dict[str, list[Message]]:
    rig.raw(peer, encode(event, **prefix))
    assert not rig.got(peer), "an event has no answer"
    return {node: [decode(f) for f in rig.sent(node)] for node in list(rig.to_node)}


def test_a_status_goes_to_the_agents_home_in_the_clients_name() -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine")
    rig.raw(peer, encode(STATUS))
    frame = only(rig.sent(HOME))
    assert (decode(frame), frame.client) == (STATUS, 1)
    assert not any(rig.to_node.values())


def test_with_the_home_node_away_it_goes_to_the_next() -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine")
    rig.lose(HOME)
    assert said(rig, peer)[NEXT] == [STATUS]


def test_through_a_downstream_proxy_it_is_the_clients_too() -> None:
    rig = Inner(client_type="ReportingEngine")
    assert said(rig, rig.edge, client=rig.numbers_at_edge[0])[HOME] == [STATUS]


@pytest.mark.parametrize(
    ("client_type", "event", "prefix"),
    [
        ("AgentApplication", STATUS, {}),
        ("ReportingEngine", EventAgentLogin(tenant_id=TENANT, agent_id="ann"), {}),
        ("ReportingEngine", EventCurrentAgentStatus(tenant_id=99, agent_id="ann"), {}),
        ("ReportingEngine", EventCurrentAgentStatus(tenant_id=TENANT), {}),
        ("ReportingEngine", STATUS, {"client": 9}),
        ("ReportingEngine", STATUS, {"flags": 16}),
    ],
)
def test_what_may_not_be_relayed_is_counted(
    client_type: str, event: Message, prefix: dict[str, int]
) -> None:
    rig = Rig()
    peer = rig.client(client_type)
    assert not any(said(rig, peer, event, **prefix).values())
    assert rig.core.state.counters["events refused"] == 1


def test_without_a_node_it_is_counted_too() -> None:
    rig = Rig(link=False)
    peer = rig.client("ReportingEngine")
    said(rig, peer)
    assert rig.core.state.counters["events without a way"] == 1


def test_a_tenant_that_is_not_the_clients_is_refused() -> None:
    rig = Rig()
    peer = rig.client("ReportingEngine", tenants=[2])
    assert not any(said(rig, peer).values())
