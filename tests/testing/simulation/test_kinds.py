from __future__ import annotations

import pytest

from ixproxy.testing.simulation.kinds import (
    DO,
    KINDS,
    OF_LOGS,
    OF_PUSHED,
    OF_SERVICES,
    OF_SNAPSHOTS,
    PAIRED,
    TROUBLE,
    WEIGHTS,
    weights_of,
)
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import (
    logged_in,
    pulled,
    pushed_to,
    routed,
    running,
    small_world,
)


def test_each_kind_has_a_name_of_its_own_and_is_met_at_times() -> None:
    kinds = (*KINDS, *OF_SERVICES, *OF_PUSHED, *OF_LOGS)
    assert len(DO) == len(kinds)
    assert all(kind.weight > 0 for kind in kinds)


def test_what_breaks_pairs_is_met_where_there_are_pairs() -> None:
    every = {"pairs": True, "snapshots": True}
    assert weights_of(small_world()).keys() & PAIRED == set()
    assert weights_of(small_world(**every)) == WEIGHTS
    assert weights_of(small_world(**every, calm=True)).keys() == (WEIGHTS.keys() - PAIRED - TROUBLE)


def test_snapshots_are_met_where_the_world_has_them_and_change_nothing_elsewhere() -> None:
    without = weights_of(small_world(pairs=True))
    assert len(OF_SNAPSHOTS) == 12
    assert without.keys() == WEIGHTS.keys() - OF_SNAPSHOTS
    assert list(without) == list(WEIGHTS)[: len(without)], "what is new stands behind all others"


def test_servers_and_pushed_routers_are_met_where_there_are_some() -> None:
    served = {kind.name for kind in OF_SERVICES}
    pushed = {kind.name for kind in OF_PUSHED}
    usual = weights_of(small_world())
    assert weights_of(small_world(services=True)).keys() == usual.keys() | served
    assert weights_of(small_world(pushed=True)).keys() == usual.keys() | pushed
    logs = {kind.name for kind in OF_LOGS}
    assert weights_of(small_world(logs=True)).keys() == usual.keys() | logs
    assert logs <= TROUBLE
    both = weights_of(small_world(services=True, pushed=True, calm=True))
    assert both.keys() == (usual.keys() | served | pushed) - TROUBLE
    assert list(weights_of(small_world(pushed=True)))[: len(usual)] == list(usual)


@pytest.mark.parametrize("kind", sorted(DO))
def test_each_kind_of_step_is_told_whatever_there_is_and_whatever_it_draws(kind: str) -> None:
    with running(proxies=2, pairs=kind in PAIRED, services=True, pushed=True) as run:
        pushed_to(run)
        pulled(run)
        routed(run, 7)
        logged_in(run)
        for chance in (0, 3, 12345678901234567890):
            before = len(run.history.lines())
            run.step += 1
            DO[kind](run, Draws(chance))
            assert len(run.history.lines()) > before
        run.cluster.run(0.3)
        assert run.breach is None


@pytest.mark.parametrize("kind", sorted(DO))
def test_each_kind_of_step_can_come_where_nobody_is(kind: str) -> None:
    with running(media=0, routers=0, desks=0, reporters=0) as run:
        DO[kind](run, Draws(98765432109876543210))
        run.cluster.run(0.3)
        assert run.breach is None
