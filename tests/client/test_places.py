from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ixproxy.client import Backoff, Client, Member, Pair, ProxyCluster, WarmStandby, connect
from ixproxy.client.places import course_to, endpoints_of, groups_of
from ixproxy.client.securing import Securing
from ixproxy.errors import Code
from ixproxy.testing.clock import SteppingClock
from tests.client.servers import Server, World

STANDBY = WarmStandby(10.0, 2.0)


class ThreeProxies(World):
    """Proxies `s:1`, `t:1` and `u:1`, of which the second has a backup `v:1`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.third, self.backup = Server(), Server()
        self.network.listen("u:1", self.third)
        self.network.listen("v:1", self.backup)
        self.servers = {
            "s:1": self.server, "t:1": self.other, "u:1": self.third, "v:1": self.backup,
        }  # fmt: skip

    def member(self, *addresses: str, tenants: tuple[int, ...] = ()) -> Member:
        ends = tuple(self.network.client_endpoint(address, "c") for address in addresses)
        return Member(addresses[0], ends, frozenset(tenants))

    def cluster(self, *members: Member) -> ProxyCluster:
        members = members or tuple(self.member(each) for each in ("s:1", "t:1", "u:1"))
        return ProxyCluster(members, STANDBY)

    def joins(self, place: ProxyCluster | Pair, **arguments: Any) -> Client:
        connecting = connect(
            self.clock,
            place,
            **{
                "name": "desk",
                "client_type": "AgentApplication",
                "settings": self.settings,
                "random": Random(4),
                **arguments,
            },
        )
        self.clock.run_until(lambda: connecting.called, 60.0)
        assert isinstance(connecting.result, Client)
        return connecting.result

    @property
    def counts(self) -> list[int]:
        return [len(server.registered) for server in self.servers.values()]

    def vanishes(self, *addresses: str) -> None:
        """Servers die, with all their connections."""
        for address in addresses:
            self.network.refuse(address)
            self.network.vanish(address.partition(":")[0])


def test_clients_of_a_cluster_spread_over_its_proxies() -> None:
    world = ThreeProxies()
    for seed in range(90):
        world.joins(world.cluster(), random=Random(seed))
    assert all(count > 20 for count in world.counts[:3])
    assert sum(world.counts) == 90


def test_only_proxies_for_all_tenants_of_the_client_are_drawn() -> None:
    world = ThreeProxies()
    members = (
        world.member("s:1", tenants=(1,)),
        world.member("t:1", tenants=(1, 2, 3)),
        world.member("u:1"),
    )
    for seed in range(40):
        world.joins(world.cluster(*members), random=Random(seed), tenants=[1, 2])
    assert world.counts[0] == 0
    assert all(count > 10 for count in world.counts[1:3])


def test_a_client_for_whose_tenants_no_proxy_is_there_is_told_so_at_once() -> None:
    world = ThreeProxies()
    members = world.member("s:1", tenants=(1,)), world.member("t:1", tenants=(2,))
    with pytest.raises(ValueError, match=r"all of the tenants 1, 2: s:1 is for 1; t:1 is for 2"):
        world.joins(world.cluster(*members), tenants=[1, 2])
    with pytest.raises(ValueError, match="for all of the tenants : none"):
        world.joins(replace(world.cluster(), members=()))


def test_another_proxy_is_used_when_the_drawn_one_is_not_there() -> None:
    world = ThreeProxies()
    world.vanishes("s:1", "u:1")
    for seed in range(5):
        world.joins(world.cluster(), random=Random(seed))
    assert world.counts == [0, 5, 0, 0]


@pytest.mark.parametrize("code", [Code.STOPPING, Code.TOO_MANY_CLIENTS, Code.BUSY])
def test_a_proxy_that_cannot_take_more_is_passed_over(code: int) -> None:
    world = ThreeProxies()
    world.server.refusal = code
    clients = [world.joins(world.cluster(), random=Random(seed)) for seed in range(10)]
    assert world.counts[0] > 0
    assert world.counts[1] + world.counts[2] == 10
    assert all(client.connected for client in clients)


def test_a_member_with_a_backup_brings_both_its_endpoints() -> None:
    world = ThreeProxies()
    client = world.joins(world.cluster(world.member("t:1", "v:1")))
    assert world.counts == [0, 1, 0, 0]
    world.vanishes("t:1")
    world.clock.run(2.5)
    assert client.connected
    assert world.counts == [0, 1, 0, 1]


def test_a_broken_connection_leads_back_to_the_same_proxy_after_a_wait_by_chance() -> None:
    world = ThreeProxies()
    for seed in range(10):
        client = world.joins(world.cluster(), random=Random(seed))
        before = world.counts
        world.lose()
        at = world.clock.seconds()
        assert world.clock.run_until(lambda: client.connected, 60.0)  # noqa: B023
        assert world.clock.seconds() - at < 2.1
        after = world.counts
        [place] = [n for n in range(4) if after[n] > before[n]]
        assert client.server == list(world.servers.values())[place].facts
        assert before[place] >= 1
        client.close(goodbye=False)
        world.rest()


def test_a_dead_proxy_s_clients_are_at_the_others_within_the_range() -> None:
    world = ThreeProxies()
    clients = [world.joins(world.cluster(), random=Random(seed)) for seed in range(60)]
    left = world.counts[0]
    others = world.counts[1:3]
    world.vanishes("s:1")
    world.clock.run(2.1)
    assert all(client.connected for client in clients)
    came = [after - before for after, before in zip(world.counts[1:3], others, strict=True)]
    assert sum(came) == left
    assert all(came), "the others share them"


def test_when_all_are_gone_rounds_follow_one_another_by_the_delay_for_ever() -> None:
    world = ThreeProxies()
    client = world.joins(world.cluster())
    world.vanishes("s:1", "t:1", "u:1")
    world.clock.run(3600.0)
    assert not client.connected
    world.network.listen("t:1", world.other)
    world.network.accept("t:1")
    world.clock.run(12.1)
    assert client.connected


def test_a_pair_s_client_goes_to_the_backup_and_stays_there() -> None:
    world = ThreeProxies()
    primary, backup = (world.network.client_endpoint(each, "c") for each in ("t:1", "v:1"))
    client = world.joins(Pair(primary, backup, STANDBY))
    assert world.counts == [0, 1, 0, 0]
    world.vanishes("t:1")
    world.clock.run(2.1)
    world.network.listen("t:1", world.other)
    world.network.accept("t:1")
    world.clock.run(60)
    assert client.connected
    assert world.counts == [0, 1, 0, 1]
    world.lose()
    world.clock.run(2.1)
    assert world.counts == [0, 1, 0, 2]


def test_the_endpoints_of_each_place_are_known_in_their_order() -> None:
    end = World().network.client_endpoint("s:1", "c")
    both = ProxyCluster((Member("a", ("tcp:a:1", "tcp:b:1")), Member("c", (end,))))
    assert groups_of(both) == (("tcp:a:1", "tcp:b:1"), (end,))
    assert endpoints_of(both) == ["tcp:a:1", "tcp:b:1", end]
    assert groups_of(Pair("tcp:a:1")) == (("tcp:a:1",),)
    assert groups_of("tcp:a:1") == (("tcp:a:1",),)
    assert groups_of(end) == ((end,),)
    assert groups_of(["tcp:a:1", end]) == (("tcp:a:1", end),)


def test_a_string_becomes_an_endpoint_and_an_endpoint_stays() -> None:
    clock = SteppingClock()
    end = World().network.client_endpoint("s:1", "c")
    assert Securing(clock).endpoint(end) is end
    assert Securing(clock).endpoint("tcp:127.0.0.1:1") is not None
    with pytest.raises(ValueError, match="nonsense"):
        Securing(clock).endpoint("nonsense:1")


@pytest.mark.parametrize("nowhere", [[], ProxyCluster((Member("a", ()),))])
def test_there_must_be_somewhere_to_go(nowhere: Any) -> None:
    with pytest.raises(ValueError, match="no endpoint"):
        course_to(SteppingClock(), nowhere, (), Backoff(), Random(1))
