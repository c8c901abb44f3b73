"""The contract of capture points on a real PostgreSQL, with real threads and real failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import psycopg
import pytest
from pytest_twisted import blockon
from twisted.internet.task import deferLater

from ixproxy.capture.database import DatabasePoint, make
from ixproxy.testing import postgresql
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.fake_intake import FakeIntake
from ixproxy.testing.postgresql import PostgresqlServer
from tests.capture.database_rig import QUERIES, TABLES

pytestmark = pytest.mark.processes

SCALE = 1 / 20
LONGEST_WAIT = 1.0
PATIENCE = 60.0


class PostgresqlTables(Outside):
    """Tables of a server that can be killed, on the real reactor."""

    tells = False  # there are no replies to rows, and of notifications only those asked for

    def __init__(self, reactor: Any, server: PostgresqlServer) -> None:
        super().__init__()
        self.reactor = reactor
        self.server = server
        server.drop_database("orders")
        self.address = server.make_database("orders")
        self.execute(TABLES.format(binary="BYTEA"))
        self._count = 0

    def make_point(self) -> DatabasePoint:
        times = {"cycle": 0.1, "reconnect-timeout": 0.3, "statement-timeout": 5}
        return make({"address": self.address, **times, **QUERIES})

    def give(self, name: str, photo: bytes | None = None) -> None:
        self._count += 1
        insert = "INSERT INTO orders (number, position, state, photo) VALUES (%s, %s, 'new', %s)"
        self.execute(insert, name, self._count, photo)

    def give_bad(self, name: str) -> None:
        self.give(name, b"\xff\xd8")

    def left(self) -> list[str]:
        return [name for (name,) in self.execute("SELECT number FROM orders WHERE state = 'new'")]

    def errors(self) -> dict[str, str]:
        return dict(self.execute("SELECT number, why FROM orders WHERE state = 'error'"))

    def cut(self) -> None:
        self.server.kill()

    def mend(self) -> None:
        self.server.start()

    def later(self, seconds: float) -> None:
        blockon(deferLater(self.reactor, min(max(seconds * SCALE, 0.005), LONGEST_WAIT)))

    def until(self, happened: Callable[[], object], seconds: float = PATIENCE) -> None:
        end = monotonic() + PATIENCE
        while not happened():
            assert monotonic() < end, "it did not happen in time"
            self.later(0.5)

    def close(self) -> None:
        if not self.server.running:
            self.server.start()

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.address) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


class TestPostgresqlTables(CapturePointContract):
    reactor: Any
    server: PostgresqlServer

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _world(cls, real_reactor: Any) -> Iterator[None]:
        if reason := postgresql.unusable():
            pytest.skip(reason)
        with PostgresqlServer() as server:
            cls.reactor, cls.server = real_reactor, server
            yield

    def outside(self) -> Outside:
        return PostgresqlTables(self.reactor, self.server)

    def test_a_server_that_hangs_does_not_keep_it_from_ending(self) -> None:
        point, intake = self.there.make_point(), FakeIntake(self.reactor)
        point.begin(intake)
        self.there.give("a")
        self.there.until(lambda: intake.taken)
        self.server.pause()
        self.there.later(5)
        ended: list[None] = []
        point.end().addCallback(ended.append)
        self.there.until(lambda: ended)
        self.server.resume()
