"""A cluster of real processes."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.config import load
from ixproxy.errors import Code, ConfigError, IxproxyError, NodeUnavailable
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.processes import RealCluster, on_free_ports, wait_for_server
from ixproxy.testing.servers import ServerFailed
from tests.client.servers import Server
from tests.deferreds import failure_of, result_of
from tests.documents import documented_cluster

ROOT = Path(__file__).parent.parent.parent
DOCUMENTED = documented_cluster(ROOT)


class World:
    """A server `s:1` in memory."""

    def __init__(self) -> None:
        self.clock = SteppingClock(1000.0)
        self.network = MemoryNetwork(self.clock, Random(1))
        self.server = Server()
        self.network.listen("s:1", self.server)
        self.asked: list[m.RequestGetInteractionProperties] = []
        self.code: int = Code.UNKNOWN_INTERACTION
        self.server.replies[m.RequestGetInteractionProperties] = self.answer
        self.checks = 0

    def answer(self, request: m.RequestGetInteractionProperties) -> m.EventError:
        self.asked.append(request)
        return m.EventError(error_code=self.code)

    def check(self) -> None:
        self.checks += 1

    def wait(self, check: Any = None, seconds: float = 10.0) -> None:
        endpoint = self.network.client_endpoint("s:1", "c")
        waiting = Deferred.fromCoroutine(
            wait_for_server(self.clock, endpoint, seconds, check or self.check)
        )
        failures: list[Any] = []
        waiting.addErrback(failures.append)
        assert self.clock.run_until(lambda: waiting.called, 600.0)
        if failures:
            failures[0].raiseException()


@pytest.fixture
def world() -> World:
    return World()


def test_a_node_is_ready_when_it_takes_registrations(world: World) -> None:
    world.network.refuse("s:1")
    world.clock.callLater(3.0, world.network.accept, "s:1")
    world.wait()
    assert 1003.0 <= world.clock.seconds() < 1010.0
    assert world.checks > 1
    assert world.asked == []


def test_a_proxy_is_ready_when_it_can_say_that_an_id_is_unknown(world: World) -> None:
    world.server.facts = m.ServerFacts(name="proxy1", role="proxy", tenants=[1, 7])
    world.code = Code.NOT_ACCESSIBLE
    world.clock.callLater(2.0, setattr, world, "code", Code.UNKNOWN_INTERACTION)
    world.wait()
    assert world.clock.seconds() >= 1002.0
    assert [request.tenant_id for request in world.asked[-2:]] == [1, 7]
    # Nothing of the question is left: each client said goodbye.
    assert all(
        isinstance(served.requests[-1], m.RequestUnregisterClient)
        for served in world.server.connections
    )


def test_one_that_never_listens_is_given_up(world: World) -> None:
    world.network.refuse("s:1")
    with pytest.raises(NodeUnavailable):
        world.wait(seconds=5.0)
    assert world.clock.seconds() >= 1005.0


def test_no_time_is_lost_on_a_process_that_ended(world: World) -> None:
    def check() -> None:
        raise IxproxyError("ended")

    with pytest.raises(IxproxyError, match="ended"):
        world.wait(check)
    assert world.clock.seconds() == 1000.0


def test_every_port_of_a_file_is_replaced_and_equal_ones_by_equal_ones() -> None:
    text = on_free_ports(DOCUMENTED, Random(1))
    deployment = load(text)
    nodes = list(deployment.nodes())
    ports = [node.endpoint.rpartition(":")[2] for node in nodes]
    assert [node.listen for node in nodes] == [f"tcp:{port}:interface=127.0.0.1" for port in ports]
    (proxy,) = deployment.proxies()
    ports.append(proxy.endpoint.rpartition(":")[2])
    assert len({*ports, "7001", "7101", "7102"}) == 6
    assert on_free_ports('x = "tcp:host-1.example:80"', Random(1)) != 'x = "tcp:host-1.example:80"'
    assert on_free_ports("nothing = 1\n", Random(1)) == "nothing = 1\n"


def test_a_cluster_knows_its_processes_and_where_they_keep_things(tmp_path: Path) -> None:
    cluster = RealCluster(None, tmp_path / "new", DOCUMENTED, Random(1))
    assert cluster.nodes == ("ixn1", "ixn2")
    assert cluster.proxies == ("proxy1",)
    assert cluster.stores() == {name: tmp_path / "new" / f"{name}.db" for name in cluster.nodes}
    assert cluster.endpoint("proxy1") in cluster.file.read_text()
    assert cluster.endpoint("ixn2") in cluster.file.read_text()


def test_a_node_has_the_servers_of_its_pair(tmp_path: Path) -> None:
    backup = """
    [applications.ixn1-b]
    listen = "tcp:7111:interface=127.0.0.1"
    endpoint = "tcp:127.0.0.1:7111"
    """
    text = DOCUMENTED.replace("dbid = 101", 'dbid = 101\nbackup = "ixn1-b"') + backup
    cluster = RealCluster(None, tmp_path, text, Random(1))
    assert (cluster.nodes, cluster.backups) == (("ixn1", "ixn2"), ("ixn1-b",))
    assert cluster.pair("ixn1") == ("ixn1", "ixn1-b")
    assert cluster.pair("ixn2") == ("ixn2",)
    assert cluster.endpoint("ixn1-b") != cluster.endpoint("ixn1")
    assert cluster.names == ("ixn1", "ixn2", "ixn1-b", "proxy1")


def test_one_of_several_servers_is_enough_to_be_ready(world: World) -> None:
    endpoints: Any = [world.network.client_endpoint(each, "c") for each in ("t:1", "s:1")]
    waiting = Deferred.fromCoroutine(wait_for_server(world.clock, endpoints, 10.0, world.check))
    assert world.clock.run_until(lambda: waiting.called, 600.0)
    result_of(waiting)
    assert world.checks == 2


def test_a_file_with_mistakes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dbid"):
        RealCluster(None, tmp_path, DOCUMENTED.replace("dbid = 101", 'dbid = "x"'), Random(1))


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_where_one_cannot_start_none_is_left(tmp_path: Path, real_reactor: Any) -> None:
    cluster = RealCluster(real_reactor, tmp_path, DOCUMENTED)
    cluster.store("ixn2").write_text("no database, but a text " * 100)
    with pytest.raises(ServerFailed, match=r"(?s)ixn2 ended.*no SQLite database"):
        await cluster.start()
    assert set(cluster.servers.processes) == {"ixn1", "ixn2", "proxy1"}
    assert not any(process.running for process in cluster.servers.processes.values())


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_process_is_killed_and_started_again(tmp_path: Path, real_reactor: Any) -> None:
    async with RealCluster(real_reactor, tmp_path, DOCUMENTED) as cluster:
        first = cluster.servers.processes["ixn1"]
        await cluster.kill("ixn1")
        assert "signal 9" in first.outcome
        with pytest.raises(ServerFailed, match="ixn1 ended"):
            await cluster.ready()
        await cluster.restart("ixn1")
        assert cluster.servers.processes["ixn1"].running
    assert {each.outcome for each in cluster.servers.processes.values()} == {"stopped"}


def test_ports_of_before_stay_when_a_file_changes() -> None:
    known: dict[str, int] = {}
    first = on_free_ports('a = "tcp:7101"', Random(1), known)
    second = on_free_ports('b = "tcp:7102"\na = "tcp:7101"', Random(2), known)
    assert first in second
    assert len(set(known.values())) == 2


class Idle:
    """As much of a reactor as a cluster needs that starts nothing."""

    def seconds(self) -> float:
        return 0.0


def test_another_file_is_read_and_a_bad_one_leaves_the_old_one(tmp_path: Path) -> None:
    cluster = RealCluster(Idle(), tmp_path, DOCUMENTED)
    before = cluster.file.read_text()
    changing = Deferred.fromCoroutine(cluster.change(DOCUMENTED.replace("dbid = 101", "dbid = 0")))
    failure_of(changing, ConfigError)
    assert cluster.file.read_text() == before
    renamed = DOCUMENTED.replace("ixn2", "east")
    result_of(Deferred.fromCoroutine(cluster.change(renamed)))
    assert cluster.nodes == ("ixn1", "east")
    assert load(cluster.file).node("east").endpoint == cluster.endpoint("east")
