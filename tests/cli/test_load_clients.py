"""The clients of a load."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ixproxy.cli.load_clients import client_type_of
from ixproxy.cli.load_mix import Kind
from ixproxy.messages import (
    EventPulledInteractions,
    EventServerStatus,
    RequestPull,
    RequestServerStatus,
    ServerFacts,
)
from ixproxy.values import ClientType
from tests.cli.worlds import CommandWorld
from tests.client.servers import Server

FILE = Path(__file__).parent.parent.parent / "examples" / "three-nodes.toml"


def test_each_kind_is_sent_by_who_may() -> None:
    assert client_type_of(Kind.SUBMIT) is ClientType.MEDIA_SERVER
    assert client_type_of(Kind.STOP) is ClientType.ROUTING_ENGINE
    assert client_type_of(Kind.LOGOUT) is ClientType.AGENT_APPLICATION


def test_clients_are_spread_evenly_over_the_proxies(world: CommandWorld) -> None:
    servers = {}
    for port in (7001, 7002):
        server = servers[port] = Server()
        server.facts = ServerFacts(name=f"proxy{port}", role="proxy", tenants=[1])
        server.replies[RequestPull] = lambda _: EventPulledInteractions()
        server.replies[RequestServerStatus] = lambda _: EventServerStatus()
        world.network.listen(f"127.0.0.1:{port}", server)
    ran = world.run(
        "load", "--config", str(FILE), "--application", "desktops", "--view", "Q1/All",
        "--mix", "pull=1", "--clients", "9", "--count", "20",
    )  # fmt: skip
    assert ran.code == 0, ran
    counts = Counter({port: len(server.registered) for port, server in servers.items()})
    assert sorted(counts.values()) == [5, 5], "nine, and one that watches"


def test_only_connections_that_the_mix_needs_are_made(world: CommandWorld) -> None:
    world.reply(RequestPull, EventPulledInteractions())
    world.ixctl("load", "--view", "Q1/All", "--mix", "pull=1", "--clients", "2", "--count", "4")
    types = [each.client_type for each in world.server.registered]
    assert types == ["RoutingEngine"] * 3
