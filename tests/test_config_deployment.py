from __future__ import annotations

from dataclasses import replace

import pytest

from ixproxy.config import Deployment, load
from ixproxy.config_tables import Chosen
from ixproxy.errors import ConfigError
from ixproxy.values import NodeFacts, NodeName, Server, TenantFacts
from tests.deployments import EVERYTHING, EXAMPLE, SMALL, changed


def small(changes: dict[str, str] | None = None) -> Deployment:
    return load(changed(SMALL, changes or {}))


def facts(name: str, dbid: int, endpoint: str) -> NodeFacts:
    return NodeFacts(NodeName(name), dbid, frozenset({1}), pairs=((Server(name, endpoint),),))


IXN1 = facts("ixn1", 101, "tcp:node-a.example:7101")
IXN2 = facts("ixn2", 102, "tcp:node-b.example:7101")


def test_an_application_is_found_by_its_name_and_what_it_is() -> None:
    deployment = load(EVERYTHING)
    assert deployment.node("ixn1").dbid == 101
    assert deployment.proxy("proxy1").dbid == 301
    assert deployment.cluster("proxies").connections == ("proxy1",)
    with pytest.raises(ConfigError, match=r"expected a node .*; there are: ixn1, ixn1-b"):
        deployment.node("proxy1")
    with pytest.raises(ConfigError, match="there are: proxy1, proxy1-b, chained"):
        deployment.proxy("nobody")
    with pytest.raises(ConfigError, match="there are: cluster, proxies"):
        deployment.cluster("ixn1")


def test_nodes_and_proxies_are_counted_once_by_their_primaries() -> None:
    deployment = load(EVERYTHING)
    assert [node.name for node in deployment.nodes()] == ["ixn1"]
    assert [proxy.name for proxy in deployment.proxies()] == ["proxy1", "chained"]
    assert [cluster.name for cluster in deployment.clusters()] == ["cluster", "proxies"]


def test_a_proxy_connects_to_the_members_of_its_cluster() -> None:
    assert small().upstreams_of("proxy1") == (IXN1, IXN2)


def test_a_proxy_connects_to_nodes_that_it_names_itself() -> None:
    connections = 'connections = ["cluster"]'
    assert small({connections: 'connections = ["ixn2"]'}).upstreams_of("proxy1") == (IXN2,)


def test_a_node_named_twice_is_connected_once() -> None:
    mixed = small({'connections = ["cluster"]': 'connections = ["ixn2", "cluster", "ixn1"]'})
    assert mixed.upstreams_of("proxy1") == (IXN1, IXN2)


def test_what_is_no_interaction_server_is_left_out() -> None:
    assert [each.name for each in load(EVERYTHING).upstreams_of("proxy1")] == ["ixn1"]


def test_a_proxy_knows_media_types_enable_submit_and_the_backup_of_a_node() -> None:
    settings = """
    [applications.ixn1.options.cluster-settings]
    media-types = "email, chat"
    enable-submit = false
    [applications.spare]
    listen = "tcp:7102"
    endpoint = "tcp:node-a.example:7102"
    """
    deployment = load(changed(SMALL, {"dbid = 101": 'dbid = 101\nbackup = "spare"'}) + settings)
    facts = deployment.upstreams_of("proxy1")[0]
    assert facts.media_types == frozenset({"email", "chat"})
    assert not facts.enable_submit
    assert facts.servers[1] == Server("spare", "tcp:node-a.example:7102")
    assert deployment.node_facts(deployment.node("spare")) == facts


def test_an_empty_list_of_media_types_means_all_of_them() -> None:
    text = SMALL + '[applications.ixn1.options.cluster-settings]\nmedia-types = ""\n'
    assert load(text).upstreams_of("proxy1")[0].media_types is None


def test_a_proxy_behind_a_proxy_has_one_upstream_with_the_tenants_of_the_nodes_behind_it() -> None:
    deployment = load(EVERYTHING)
    (upstream,) = deployment.view_for("chained").nodes
    assert (upstream.name, upstream.dbid, upstream.media_types) == ("proxies", 0, None)
    assert upstream.tenants == frozenset({1})
    assert upstream.pairs == (
        (Server("proxy1", "tcp:127.0.0.1:7001"), Server("proxy1-b", "tcp:127.0.0.1:7002")),
    )
    assert upstream.is_proxy
    assert [node.name for node in deployment.nodes_behind("chained")] == ["ixn1"]


def test_the_one_upstream_is_called_what_the_file_calls_it() -> None:
    """A cluster of proxies is one upstream; so is a proxy that is named itself."""
    second = """
[applications.proxy2]
type = "Interaction Server"
role = "proxy"
listen = "tcp:7012:interface=127.0.0.1"
connections = ["cluster"]
[applications.proxy2.tls]
certificate = "proxy2.pem"
private-key = "proxy2.key"
trust = "ca.pem"
[[applications.proxy2.allow]]
subject = "CN=chained"
client-types = ["Proxy"]
"""
    text = changed(EVERYTHING, {'connections = ["proxy1"]': 'connections = ["proxy1", "proxy2"]'})
    (upstream,) = load(text + second).view_for("chained").nodes
    assert upstream.name == "proxies"
    assert [[server.name for server in pair] for pair in upstream.pairs] == [
        ["proxy1", "proxy1-b"],
        ["proxy2"],
    ]
    text = changed(EVERYTHING, {'connections = ["proxies"]': 'connections = ["proxy1"]'})
    (upstream,) = load(text).view_for("chained").nodes
    assert (upstream.name, len(upstream.servers)) == ("proxy1", 2)


def test_the_backup_of_a_proxy_sees_what_its_primary_sees_under_a_name_of_its_own() -> None:
    deployment = load(EVERYTHING)
    primary, backup = deployment.view_for("proxy1"), deployment.view_for("proxy1-b")
    assert backup.name == "proxy1-b"
    assert replace(backup, name="proxy1") == primary


def test_the_view_of_a_proxy_has_tenants_nodes_settings_and_strategies() -> None:
    view = small().view_for("proxy1")
    assert view.tenants == (TenantFacts(1, "Environment", {"email": True, "chat": True}),)
    assert view.nodes == (IXN1, IXN2)
    assert view.delivering_timeout == 30
    assert view.merge == Chosen("union")


def test_equal_files_give_equal_views_and_any_change_shows() -> None:
    view = small().view_for("proxy1")
    assert (
        small({"[applications.ixn1]": "# a comment\n[applications.ixn1]"}).view_for("proxy1")
        == view
    )
    for changes in (
        {'connections = ["cluster"]': 'connections = ["ixn1"]'},
        {"chat = {}": "chat = { enabled = false }"},
        {"node-b.example": "node-c.example"},
        {'connections = ["cluster"]': 'connections = ["cluster"]\nrouting.use = "least-backlog"'},
        {'role = "proxy"': 'role = "proxy"\noptions.settings.request-timeout = 5'},
    ):
        assert small(changes).view_for("proxy1") != view, changes


def test_the_longest_delivering_timeout_of_its_nodes_is_the_proxys() -> None:
    text = SMALL.replace("= false", "= false\ndelivering-timeout = 40", 1)
    assert load(text).view_for("proxy1").delivering_timeout == 40


def test_hash_of_id_is_told_of_all_configured_nodes() -> None:
    text = changed(SMALL, {'role = "proxy"': 'role = "proxy"\nrouting.use = "hash-of-id"'})
    assert load(text).view_for("proxy1").routing.settings == {
        "nodes": {
            "ixn1": {"tenants": [1], "media-types": []},
            "ixn2": {"tenants": [1], "media-types": []},
        }
    }
    own = changed(text, {'"hash-of-id"': '"hash-of-id"\nrouting.nodes = ["ixn1"]'})
    assert load(own).view_for("proxy1").routing.settings == {"nodes": ["ixn1"]}


def test_custom_properties_of_all_tenants_are_put_together() -> None:
    text = SMALL + (
        "[tenants.Branch]\nid = 2\n[tenants.Branch.custom-properties]\namount.type = 'number'\n"
        "[tenants.Environment.custom-properties]\nproduct.type = 'string'\n"
    )
    assert load(text).custom_properties() == {"product": "string", "amount": "number"}


def test_the_example_has_three_nodes_and_two_proxies_that_see_them_all() -> None:
    deployment = load(EXAMPLE)
    assert [node.name for node in deployment.nodes()] == ["ixn1", "ixn2", "ixn3"]
    assert [proxy.name for proxy in deployment.proxies()] == ["proxy1", "proxy2"]
    for proxy in deployment.proxies():
        assert len(deployment.view_for(proxy.name).nodes) == 3
