from __future__ import annotations

import pytest

from ixproxy.config import Deployment, load
from ixproxy.config_tables import Chosen
from ixproxy.errors import ConfigError
from ixproxy.values import NodeFacts, NodeName, TenantFacts
from tests.deployments import EVERYTHING, EXAMPLE, SMALL, changed


def small(changes: dict[str, str] | None = None) -> Deployment:
    return load(changed(SMALL, changes or {}))


IXN1 = NodeFacts(NodeName("ixn1"), 101, frozenset({1}), None, True, "tcp:node-a.example:7101", "")
IXN2 = NodeFacts(NodeName("ixn2"), 102, frozenset({1}), None, True, "tcp:node-b.example:7101", "")


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
    assert facts.backup_endpoint == "tcp:node-a.example:7102"
    assert deployment.node_facts(deployment.node("spare")) == facts


def test_an_empty_list_of_media_types_means_all_of_them() -> None:
    text = SMALL + '[applications.ixn1.options.cluster-settings]\nmedia-types = ""\n'
    assert load(text).upstreams_of("proxy1")[0].media_types is None


def test_a_chained_proxy_connects_to_proxies_and_reaches_the_nodes_behind_them() -> None:
    deployment = load(EVERYTHING)
    view = deployment.view_for("chained")
    assert view.nodes == ()
    assert [each.name for each in view.proxies] == ["proxy1"]
    assert view.proxies[0].endpoint == "tcp:127.0.0.1:7001"
    assert view.proxies[0].backup_endpoint == "tcp:127.0.0.1:7002"
    assert view.proxies[0].dbid == 301
    assert [node.name for node in deployment.nodes_behind("chained")] == ["ixn1"]


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
