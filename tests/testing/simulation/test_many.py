from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest

from ixproxy.testing.postgresql import SUPERUSER, PostgresqlServer
from ixproxy.testing.simulation.many import simulate_all

_LEFT = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ixproxy_simulated%'"


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_seed_is_simulated_once_however_many_work_on_it(jobs: int) -> None:
    results = list(simulate_all(range(3, 15), 3, jobs))
    assert sorted(result.seed for result in results) == list(range(3, 15))
    assert all(result.history == () for result in results)


@pytest.mark.parametrize("jobs", [1, 2])
def test_so_it_is_on_the_other_kind_of_store(
    jobs: int, postgresql_server: PostgresqlServer
) -> None:
    address = postgresql_server.address("postgres", SUPERUSER)
    results = list(simulate_all(range(3, 6), 3, jobs, "postgresql", address))
    assert sorted(result.seed for result in results) == [3, 4, 5]
    assert {result.store for result in results} == {"postgresql"}
    with psycopg.connect(address) as connection:
        (left,) = connection.execute(_LEFT).fetchone() or (None,)
    assert left == 0


def test_who_has_seen_enough_ends_it() -> None:
    results = simulate_all(range(100), 3, 1)
    assert next(results).seed == 0
    results.close()  # type: ignore[attr-defined]


def test_whoever_works_for_one_that_is_killed_ends_too() -> None:
    command = "-m", "ixproxy.testing.simulation", "--seeds", "0:100000", "--jobs", "2", "--json"
    first = subprocess.Popen(
        [sys.executable, *command, "--steps", "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert first.stdout is not None
        assert b"seed" in first.stdout.readline()
    finally:
        first.kill()
    # The output ends when nobody has it open any more, the others among them.
    first.communicate(timeout=120)
