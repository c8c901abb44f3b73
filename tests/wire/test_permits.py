"""What a peer may be, by what it has shown of itself."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.values import ClientType
from ixproxy.wire.permits import ANYTHING, Grant, Permit

MEDIA, AGENT = ClientType.MEDIA_SERVER, ClientType.AGENT_APPLICATION
NONE: frozenset[int] = frozenset()


def grant(client_type: ClientType, *tenants: int) -> Grant:
    return Grant(frozenset({client_type}), frozenset(tenants) or None)


def test_a_grant_without_types_means_every_type_but_proxy() -> None:
    permit = Permit("CN=any", (Grant(),))
    for each in ClientType:
        if each is ClientType.PROXY:
            with pytest.raises(RequestRefused, match="CN=any may not register as Proxy here"):
                permit.tenants_of(each)
        else:
            assert permit.tenants_of(each) is None
    assert ANYTHING.tenants_of(ClientType.PROXY) is None


def test_who_has_no_grant_for_a_type_is_refused_by_name() -> None:
    with pytest.raises(RequestRefused, match="CN=mail may not register as AgentApp") as refused:
        Permit("CN=mail", (grant(MEDIA),)).narrowed(AGENT, NONE)
    assert refused.value.code == Code.NOT_ALLOWED
    with pytest.raises(RequestRefused, match="Who shows no certificate may not register"):
        Permit().narrowed(AGENT, NONE)


def test_tenants_that_are_not_named_are_those_that_are_granted() -> None:
    permit = Permit("CN=mail", (grant(MEDIA, 1), grant(MEDIA, 2), grant(AGENT, 3)))
    assert permit.narrowed(MEDIA, NONE) == {1, 2}
    assert permit.narrowed(MEDIA, frozenset({2})) == {2}
    assert permit.narrowed(AGENT, NONE) == {3}
    with pytest.raises(RequestRefused, match="CN=mail may not work for tenant 3 here"):
        permit.narrowed(MEDIA, frozenset({2, 3}))


def test_one_grant_for_all_tenants_is_enough() -> None:
    permit = Permit("CN=mail", (grant(MEDIA, 1), grant(MEDIA)))
    assert permit.narrowed(MEDIA, NONE) == NONE
    assert permit.narrowed(MEDIA, frozenset({9})) == {9}
