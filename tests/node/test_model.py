from __future__ import annotations

import pytest

from ixproxy.errors import ConfigError
from ixproxy.messages import Workbin
from ixproxy.node.expressions import ExpressionError
from ixproxy.node.model import (
    KEPT_EXPRESSIONS,
    NO_WORKBIN,
    OWNERS,
    MediaPlan,
    NodeModel,
    TenantPlan,
    ViewPlan,
    workbin_columns,
    workbin_queue,
)
from ixproxy.node.rows import InteractionRow
from tests.node.tried import CUSTOM, ENVIRONMENT


def test_views_are_found_by_queue_and_name() -> None:
    model = NodeModel([ENVIRONMENT], CUSTOM)
    view = model.tenants[1].views["Inbound/Urgent"]
    assert (view.queue, view.name, view.tenant_id) == ("Inbound", "Inbound/Urgent", 1)
    assert view.condition is not None
    assert not view.time_dependent
    assert model.tenants[1].views["Inbound/Old"].time_dependent
    assert len(model.views()) == 6


def test_a_view_selects_what_can_be_pulled_from_it() -> None:
    view = NodeModel([ENVIRONMENT], CUSTOM).tenants[1].views["Inbound/Each"]
    selection = view.selection(5)
    assert (selection.tenant_id, selection.queue, selection.available) == (1, "Inbound", True)
    assert (selection.segmentation, selection.segment_limit) == (("c_product",), 1)
    assert (selection.limit, selection.condition) == (5, None)


def test_an_order_may_make_a_view_depend_on_time() -> None:
    plan = TenantPlan(1, "T", queues={"Q": {"V": ViewPlan(order="_age() * Priority")}})
    assert NodeModel([plan]).tenants[1].views["Q/V"].time_dependent


def test_all_mistakes_are_in_one_report() -> None:
    plan = TenantPlan(
        1,
        "T",
        {"email": MediaPlan()},
        {"Q": {"A": ViewPlan("Colour = 1"), "B": ViewPlan(order="Priority UP"), "C": ViewPlan()}},
        {"Drafts": "nobody"},
    )
    with pytest.raises(ConfigError) as caught:
        NodeModel([plan])
    tables = [problem.table for problem in caught.value.problems]
    assert tables == [
        "tenants.T.queues.Q.views.A",
        "tenants.T.queues.Q.views.B",
        "tenants.T.workbins.Drafts",
    ]


def test_properties_are_reserved_as_the_protocol_spells_them() -> None:
    model = NodeModel([ENVIRONMENT], CUSTOM)
    assert model.reserved["Priority"].column == "priority"
    assert model.reserved["InteractionMediatype"].column == "media_type"
    assert model.reserved["Product"].column == "c_product"
    assert not {"priority", "state", "queue", "product"} & model.reserved.keys()


def test_expressions_out_of_requests_are_kept_and_forgotten() -> None:
    model = NodeModel()
    first = model.condition("Priority = 1")
    assert model.condition("Priority = 1") is first
    order = model.order("Priority")
    assert model.order("Priority") is order
    for number in range(KEPT_EXPRESSIONS + 1):
        model.condition(f"Priority = {number}")
        model.order(f"Priority + {number}")
    assert model.condition("Priority = 1") is not first
    assert model.order("Priority") is not order
    assert len(model._conditions) <= KEPT_EXPRESSIONS
    assert len(model._orders) <= KEPT_EXPRESSIONS
    with pytest.raises(ExpressionError):
        model.condition("Colour = 1")


@pytest.mark.parametrize("kind", OWNERS)
def test_a_workbin_has_one_column_for_its_owner(kind: str) -> None:
    workbin = Workbin(
        workbin_type_id="W",
        workbin_agent_id="a",
        workbin_group_id="g",
        workbin_place_id="p",
        workbin_place_group_id="pg",
    )
    columns = workbin_columns(kind, workbin)
    assert columns.keys() == NO_WORKBIN.keys()
    set_ = {column for column, value in columns.items() if value}
    assert set_ == {"workbin_type", OWNERS[kind][1]}
    assert set(columns) <= set(InteractionRow.__struct_fields__)
    assert workbin_queue("W") == "workbin:W"


def test_owners_are_listed_or_open() -> None:
    plan = TenantPlan(
        1, "T", agents=frozenset("a"), places=frozenset("p"), agent_groups=frozenset("g")
    )
    tenant = NodeModel([plan]).tenants[1]
    assert [tenant.owners(kind) for kind in OWNERS] == [{"a"}, {"g"}, {"p"}, None]
