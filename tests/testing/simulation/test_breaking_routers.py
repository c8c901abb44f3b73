from __future__ import annotations

from ixproxy.testing.simulation import breaking_routers as breaking
from ixproxy.testing.simulation.players import Player
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import pushed_to, routed, running

FIRST = Draws(0)


def connects(player: Player) -> bool:
    """Whether its client is connected."""
    return player.here.connected


def test_a_router_is_cut_off_and_what_it_had_is_pushed_to_another() -> None:
    with running(pushed=True, nodes=1, keep_alive=(1.5, 3.0)) as run:
        first = pushed_to(run)
        identifier = routed(run)
        second = pushed_to(run)
        breaking.cut_router(run, FIRST)
        assert list(run.mends) == ["urs-1 is cut from node1"]
        run.cluster.run(8)
        assert not connects(first)
        assert list(second.here.holding) == [identifier]
        run.mends.popitem()[1]()
        run.cluster.run(5)
        assert connects(first)
        assert not first.here.holding
        assert run.breach is None


def test_a_router_loses_its_connection_and_is_back_with_what_it_had() -> None:
    with running(pushed=True, nodes=1) as run:
        router = pushed_to(run)
        identifier = routed(run)
        breaking.lose_router(run, FIRST)
        assert not router.here.connected
        run.cluster.run(1)
        assert list(router.here.holding) == [identifier]


def test_a_router_dies_that_has_something() -> None:
    with running(pushed=True, nodes=1) as run:
        first = pushed_to(run)
        identifier = routed(run)
        second = pushed_to(run)
        breaking.kill_router(run, FIRST)
        assert first.left
        run.cluster.run(1)
        assert list(second.here.holding) == [identifier]


def test_where_there_are_no_routers_nothing_breaks() -> None:
    with running() as run:
        for step in (breaking.cut_router, breaking.lose_router, breaking.kill_router):
            step(run, FIRST)
        assert run.mends == {}
