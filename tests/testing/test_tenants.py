from __future__ import annotations

from ixproxy.node.model import NodeModel
from ixproxy.testing.scripts import MEDIA, QUEUES, VIEWS
from ixproxy.testing.steps import TENANT as SCRIPT_TENANT
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, TENANT, facts_of


def test_a_node_can_serve_it() -> None:
    model = NodeModel([TENANT], CUSTOM_PROPERTIES)
    assert {view.name for view in model.views()} >= set(VIEWS)


def test_scripts_name_only_what_it_has() -> None:
    assert TENANT.id == SCRIPT_TENANT
    assert set(QUEUES) <= set(TENANT.queues)
    assert set(MEDIA) <= set(TENANT.media_types)


def test_a_proxy_knows_which_media_types_are_enabled() -> None:
    facts = facts_of(TENANT)
    assert (facts.id, facts.name) == (1, "Environment")
    assert facts.media_types == {"email": True, "chat": True, "task": True, "fax": False}
