from __future__ import annotations

import pytest

from ixproxy.testing.simulation.many import simulate_all


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_seed_is_simulated_once_however_many_work_on_it(jobs: int) -> None:
    results = list(simulate_all(range(3, 15), 3, jobs))
    assert sorted(result.seed for result in results) == list(range(3, 15))
    assert all(result.history == () for result in results)


def test_who_has_seen_enough_ends_it() -> None:
    results = simulate_all(range(100), 3, 1)
    assert next(results).seed == 0
    results.close()  # type: ignore[attr-defined]
