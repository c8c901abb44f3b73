"""Routing attributes that are missing, wrong or unknown: the proxy's own answer."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.routing import ROUTES, Route
from ixproxy.errors import Code
from ixproxy.messages import RequestHold
from ixproxy.wire.codec import encode
from ixproxy.wire.names import BY_NAME, NameRow
from ixproxy.wire.prefix import read_frame, write_frame
from tests.core.rig import TENANT, Rig, only

ROUTED = [
    BY_NAME[name]
    for name, row in ROUTES.items()
    if name.startswith("Request") and row.route not in (Route.LOCAL, Route.REFUSED, Route.INTERNAL)
]
NEEDY = [(row, missing) for row in ROUTED for missing in row.required]


def whole(row: NameRow) -> dict[str, Any]:
    """Everything that a request needs to be routed."""
    values: dict[str, Any] = {"tenant_id": TENANT} if row.tenant else {}
    for name in row.required:
        if name != "tenant_id":
            values[name] = "email" if name.startswith("media") else "x"
    return values


def sender_of(row: NameRow) -> str:
    return sorted(ROUTES[row.name].rights)[0]


def code_of(rig: Rig, peer: int) -> int:
    return int(only(rig.got(peer)).error_code)


@pytest.mark.parametrize(("row", "missing"), NEEDY, ids=lambda v: getattr(v, "name", v))
def test_a_missing_attribute_is_not_accessible_and_nothing_is_sent(
    row: NameRow, missing: str
) -> None:
    """Test idea 6: attribute missing, for every request type."""
    rig = Rig()
    peer = rig.client(sender_of(row))
    values = whole(row)
    values[missing] = 0 if missing == "tenant_id" else ""
    rig.ask(peer, row.message(**values))
    assert code_of(rig, peer) == Code.NOT_ACCESSIBLE
    assert not any(rig.to_node.values())


@pytest.mark.parametrize("row", [row for row in ROUTED if row.tenant], ids=lambda row: row.name)
def test_an_unknown_tenant_or_media_type_is_not_accessible(row: NameRow) -> None:
    """Test idea 6: unknown tenant and unknown media, for every request type."""
    rig = Rig()
    peer = rig.client(sender_of(row))
    rig.ask(peer, row.message(**{**whole(row), "tenant_id": 77}))
    assert code_of(rig, peer) == Code.NOT_ACCESSIBLE
    if row.media:
        rig.ask(peer, row.message(**{**whole(row), row.media: "telex"}))
        assert code_of(rig, peer) == Code.NOT_ACCESSIBLE
    assert not any(rig.to_node.values())


@pytest.mark.parametrize("row", ROUTED, ids=lambda row: row.name)
def test_a_prefix_string_that_is_not_text_names_the_fault(row: NameRow) -> None:
    """Test idea 6: wrong type: the prefix can only carry UTF-8."""
    rig = Rig()
    peer = rig.client(sender_of(row))
    frame = read_frame(encode(row.message(**whole(row)), reference=5))
    raw = write_frame(
        frame.kind, frame.name, reference=5, tenant=TENANT, interaction=b"\xff\xfe", body=frame.body
    )
    rig.raw(peer, raw)
    assert code_of(rig, peer) == Code.BAD_FRAME
    assert not any(rig.to_node.values())


def test_a_tenant_that_is_not_the_clients_own_is_not_accessible() -> None:
    from ixproxy.values import TenantFacts

    tenants = {number: TenantFacts(number, f"T{number}", {"email": True}) for number in (1, 2)}
    rig = Rig(tenants=tenants)
    peer = rig.client(tenants=[2])
    rig.ask(peer, RequestHold(tenant_id=1, interaction_id="a"))
    assert code_of(rig, peer) == Code.NOT_ACCESSIBLE
