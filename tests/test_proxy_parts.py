"""From the deployment file to what a proxy is made of."""

from __future__ import annotations

from pathlib import Path

from ixproxy.config import check, load
from ixproxy.core.link_times import LinkTimes
from ixproxy.proxy_parts import (
    FRAME_MARGIN,
    deployment_of,
    limits_of,
    settings_of,
    strategies_of,
)
from ixproxy.strategies.least_backlog import LeastBacklog
from ixproxy.values import NodeName

EXAMPLE = Path("examples/three-nodes.toml").read_text()
SMALL = """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
chat = { enabled = false }
[tenants.Environment.queues.Q1.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
store = "sqlite:ixn1.db"
[applications.ixn1.options.settings]
delivering-timeout = 40
[applications.ixn1.options.cluster-settings]
media-types = "email"

[applications.tserver]
type = "T-Server"
dbid = 300

[applications.nodes]
type = "Application Cluster"
connections = ["ixn1"]
[applications.nodes.options.cluster-settings]
cluster-type = "Interaction Server"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:7001:interface=127.0.0.1"
connections = ["nodes", "ixn1", "tserver"]
[applications.proxy1.options.settings]
pull-hold-timeout = 2
interaction-cache-size = 500
mark-internal-requests = true
max-link-output = 1000000
fast-path = false
node-connect-timeout = 700
node-answer-timeout = 2000
node-probe-interval = 500
[applications.proxy1.routing]
use = "least-backlog"
"""


def test_options_of_the_file_become_settings_of_the_mind() -> None:
    view = load(SMALL).view_for("proxy1")
    settings = settings_of(view, 1000)
    assert settings.name == "proxy1"
    assert settings.pull_hold_timeout == 2.0
    assert settings.interaction_cache_size == 500
    assert settings.mark_internal_requests
    assert settings.delivering_timeout == 40.0
    assert settings.min_peer_frame == 1000 + FRAME_MARGIN
    assert not settings.fast_path
    assert settings.link_times == LinkTimes(connect=0.7, answer=2.0, probe=0.5)
    assert limits_of(view).link_output == 1_000_000


def test_a_node_named_by_its_cluster_and_by_itself_is_connected_once() -> None:
    """Test idea 11."""
    deployment = deployment_of(load(SMALL).view_for("proxy1"))
    assert list(deployment.nodes) == ["ixn1"]
    assert deployment.nodes[NodeName("ixn1")].media_types == frozenset({"email"})
    assert deployment.tenants[1].media_types == {"email": True, "chat": False}


def test_an_application_of_another_type_is_left_out_and_reported() -> None:
    """Test idea 10: a T-Server in the connections."""
    assert "tserver" not in deployment_of(load(SMALL).view_for("proxy1")).nodes
    assert any("tserver" in str(warning) for warning in check(SMALL).warnings)


def test_strategies_are_made_by_name() -> None:
    strategies = strategies_of(load(SMALL).view_for("proxy1"))
    assert isinstance(strategies.routing, LeastBacklog)
    assert (strategies.routing_name, strategies.pull_name, strategies.merge_name) == (
        "least-backlog",
        "round-robin",
        "union",
    )


def test_the_example_has_proxies_that_can_be_made() -> None:
    deployment = load(EXAMPLE)
    for proxy in deployment.proxies():
        view = deployment.view_for(proxy.name)
        assert len(deployment_of(view).nodes) == 3
        strategies_of(view)


def test_a_proxy_behind_a_proxy_has_one_upstream() -> None:
    chained = SMALL + (
        '[applications.proxy2]\ntype = "Interaction Server"\nrole = "proxy"\n'
        'tenants = ["Environment"]\nlisten = "tcp:7002:interface=127.0.0.1"\n'
        'connections = ["proxy1"]\n'
    )
    view = load(chained).view_for("proxy2")
    assert list(deployment_of(view).nodes) == ["proxy1"]
    assert settings_of(view, 0).delivering_timeout == 40.0, "that of the nodes behind it"
