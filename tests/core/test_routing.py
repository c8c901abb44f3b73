"""One row for every request, and who may send it."""

from __future__ import annotations

from collections import Counter

from ixproxy.core.routing import (
    _ROWS,
    ALLOWED,
    BEHIND_PROXY,
    BY_CODE,
    ROUTES,
    Route,
    may_submit,
    takes_new,
)
from ixproxy.values import ClientType, TenantFacts
from ixproxy.wire.names import BY_NAME, ROWS, Kind
from tests.core.rig import EAST, MEDIA, NORTH, TENANT, facts


def test_every_request_of_the_catalogue_has_exactly_one_row() -> None:
    requests = {row.name for row in ROWS if row.kind is Kind.REQUEST}
    counted = Counter(row.name for row in _ROWS)
    assert set(counted.values()) == {1}
    assert requests == {name for name in counted if name.startswith("Request")}
    assert set(ROUTES) - requests == {"EventCurrentAgentStatus"}


def test_only_proxies_speak_to_nodes_in_private() -> None:
    internal = {BY_NAME[name].code for name, row in ROUTES.items() if row.route is Route.INTERNAL}
    confirm = BY_NAME["RequestConfirmSession"].code
    for client_type in set(ClientType) - {ClientType.PROXY}:
        assert not internal & ALLOWED[client_type]
    assert internal & ALLOWED[ClientType.PROXY] == internal - {confirm}, "a proxy is no agent"


def test_a_proxy_confirms_sessions_in_the_name_of_agents_only() -> None:
    confirm = BY_NAME["RequestConfirmSession"].code
    for client_type in ClientType:
        mine, behind = ALLOWED[client_type], BEHIND_PROXY[client_type]
        agent = client_type is ClientType.AGENT_APPLICATION
        assert behind - mine == ({confirm} if agent else set())


def test_fan_outs_name_their_merge_policy_and_others_do_not() -> None:
    fan_outs = {Route.GATHER, Route.AGENT, Route.SUBSCRIBE, Route.SNAPSHOT}
    for row in BY_CODE.values():
        assert bool(row.merge) == (row.route in fan_outs), row.name


def test_candidates_are_restricted_by_tenant_media_type_and_submit_switch() -> None:
    dedicated = facts(EAST, media_types=frozenset({"chat"}))
    assert takes_new(dedicated, TENANT, "chat")
    assert not takes_new(dedicated, TENANT, "email")
    assert not takes_new(dedicated, 9, "chat")
    assert not takes_new(facts(NORTH, enable_submit=False), TENANT, "chat")


def test_a_disabled_or_unknown_media_type_is_not_submitted() -> None:
    tenant = TenantFacts(TENANT, "Environment", MEDIA)
    assert [may_submit(tenant, media) for media in ("email", "fax", "telex")] == [
        True,
        False,
        False,
    ]
