"""The table of faults, and what is drawn from it."""

from __future__ import annotations

from random import Random

import pytest

from ixproxy.testing.chaos_deployment import NODES, PROXIES
from ixproxy.testing.chaos_faults import KINDS, Strikes, draw, possible
from ixproxy.testing.chaos_scene import POSTGRESQL, SQLITE


def test_what_can_be_had_depends_on_the_store_and_on_the_machine() -> None:
    everything = possible(SQLITE, pairs=True, apart=True, disks=True)
    assert "full disk" in everything
    assert "stop database" not in everything
    other = possible(POSTGRESQL, pairs=True, apart=True, disks=False)
    assert {"stop database", "kill database", "pause database"} < set(other)
    assert "cut primary from database" in other
    little = possible(SQLITE, pairs=False, apart=False, disks=False)
    assert set(little) == {
        "kill primary", "stop primary", "freeze primary briefly", "kill proxy", "freeze proxy",
    }  # fmt: skip


@pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])
@pytest.mark.parametrize("seed", range(20))
def test_every_fault_comes_once_before_one_comes_again_and_later_two_at_once(
    store: str, seed: int
) -> None:
    kinds = possible(store, pairs=True, apart=True, disks=store == SQLITE)
    plan = draw(kinds, 20, 3.0, Random(seed))
    assert len(plan) == 20
    first = [blows[0].kind for blows in plan[: min(14, len(kinds))]]
    assert sorted(first) == sorted(set(first))
    assert {blow.kind for blows in plan for blow in blows} == set(kinds)
    assert all(len(blows) == 1 for blows in plan[:14])
    assert any(len(blows) == 2 for blows in plan[14:])
    for blows in plan:
        targets = [blow.target for blow in blows]
        assert len(set(targets)) == len(targets)
        for blow in blows:
            kind = KINDS[blow.kind]
            where = {Strikes.NODE: NODES, Strikes.PROXY: PROXIES, Strikes.ALL: ("",)}
            assert blow.target in where[kind.strikes]
            assert bool(blow.proxy) == kind.between
            beyond = 3.0 if kind.beyond else 0.0
            assert kind.seconds[0] <= blow.seconds - beyond <= kind.seconds[1]
        if len(blows) == 2:
            assert all(KINDS[blow.kind].strikes is not Strikes.ALL for blow in blows)


def test_the_same_seed_draws_the_same_faults() -> None:
    kinds = list(KINDS)
    assert draw(kinds, 20, 3.0, Random(3)) == draw(kinds, 20, 3.0, Random(3))
