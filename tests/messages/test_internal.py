from __future__ import annotations

import msgspec

from ixproxy.messages import (
    EventNodeLoad,
    RequestCancelTake,
    RequestClientsGone,
    RequestConfirmSession,
    RequestLocate,
)
from tests.messages.attributes import lacking


def test_what_proxies_and_nodes_tell_each_other() -> None:
    assert lacking(RequestLocate, "TenantId InteractionId") == set()
    assert lacking(RequestCancelTake, "TenantId InteractionId TakeNumber") == set()
    assert lacking(RequestClientsGone, "Clients ApplicationName") == set()
    assert lacking(RequestConfirmSession, "AgentId PlaceId AgentSession MediaList") == set()


def test_load_is_told_by_tenant() -> None:
    load = EventNodeLoad(
        queues={1: {"Inbound": 4}}, views={1: {"Inbound/All": 4}}, media_types={1: ["email"]}
    )
    raw = msgspec.msgpack.encode(load)
    assert msgspec.msgpack.decode(raw, type=EventNodeLoad) == load
