from __future__ import annotations

from dataclasses import fields

import pytest

from ixproxy.config import load
from ixproxy.config_node_options import NodeSettings
from ixproxy.config_plans import node_plan, store_settings
from ixproxy.errors import ConfigError
from ixproxy.node import model as node
from tests.deployments import EVERYTHING, EXAMPLE, SMALL


def test_a_node_has_the_tenants_that_it_names_and_all_custom_properties() -> None:
    plan = node_plan(load(EXAMPLE), "ixn3")
    assert [tenant.name for tenant in plan.tenants] == ["Environment"]
    assert plan.custom_properties == {"product": "string", "amount": "number"}
    assert plan.settings.completed_queues == ("Done",)
    assert plan.settings.allow_multiple_agent_connections == "false"
    model = node.NodeModel(plan.tenants, plan.custom_properties)
    assert sorted(view.name for view in model.views()) == [
        "Inbound/All", "Inbound/Per product", "Inbound/Urgent", "Review/All",
    ]  # fmt: skip


def test_a_tenant_is_handed_on_whole() -> None:
    (tenant,) = node_plan(load(EVERYTHING), "ixn1").tenants
    assert tenant == node.TenantPlan(
        1,
        "Environment",
        {"email": node.MediaPlan(True, 60), "fax": node.MediaPlan(False)},
        {
            "Inbound": {
                "Urgent": node.ViewPlan(
                    "[media_type] = 'email' AND product = 'Loan'",
                    "priority DESC, received_at",
                    ("product",),
                    5,
                    30,
                    "Mail",
                )
            }
        },
        {"Drafts": "agent"},
        frozenset({"kim", "lee"}),
        frozenset({"desk-1"}),
        frozenset({"sales"}),
        frozenset({"hall"}),
        frozenset({"urs"}),
    )


def test_both_servers_of_a_pair_have_one_plan() -> None:
    deployment = load(EVERYTHING)
    assert node_plan(deployment, "ixn1") == node_plan(deployment, "ixn1-b")


def test_equal_files_give_equal_plans_and_a_changed_setting_shows() -> None:
    plan = node_plan(load(SMALL), "ixn1")
    assert node_plan(load(SMALL + "\n# more"), "ixn1") == plan
    text = SMALL.replace("= false", "= false\nhandling-timeout = 60", 1)
    assert node_plan(load(text), "ixn1") != plan


def test_every_setting_of_a_nodes_rules_is_an_option_of_the_file() -> None:
    # What the file does not say, or says elsewhere: how often a node announces its load, for
    # whom it writes, what it is called, its share of the agent seats, what single routers may
    # have, and its capture points.
    others = {"load_interval", "logs", "agent_seats", "names", "router_limits", "capture"}
    known = {each.name for each in fields(NodeSettings)}
    assert {each.name for each in fields(node.NodeSettings)} - known == others


def test_a_node_has_its_share_of_the_agent_seats_and_both_servers_of_a_pair_the_same() -> None:
    text = EVERYTHING.replace("agent-seats = 100", "agent-seats = 20")
    assert node_plan(load(text), "ixn1").settings.agent_seats == 20
    assert node_plan(load(text), "ixn1-b").settings.agent_seats == 20
    assert node_plan(load(SMALL), "ixn1").settings.agent_seats is None


def test_an_application_that_is_no_node_has_no_plan() -> None:
    with pytest.raises(ConfigError, match="expected a node"):
        node_plan(load(SMALL), "proxy1")


def test_a_store_is_told_its_address_and_the_custom_columns() -> None:
    deployment = load(EVERYTHING)
    assert store_settings(deployment, deployment.node("ixn1-b")) == {
        "address": "sqlite:ixn1.db",
        "custom_columns": {"c_product": "string"},
    }


def test_a_routers_section_for_the_node_goes_before_the_nodes_options() -> None:
    text = EVERYTHING.replace(
        'completed-queues = "Inbound"',
        'completed-queues = "Inbound"\ndefault-max-submission-rate = "25/minute"',
    )
    for name in ("ixn1", "ixn1-b"):
        settings = node_plan(load(text), name).settings
        assert settings.default_max_submission_rate == pytest.approx(25 / 60)
        assert settings.router_limits.keys() == {"urs"}
    assert node_plan(load(SMALL), "ixn1").settings.default_max_submission_rate is None
