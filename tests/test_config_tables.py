from __future__ import annotations

from ixproxy.config_options import NodeClusterSettings
from ixproxy.config_tables import (
    Chosen,
    MediaType,
    NodeApplication,
    ProxyApplication,
    Tenant,
)
from ixproxy.values import TenantFacts


def node(*media: str) -> NodeApplication:
    settings = NodeClusterSettings(media_types=media)
    return NodeApplication("ixn1", 1, ("T",), "", "", "", cluster_settings=settings)


def test_a_node_without_a_list_takes_every_media_type() -> None:
    assert node().takes("email")
    assert node("email", "chat").takes("chat")
    assert not node("chat").takes("email")


def test_the_facts_of_a_tenant_say_which_media_types_are_enabled() -> None:
    media = {"email": MediaType("email"), "fax": MediaType("fax", enabled=False)}
    assert Tenant("T", 7, media).facts == TenantFacts(7, "T", {"email": True, "fax": False})


def test_a_proxy_that_names_no_strategies_has_the_guides() -> None:
    proxy = ProxyApplication("p", "", "", ())
    assert (proxy.routing, proxy.pull, proxy.merge) == (
        Chosen("round-robin"), Chosen("round-robin"), Chosen("union"),
    )  # fmt: skip


def test_what_is_left_open_is_not_an_empty_list() -> None:
    assert Tenant("T", 1).agents is None
    assert Tenant("T", 1, agents=frozenset()).agents == frozenset()
