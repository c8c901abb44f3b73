"""
Where a client connects to: endpoints, a cluster of proxies, or a pair.

    desktops = ProxyCluster(
        (
            Member("proxy1", ("tcp:a.example:7001",)),
            Member("proxy2", ("tcp:b.example:7001",), frozenset({1})),
        )
    )
    client = await connect(reactor, desktops, name="desk-1", client_type="AgentApplication")
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from twisted.internet.interfaces import IStreamClientEndpoint

from ixproxy.client.backoff import Backoff
from ixproxy.client.securing import Securing
from ixproxy.client.warm_standby import Course, Pauses, WarmStandby
from ixproxy.values import TlsFiles

Endpoint = str | IStreamClientEndpoint
"""A Twisted endpoint string such as `tcp:127.0.0.1:7001`, or an endpoint."""


@dataclass(frozen=True, slots=True)
class Member:
    """
    One proxy of a cluster.

    :ivar endpoints: its own; then its backup's, if it has one.
    :ivar tenants: ids of the tenants that it is for; empty: for all.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    tenants: frozenset[int] = frozenset()

    def serves(self, tenants: Collection[int]) -> bool:
        """Whether it is for all of these tenants."""
        return not self.tenants or self.tenants.issuperset(tenants)


@dataclass(frozen=True, slots=True)
class ProxyCluster:
    """
    Proxies of which a client uses one at a time, drawn by chance: N+1.

    :ivar standby: how it goes to another one when its own is lost.
    """

    members: tuple[Member, ...]
    standby: WarmStandby = field(default_factory=WarmStandby)

    @property
    def groups(self) -> tuple[tuple[Endpoint, ...], ...]:
        """The endpoints of each member."""
        return tuple(member.endpoints for member in self.members)

    def serving(self, tenants: Collection[int]) -> ProxyCluster:
        """
        The cluster without the members that are not for all of `tenants`.

        :raise ValueError: there is no other.
        """
        members = tuple(each for each in self.members if each.serves(tenants))
        if not members:
            wanted = ", ".join(map(str, sorted(tenants)))
            there = "; ".join(
                f"{each.name} is for {', '.join(map(str, sorted(each.tenants)))}"
                for each in self.members
            )
            raise ValueError(f"no proxy is for all of the tenants {wanted}: {there or 'none'}")
        return replace(self, members=members)


@dataclass(frozen=True, slots=True)
class Pair:
    """
    A primary server and its backup, or one that stands alone.

    :ivar standby: how a client goes to the other one when its own is lost.
    """

    primary: Endpoint
    backup: Endpoint | None = None
    standby: WarmStandby = field(default_factory=WarmStandby)

    @property
    def groups(self) -> tuple[tuple[Endpoint, ...], ...]:
        """Both endpoints, as those of one server."""
        return ((self.primary,) if self.backup is None else (self.primary, self.backup),)

    def serving(self, tenants: Collection[int]) -> Pair:
        """The pair: whoever is connected to one has no choice."""
        return self


Standby = ProxyCluster | Pair
Where = Endpoint | Sequence[Endpoint] | Standby
"""What `connect` takes: a list is tried in order."""


def groups_of(where: Where) -> tuple[tuple[Endpoint, ...], ...]:
    """The endpoints of each server; those of a plain list are in one group."""
    if isinstance(where, ProxyCluster | Pair):
        return where.groups
    if isinstance(where, str) or IStreamClientEndpoint.providedBy(where):
        return ((where,),)
    return (tuple(where),)


def endpoints_of(where: Where) -> list[Endpoint]:
    """All endpoints, in the order in which they are given."""
    return [endpoint for group in groups_of(where) for endpoint in group]


def course_to(
    reactor: Any,
    where: Where,
    tenants: Iterable[int],
    backoff: Backoff,
    random: Random,
    tls: TlsFiles | None = None,
) -> Course[IStreamClientEndpoint]:
    """
    The course of one client.

    :param tenants: ids of the tenants that it works for; they choose among
        the members of a cluster.
    :param backoff: the pauses where `where` has none of its own.
    :param tls: as for `connect`.
    :raise ValueError: there is nowhere to go, or an endpoint is not understood.
    :raise TlsProblem: a file of `tls` cannot be used.
    """
    pauses: Pauses = backoff
    again = isinstance(where, ProxyCluster | Pair)
    if isinstance(where, ProxyCluster | Pair):
        where, pauses = where.serving(tuple(tenants)), where.standby
    securing = Securing(reactor, tls)
    groups = [[securing.endpoint(each) for each in group] for group in groups_of(where)]
    if not any(groups):
        raise ValueError("no endpoint to connect to")
    return Course(groups, pauses, random, again=again)
