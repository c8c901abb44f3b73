"""A source with tables, as the contract of capture points plays with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ixproxy.capture.database import DatabasePoint
from ixproxy.capture.database_sessions import DatabaseTrouble, Place, Session, Trouble
from ixproxy.capture.database_settings import DatabaseSettings, read_settings
from ixproxy.testing.capture_outside import Outside

T = TypeVar("T")

TABLES = """
CREATE TABLE orders (number VARCHAR(64) PRIMARY KEY, position INTEGER, state VARCHAR(16),
    ixn VARCHAR(64), code INTEGER, why VARCHAR(256), photo {binary}, priority INTEGER,
    note VARCHAR(256));
CREATE TABLE changes (id INTEGER PRIMARY KEY, number VARCHAR(64), state VARCHAR(16),
    priority INTEGER, code INTEGER, why VARCHAR(256));
CREATE TABLE told (event INTEGER, what VARCHAR(32), ixn VARCHAR(64), at VARCHAR(32),
    who VARCHAR(64), queue VARCHAR(64));
"""

_TOLD = (
    "INSERT INTO told (event, what, ixn, at, who, queue) VALUES (?'EventNumber', '{}', "
    "?'InteractionId', ?'EventTime', ?'{}', ?'Queue')"
)

QUERIES: dict[str, object] = {
    "capture-query": """SELECT number AS "ExternalId", priority AS "Priority", photo AS "Photo",
        note AS "Note" FROM orders WHERE state = 'new' ORDER BY position""",
    "captured-update": "UPDATE orders SET state = 'done', ixn = ?'InteractionId' "
    "WHERE number = ?'ExternalId'",
    "error-update": "UPDATE orders SET state = 'error', code = ?'ErrorCode', "
    "why = ?'ErrorDescription' WHERE number = ?'ExternalId'",
}

SOURCE_UPDATES: dict[str, object] = {
    "source-update-query": """SELECT id AS "Change", number AS "ExternalId",
        priority AS "Priority" FROM changes WHERE state = 'new' ORDER BY id""",
    "source-updated-update": "UPDATE changes SET state = 'done' WHERE id = ?'Change'",
    "source-error-update": "UPDATE changes SET state = 'error', code = ?'ErrorCode', "
    "why = ?'ErrorDescription' WHERE id = ?'Change'",
}

NOTIFICATIONS: dict[str, object] = {
    f"{kind}-update": _TOLD.format(kind, who)
    for kind, who in (
        ("assigned", "PartyAgentId"), ("completed", "ActorId"), ("canceled", "ActorId"),
        ("rejected", "ActorId"), ("restarted", "ActorId"), ("error-held", "ActorId"),
        ("queued", "ActorId"), ("route-requested", "ActorId"), ("held", "ReasonSystemName"),
        ("resumed", "ActorId"), ("stopped", "ActorType"), ("updated", "Customer"),
    )
}  # fmt: skip


class AtOnce:
    """Does jobs in this thread, and fires in the next turn of the reactor; see `Works`."""

    def __init__(self, reactor: Any, name: str) -> None:
        self._reactor = reactor

    def do(self, job: Callable[[], T]) -> Deferred[T]:
        done: Deferred[T] = Deferred()

        def now() -> None:
            try:
                result = job()
            except Exception:
                done.errback(Failure())
            else:
                done.callback(result)

        self._reactor.callLater(0, now)
        return done

    def stop(self, seconds: float) -> Deferred[bool]:
        ended: Deferred[bool] = Deferred()
        self._reactor.callLater(0, ended.callback, True)
        return ended


class Cut:
    """A place that can be out of reach: nobody is connected then, and nobody gets a session."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.dialect, self.name = place.dialect, place.name
        self.is_cut = False

    def open(self, seconds: float) -> Session:
        self.look()
        return CutSession(self, self._place.open(seconds))

    def look(self) -> None:
        if self.is_cut:
            raise DatabaseTrouble(Trouble.LOST, "the cable is cut")


class CutSession:
    """A session of a `Cut`."""

    def __init__(self, cut: Cut, session: Session) -> None:
        self._cut = cut
        self._session = session
        self.close, self.shut = session.close, session.shut

    def check(self, *given: Any) -> None:
        self._cut.look()
        self._session.check(*given)

    def read(self, *given: Any) -> Any:
        self._cut.look()
        return self._session.read(*given)

    def run_all(self, *given: Any) -> None:
        self._cut.look()
        self._session.run_all(*given)


class SqliteTables(Outside):
    """Tables in a file, on a clock."""

    tells = False  # there are no replies to rows, and of notifications only those asked for

    def __init__(self, folder: Path, **settings: object) -> None:
        super().__init__()
        self.path = folder / "orders.db"
        self.execute_script(TABLES.format(binary="BLOB"))
        self.settings = settings
        self.cut_place = Cut(self.read().place)
        self._count = 0

    def read(self) -> DatabaseSettings:
        return read_settings(
            {"address": f"sqlite:{self.path}", "storing-timeout": 0, **QUERIES, **self.settings}
        )

    def make_point(self) -> DatabasePoint:
        return DatabasePoint(replace(self.read(), place=self.cut_place), AtOnce)

    def give(self, name: str, **columns: object) -> None:
        self._count += 1
        row = {"number": name, "position": self._count, "state": "new", **columns}
        places = ", ".join("?" * len(row))
        self.execute(f"INSERT INTO orders ({', '.join(row)}) VALUES ({places})", *row.values())

    def give_bad(self, name: str) -> None:
        self.give(name, photo=b"\xff\xd8")

    def left(self) -> list[str]:
        return [name for (name,) in self.execute("SELECT number FROM orders WHERE state = 'new'")]

    def errors(self) -> dict[str, str]:
        return dict(self.execute("SELECT number, why FROM orders WHERE state = 'error'"))

    def told(self) -> list[tuple[Any, ...]]:
        return self.execute("SELECT what, ixn FROM told ORDER BY event")

    def cut(self) -> None:
        self.cut_place.is_cut = True

    def mend(self) -> None:
        self.cut_place.is_cut = False

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def execute_script(self, statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executescript(statements)
