"""A proxy's status as a client gets it: mind, sockets and process together."""

from __future__ import annotations

from ixproxy.messages import (
    EventServerStatus,
    LimitUse,
    LinkStatus,
    ProxyStatus,
    RequestServerStatus,
)
from ixproxy.net.listener import Limits
from ixproxy.net.proxy_status import with_sockets
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.memory_servers import TIME_OF_DAY


class Sockets:
    """As much of a listener, and of a connection, as is asked."""

    peers, unregistered, slow, backlog = 7, 2, 1, 4096
    limits = Limits(connections=10)


def test_sockets_add_peers_and_what_waits_for_each_node() -> None:
    links = [LinkStatus(node="east"), LinkStatus(node="north")]
    status = EventServerStatus(
        limits=[LimitUse(name="max-clients")], proxy_status=ProxyStatus(links=links)
    )
    full = with_sockets(status, Sockets(), {"east": Sockets()})  # type: ignore[arg-type, dict-item]
    assert (full.peers, full.unregistered, full.slow_readers) == (7, 2, 1)
    assert full.limits[0] == LimitUse(name="max-connections", used=7, allowed=10)
    assert full.proxy_status is not None
    assert [link.output for link in full.proxy_status.links] == [4096, 0]


def test_a_proxy_says_why_a_node_is_down_and_since_when() -> None:
    cluster = Cluster(nodes=2, proxies=1)
    try:
        client = cluster.client("desk", "AgentApplication")
        cluster.run(10)
        cluster.kill_node(1)
        cluster.run(5)
        status = cluster.finish(client.request(RequestServerStatus()))
        assert TIME_OF_DAY < status.time <= TIME_OF_DAY + cluster.seconds()
        assert status.uptime > 15
        assert status.configuration.applied_at >= TIME_OF_DAY
        assert status.peers == 1
        one, two = status.proxy_status.links
        assert (one.node, one.state, one.epoch > 0) == ("node1", "linked", True)
        assert (two.state, round(two.seconds)) == ("down", 5)
        assert two.problem
    finally:
        cluster.close()
