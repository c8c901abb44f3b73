from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from ixproxy.testing.postgresql_places import PostgresqlPlaces
from ixproxy.testing.simulation import simulate

SEEDS = int(os.environ.get("IXPROXY_SIMULATIONS", "40"))
"""How many seeds; more of them find rarer things."""


@pytest.mark.parametrize("tenth", range(10))
def test_no_seed_breaks_a_rule(tenth: int) -> None:
    for seed in range(tenth, SEEDS, 10):
        result = simulate(seed)
        assert result.breach is None, f"{result.breach}\nAgain: {result.command}"


@pytest.mark.parametrize("seed", range(4))
def test_no_seed_breaks_a_rule_where_nodes_have_event_logs(seed: int) -> None:
    result = simulate(seed, 150, logs=True)
    assert result.breach is None, f"{result.breach}\nAgain: {result.command}"
    assert "--logs" in result.command


def test_the_same_seed_has_the_same_history() -> None:
    assert simulate(3, 80) == simulate(3, 80)


def test_so_it_has_on_the_other_kind_of_store(postgresql_places: PostgresqlPlaces) -> None:
    for seed in (4, 5):
        again = simulate(seed, 60, stores=postgresql_places)
        assert again.command.endswith("--store postgresql")
        assert again.history == simulate(seed, 60).history


@pytest.mark.parametrize("seed", range(3))
def test_no_seed_breaks_a_rule_on_the_other_kind_of_store(
    seed: int, postgresql_places: PostgresqlPlaces
) -> None:
    result = simulate(seed, 100, stores=postgresql_places)
    assert result.breach is None, f"{result.breach}\nAgain: {result.command}"


def test_so_it_has_in_another_process() -> None:
    """Whatever that process makes of the order of sets."""
    told = {
        subprocess.run(
            [sys.executable, "-m", "ixproxy.testing.simulation", "--seed", "3", "--steps", "80"],
            env={**os.environ, "PYTHONHASHSEED": hashing},
            check=True,
            capture_output=True,
        ).stdout
        for hashing in ("1", "2")
    }
    assert len(told) == 1


def test_some_of_the_steps_can_run_without_the_others() -> None:
    result = simulate(3, 80, only=[2, 40, 41])
    assert result.ran == (2, 40, 41)
    assert result.breach is None
    assert result.command.endswith("--seed 3 --steps 80 --only 2,40,41")


def test_a_result_can_be_read_by_a_program() -> None:
    result = simulate(3, 10)
    read = json.loads(json.dumps(result.as_json()))
    assert (read["seed"], read["rule"]) == (3, None)
    assert replace(result, history=()).as_json()["history"] == []
