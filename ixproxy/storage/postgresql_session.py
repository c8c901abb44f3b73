"""
One session of a PostgreSQL server, for one thread at a time.

Theory of operation: everything travels by `trip`, which takes the server's
answer to all of its statements at once. The session commits by itself only
what stands outside of BEGIN and COMMIT. `shut`, which any thread may call,
closes the socket under whoever waits in it: he fails at once, even while the
server hangs; the server ends the session when it notices.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ixproxy.errors import StorageError
from ixproxy.storage.postgresql_arrays import teach
from ixproxy.storage.postgresql_dial import Dial
from ixproxy.storage.postgresql_errors import BORDER, connecting_error, storage_error

CONNECT_SECONDS = 4
LOWEST_VERSION = 140_000
"""As libpq writes versions: 14."""

# What an address may say otherwise. Whoever is not heard of for 15 seconds is gone.
_DEFAULTS: dict[str, str | int | None] = {
    "connect_timeout": CONNECT_SECONDS,
    "target_session_attrs": "read-write",
    "application_name": "ixproxy",
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

# The same seen from the server, that a client whose machine is gone keeps no locks. JIT would
# compile whatever the switched-off ways of joining seem to cost.
SETTINGS = """
SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3;
SET jit = off; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
SET client_connection_check_interval = 1000; SET client_min_messages = warning;
SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off
"""

# Rows are found by keys, and pulled in the order of a view's index: a table that looks small to
# the planner, or that was never analysed, must not be read as a whole for it.
BY_INDEXES = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"

ONLY_READS = "SET default_transaction_read_only = on"

POOLED = (
    "is reached through a connection pooler, which may give every transaction another session of "
    "the server; a node needs sessions of its own: let its address name the server itself"
)

Parameters = Sequence[Any] | Mapping[str, Any] | None


class Said(NamedTuple):
    """
    One statement and what it is given.

    `kept`: whether the server keeps it prepared; None: if it comes often.
    """

    text: str
    parameters: Parameters = None
    kept: bool | None = True


class Place:
    """
    An address, as sessions are opened with it.

    :param address: a libpq URI.
    :param writes: whether a server that can only be read will not do.
    :ivar name: what messages call it: without password, and without whatever else is secret.
    :raise ValueError: it is no such address.
    """

    def __init__(self, address: str, *, writes: bool = True) -> None:
        try:
            options = conninfo_to_dict(address)
        except psycopg.Error:
            # libpq's words quote pieces of the address, be it of the password.
            raise ValueError("libpq cannot read this address of a PostgreSQL database") from None
        defaults = _DEFAULTS if writes else {**_DEFAULTS, "target_session_attrs": "any"}
        self._conninfo = make_conninfo("", **{**defaults, **options})
        host, database = options.get("host") or "", options.get("dbname") or ""
        ports = str(options.get("port") or "")
        if ports.strip("0123456789,"):
            raise ValueError("this address of a PostgreSQL database has a port that is no number")
        port = f":{ports}" if ports else ""
        service = f" (service {options['service']})" if options.get("service") else ""
        self.name = f"postgresql://{host}{port}/{database}{service}"

    def __repr__(self) -> str:
        return f"<Place {self.name}>"

    def connect(
        self,
        *settings: str,
        known: Callable[[Session], None] = lambda session: None,
        dial: Dial | None = None,
    ) -> Session:
        """
        Open a session.

        :param settings: SET statements, beside those that all have.
        :param known: told of the session before it is asked anything, for
            whoever might have to shut it.
        :param dial: for whoever might have to give it up before.
        :raise StoreUnreachable: nobody is there.
        :raise StorageError: it is refused, or the server cannot be used.
        """
        try:
            connection = (dial := dial or Dial()).connect(self._conninfo)
        except BORDER as problem:
            raise connecting_error(problem, f"connecting to {self.name}") from None
        session = Session(connection, self.name)
        known(session)
        if dial.given_up:
            session.shut()
        try:
            session.begin(settings)
        except BORDER as problem:
            session.close()
            raise connecting_error(problem, f"connecting to {self.name}") from problem
        except BaseException:
            session.close()
            raise
        return session

    def problem(self, problem: BaseException, doing: str) -> StorageError:
        """`problem` for a person; `doing` goes before the name."""
        text = f"{doing} {self.name}"
        broken = isinstance(problem, psycopg.OperationalError) and not problem.sqlstate
        return (connecting_error if broken else storage_error)(problem, text)


class Session:
    """
    See the head of this file; made by `Place.connect`.

    :ivar name: what messages call the database.
    :ivar pid: the process of the server that serves it.
    :ivar trips: how often the server's answer was waited for.
    """

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self.name = name
        self.trips = 0
        self._connection = connection
        self._lock = Lock()
        self._socket: socket.socket | None = socket.socket(fileno=os.dup(connection.fileno()))
        self.pid = connection.info.backend_pid

    def begin(self, settings: Sequence[str]) -> None:
        """
        Make it one that a store can use.

        :raise StorageError: the server cannot be used.
        :raise psycopg.Error: something went wrong.
        """
        self._check()
        teach(self._connection)
        self._simple("; ".join([SETTINGS, *settings]))

    @property
    def broken(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._connection.closed

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, failed or not."""
        return self._connection.info.transaction_status in (
            pq.TransactionStatus.INTRANS,
            pq.TransactionStatus.INERROR,
        )

    def trip(
        self, *statements: Said, into: list[psycopg.Cursor[Any]] | None = None
    ) -> list[psycopg.Cursor[Any]]:
        """
        Have statements carried out, one after another until one fails, in one round trip.

        :param into: what is returned, for whoever must look into it after an error.
        :raise psycopg.Error: one failed, and those after it were not carried out.
        """
        self.trips += 1
        cursors = [] if into is None else into
        cursors += [self._connection.cursor(binary=True) for _ in statements]
        if len(cursors) == 1:
            self._execute(cursors[0], statements[0])
            return cursors
        with self._connection.pipeline():
            for cursor, statement in zip(cursors, statements, strict=True):
                self._execute(cursor, statement)
        return cursors

    def ask(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What one statement finds, or nothing where it only does something."""
        cursor = self.trip(Said(text, parameters or None, kept=None))[0]
        return cursor.fetchall() if cursor.description else []

    def change(self, text: str, rows: Sequence[Sequence[Any]]) -> int:
        """How many rows one statement changes, carried out with each of these, in few trips."""
        self.trips += 1
        with self._connection.cursor(binary=True) as cursor:
            cursor.executemany(text.encode(), rows)
            return cursor.rowcount

    def run(self, script: str) -> None:
        """A script of several statements without parameters, one transaction unless it says so."""
        self.trips += 1
        self._simple(script)

    def shut(self) -> None:
        """From any thread: nothing can be asked any more, and who waits does so no longer."""
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the session; harmless when it is ended."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
        with suppress(*BORDER):
            self._connection.close()

    def problem(self, problem: BaseException, doing: str) -> StorageError:
        """`problem` for a person."""
        return storage_error(problem, doing)

    @staticmethod
    def _execute(cursor: psycopg.Cursor[Any], statement: Said) -> None:
        cursor.execute(statement.text.encode(), statement.parameters, prepare=statement.kept)

    def _simple(self, script: str) -> None:
        self._connection.execute(script.encode(), prepare=False)

    def _check(self) -> None:
        info = self._connection.info
        if info.server_version < LOWEST_VERSION:
            raise StorageError(
                f"{self.name} is on PostgreSQL {info.server_version // 10_000}; "
                f"{LOWEST_VERSION // 10_000} or newer is needed"
            )
        encoding = info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StorageError(
                f"{self.name} has the encoding {encoding}; make the database with UTF8"
            )
        if info.encoding != "utf-8":
            self._connection.execute("SET client_encoding = 'UTF8'")
        found = self._connection.execute("SELECT pg_backend_pid()").fetchone()
        if found != (info.backend_pid,):
            raise StorageError(f"{self.name} {POOLED}")  # poolers make up numbers of their own
