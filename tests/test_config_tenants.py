"""Who serves whom, beyond the cases of tests/config_doubts_of_clients.py."""

from __future__ import annotations

from tests.config_cases import GOOD, put
from tests.test_config_advice import said

CHAINED = """
[applications.front]
type = "Interaction Server"
role = "proxy"
tenants = ["Branch"]
listen = "tcp:7004:interface=10.0.0.3"
endpoint = "tcp:10.0.0.3:7004"
connections = ["media"]
"""


def test_a_proxy_behind_a_proxy_serves_what_the_nodes_behind_both_do() -> None:
    assert said(GOOD + CHAINED) == []


def test_a_tenant_is_served_by_whatever_proxy_names_none() -> None:
    text = GOOD.replace('"Environment", "Branch"', '"Environment"')
    text = put(text, "applications.ixn1", 'tenants = ["Environment", "Branch"]')
    assert "no proxy names this tenant" in str(said(text))
    assert said(put(text, "applications.media", "-tenants")) == []
