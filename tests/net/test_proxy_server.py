"""A whole proxy as one service, over a network in memory."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from twisted.internet.defer import succeed
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport

from ixproxy.core.link_states import State
from ixproxy.core.link_times import LinkTimes
from ixproxy.core.settings import Deployment
from ixproxy.net.listener import Limits
from ixproxy.net.proxy_server import TICK, ProxyServer
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork
from ixproxy.values import NodeFacts, NodeName, Server
from tests.core.rig import EAST, NORTH, WEST, Rig, at
from tests.deferreds import failure_of, result_of
from tests.failures import LoggedFailures


class Silent(Protocol):
    """A node that accepts and says nothing."""


class House:
    """A proxy and three addresses at which nodes may sit."""

    def __init__(self) -> None:
        self.clock = SteppingClock()
        self.network = MemoryNetwork(self.clock, Random(3))
        self.rig = Rig([at(name, str(name)) for name in (EAST, NORTH, WEST)], link=False)
        self.server = ProxyServer(
            self.clock,
            self.rig.core,
            self.network.server_endpoint("proxy"),
            lambda server: self.network.client_endpoint(server.endpoint),
        )
        for name in (EAST, NORTH, WEST):
            self.sit(str(name))

    def sit(self, address: str) -> None:
        result_of(self.network.server_endpoint(address).listen(Factory.forProtocol(Silent)))

    def wait(self, seconds: float = 1.0) -> None:
        self.clock.run_until(lambda: False, seconds)

    def states(self) -> dict[str, State]:
        return {name: link.state for name, link in self.rig.core.state.links.items()}

    def change(self, *nodes: NodeFacts) -> None:
        deployment = Deployment(self.rig.deployment.tenants, {node.name: node for node in nodes})
        self.server.configuration_changed(
            self.rig.core.state.settings, deployment, self.rig.strategies
        )
        self.wait()

    def stop(self) -> None:
        stopped = self.server.stopService()
        self.wait()
        result_of(stopped)


def test_it_listens_meets_all_nodes_and_leaves_no_timer_behind() -> None:
    house = House()
    house.server.startService()
    house.wait()
    assert result_of(house.server.listening) is not None
    assert set(house.states().values()) == {State.GREETING}
    house.stop()
    assert set(house.states().values()) == {State.DOWN}
    assert not house.clock.getDelayedCalls()


def test_nodes_come_and_go_with_the_deployment_file() -> None:
    """Test idea 64, the sockets' half: a node removed, one moved, one added again."""
    house = House()
    house.server.startService()
    house.wait()
    house.change(at(EAST, "east"), at(NORTH, "north"))
    assert house.states() == {EAST: State.GREETING, NORTH: State.GREETING}
    house.sit("elsewhere")
    house.change(at(EAST, "elsewhere"), at(NORTH, "north"))
    assert house.states() == {EAST: State.GREETING, NORTH: State.GREETING}
    house.change(
        at(EAST, "elsewhere"),
        at(NORTH, "north"),
        at(WEST, "west"),
    )
    assert house.states()[WEST] is State.GREETING
    house.stop()


def test_time_passes_for_the_mind() -> None:
    house = House()
    house.server.startService()
    house.wait()
    house.rig.core.state.settings = replace(house.rig.core.state.settings, request_timeout=1.0)
    before = house.rig.core.state.now
    house.wait(4 * TICK)
    assert house.rig.core.state.now > before
    house.stop()


def test_an_address_in_use_is_reported_to_whoever_started_it() -> None:
    house = House()

    class Taken:
        def listen(self, factory: Any) -> Any:
            return succeed(None).addCallback(lambda _: 1 / 0)

    server = ProxyServer(
        house.clock,
        house.rig.core,
        Taken(),  # type: ignore[arg-type]
        lambda server: house.network.client_endpoint(server.endpoint),
    )
    server.startService()
    assert failure_of(server.listening, ZeroDivisionError)
    stopped = server.stopService()
    house.wait()
    result_of(stopped)


def test_time_goes_on_after_a_sweep_that_failed(logged_failures: LoggedFailures) -> None:
    house = House()
    house.server.startService()
    house.wait()
    core = house.rig.core
    ticked, left = core.ticked, [ZeroDivisionError(), ZeroDivisionError()]

    def once_broken(now: float) -> None:
        if left:
            raise left.pop()
        ticked(now)

    core.ticked = once_broken  # type: ignore[method-assign]
    house.wait(2 * TICK)
    before = core.state.now
    house.wait(4 * TICK)
    assert core.state.now > before
    assert len(logged_failures.flush(ZeroDivisionError)) == 2
    house.stop()


def test_limits_of_connections_change_live() -> None:
    house = House()
    house.server.startService()
    house.wait()
    deployment, strategies = house.rig.core.state.deployment, house.rig.strategies
    settings = house.rig.core.state.settings
    limits = Limits(connections=0, link_output=4096)
    house.server.configuration_changed(settings, deployment, strategies, limits, (2.0, 6.0))
    connection = house.server.listener.buildProtocol(None)
    connection.makeConnection(transport := StringTransport())  # type: ignore[no-untyped-call]
    assert transport.disconnecting
    links = house.server._performer.nodes.values()
    assert [link.output_limit for link in links] == [4096] * 3
    house.wait(7)
    assert State.GREETING in house.states().values()
    assert house.rig.core.state.counters["greetings"] == 0, "silent nodes are given up sooner"
    house.stop()


def test_a_changed_backup_does_not_break_a_link_and_a_changed_server_makes_it_anew() -> None:
    house = House()
    house.server.startService()
    house.wait()
    house.change(*(at(name, str(name)) for name in (EAST, NORTH, WEST)))
    before = house.network.ends("", "east")
    assert len(before) == 1
    house.sit("spare")
    server = Server("east-0", "east")
    with_backup = NodeFacts(EAST, 101, frozenset({1}), pairs=((server, Server("spare", "spare")),))
    house.change(with_backup, at(NORTH, "north"), at(WEST, "west"))
    assert house.network.ends("", "east") == before, "the link stays"
    house.wait(2 * LinkTimes().probe)
    assert house.network.ends("", "spare") or house.states()[EAST] is State.GREETING
    house.change(at(EAST, "spare"), at(NORTH, "north"), at(WEST, "west"))
    assert not house.network.ends("", "east")
    house.stop()


def test_a_proxy_may_be_put_in_front_of_the_nodes_live_and_taken_away_again() -> None:
    house = House()
    house.server.startService()
    house.wait()
    house.sit("proxy1")
    upstream = NodeName("proxy1")
    house.change(NodeFacts(upstream, 0, frozenset({1}), pairs=((Server("proxy1", "proxy1"),),)))
    assert house.states() == {upstream: State.GREETING}
    assert not house.network.ends("", "east")
    house.change(at(EAST, "east"))
    assert house.states() == {EAST: State.GREETING}
    assert not house.network.ends("", "proxy1")
    house.stop()
