"""Client applications, beyond the cases of tests/config_doubts_of_clients.py."""

from __future__ import annotations

import pytest

from tests.config_cases import GOOD, put
from tests.deployments import EXAMPLE, found
from tests.test_config_advice import said

TEXT = EXAMPLE.read_text()
PROXY = """
[applications.proxy3]
type = "Interaction Server"
role = "proxy"
listen = "tcp:7003:interface=127.0.0.1"
connections = ["ixn-cluster"]
"""


@pytest.mark.parametrize(
    "client",
    [
        "E-mail Server",
        "Chat Server",
        "Stat Server",
        "Interaction Concentrator",
        "Orchestration Server",
    ],
)
def test_media_reporting_and_routing_clients_have_a_pair_of_proxies(client: str) -> None:
    application = f'[applications.client]\ntype = "{client}"\nconnections = ["{{}}"]\n'
    assert said(TEXT + PROXY + application.format("proxy3")) == [
        f'[applications.client] connections: the guide connects a client of type "{client}" to a'
        ' pair of proxies, and "proxy3" has no backup'
    ]
    assert "of its own, not to the cluster" in str(said(TEXT + application.format("desktops")))
    pair = (
        PROXY + 'backup = "spare"\n[applications.spare]\nlisten = "tcp:7013:interface=127.0.0.1"\n'
    )
    assert said(TEXT + pair + application.format("proxy3")) == []


def test_a_desktop_may_use_a_proxy_without_a_backup() -> None:
    desktop = '[applications.desk]\ntype = "Agent Desktop"\nconnections = ["desktops"]\n'
    assert said(TEXT + desktop) == []


def test_a_universal_router_is_connected_to_every_node_and_to_no_proxy() -> None:
    router = '[applications.urs]\ntype = "Universal Routing Server"\nconnections = {}\n'
    assert said(TEXT + router.format('["ixn-cluster"]')) == []
    assert said(TEXT + router.format('["ixn1", "ixn3"]')) == [
        "[applications.urs] connections: the guide connects it to every node; missing: ixn2"
    ]
    assert '"proxy1" is a proxy' in str(said(TEXT + router.format('["ixn-cluster", "proxy1"]')))


def test_a_reporting_client_may_be_connected_to_every_node_instead() -> None:
    for nodes in ('["nodes"]', '["ixn1", "ixn2"]'):
        client = f'[applications.stat]\ntype = "Stat Server"\nconnections = {nodes}\n'
        assert said(GOOD + client) == []


def test_a_proxy_that_names_no_tenants_is_open_to_clients_of_any() -> None:
    desk = 'type = "Agent Desktop"\ntenants = ["Branch"]\nconnections = ["desktops"]'
    assert said(put(GOOD, "applications.desk", desk)) == []
    one = put(GOOD, "applications.proxy1", 'tenants = ["Environment"]')
    assert said(put(one, "applications.desk", desk)) == []
    none = put(put(GOOD, "applications.proxy1", "-tenants"), "applications.proxy2", "-tenants")
    assert said(put(none, "applications.desk", desk)) == []


def test_a_client_of_a_node_is_served_by_its_tenants() -> None:
    client = 'type = "Generic Client"\ntenants = ["Branch"]\nconnections = ["{}"]'
    assert said(put(GOOD, "applications.x", client.format("ixn1"))) == []
    assert "does not name" in str(said(put(GOOD, "applications.x", client.format("ixn2"))))


def test_sections_of_other_programs_may_have_any_names() -> None:
    client = '[applications.x]\ntype = "Generic Client"\n[applications.x.options.anything]\na = 1\n'
    assert found(GOOD + client) == []
