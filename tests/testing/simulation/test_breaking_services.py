from __future__ import annotations

from ixproxy.testing.simulation import breaking_services as breaking
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import running

FIRST = Draws(0)


def connected(run: Run) -> list[int]:
    servers = [node.server for node in run.cluster.nodes if node.server is not None]
    return [each.third_party.servers.connected for each in servers]


def test_a_server_dies_and_comes_back() -> None:
    with running(services=True) as run:
        # The second draw is whether it comes back at once.
        breaking.kill_service(run, Draws(3 * 99))
        run.cluster.run(0.2)
        assert connected(run) == [2, 2]
        run.mends.pop("classifier-1 is dead")()
        run.cluster.run(5)
        assert connected(run) == [3, 3]


def test_a_server_is_back_soon() -> None:
    with running(services=True) as run:
        breaking.kill_service(run, FIRST)
        assert run.mends == {}
        run.cluster.run(5)
        assert connected(run) == [3, 3]


def test_a_server_is_cut_off_from_one_node() -> None:
    with running(services=True, keep_alive=(1.5, 3.0)) as run:
        breaking.cut_service(run, FIRST)
        assert list(run.mends) == ["classifier-1 is cut from node1"]
        run.cluster.run(6)
        assert connected(run) == [2, 3]
        run.mends.popitem()[1]()
        run.cluster.run(30)
        assert connected(run) == [3, 3]


def test_a_server_loses_its_connections() -> None:
    with running(services=True) as run:
        breaking.lose_service(run, FIRST)
        assert connected(run) == [2, 2]
        run.cluster.run(2)
        assert connected(run) == [3, 3]


def test_a_server_reads_nothing() -> None:
    with running(services=True, keep_alive=(1.5, 3.0)) as run:
        breaking.stop_service_reading(run, FIRST)
        run.cluster.run(6)
        assert connected(run) == [2, 2]


def test_where_there_are_no_servers_nothing_breaks() -> None:
    with running() as run:
        for step in (
            breaking.kill_service,
            breaking.cut_service,
            breaking.lose_service,
            breaking.stop_service_reading,
        ):
            step(run, FIRST)
        assert run.mends == {}
