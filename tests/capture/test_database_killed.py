"""A database capture point and its PostgreSQL are killed at random: nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from ixproxy.testing import postgresql
from ixproxy.testing.postgresql import PostgresqlServer
from tests.capture.database_rig import QUERIES, TABLES
from tests.capture.killing import Killed

pytestmark = pytest.mark.processes

ROWS = 1500
BAD = 30


def test_nothing_is_lost_or_doubled_whatever_is_killed(real_reactor: Any, tmp_path: Path) -> None:
    if reason := postgresql.unusable():
        pytest.skip(reason)
    with PostgresqlServer() as server:
        address = server.make_database("orders")
        with psycopg.connect(address) as connection, connection.cursor() as cursor:
            cursor.execute(TABLES.format(binary="BYTEA").encode())
            cursor.executemany(
                "INSERT INTO orders (number, position, state, photo) VALUES (%s, %s, 'new', %s)",
                [
                    (f"d{number}", number, b"\xff" if number % (ROWS // BAD) == 0 else None)
                    for number in range(ROWS)
                ],
            )

        def count(state: str) -> int:
            with psycopg.connect(address) as connection:
                found = connection.execute(
                    "SELECT count(*) FROM orders WHERE state = %s", (state,)
                ).fetchone()
            assert found is not None
            return int(found[0])

        settings = {
            "address": address, "cycle": 0.05, "fetch-size": 100, "batch-size": 20,
            "reconnect-timeout": 0.5, **QUERIES,
        }  # fmt: skip
        point = Killed(real_reactor, "database", settings, tmp_path / "node.db", seed=11)

        def crash() -> None:
            if point.random.random() < 0.6:
                server.kill()
                point.later(0.2)
                server.start()

        point.until_taken((ROWS - BAD) * 9 // 10, 250, crash)
        point.live_until(lambda: count("new") == 0)
        taken = point.taken()
        good = {f"d{number}" for number in range(ROWS) if number % (ROWS // BAD)}
        assert set(taken) == good
        assert max(taken.values()) == 1
        assert (count("done"), count("error")) == (len(good), BAD)
        assert point.kills >= 5
        with psycopg.connect(address) as connection:
            found = connection.execute("SELECT DISTINCT why FROM orders WHERE state = 'error'")
            assert found.fetchall() == [("column Photo: binary values are not taken",)]
            found = connection.execute("SELECT count(DISTINCT ixn) FROM orders")
            assert found.fetchall() == [(len(good),)]
