"""
A PostgreSQL database of somebody else's, as a database capture point uses it.

Values are bound as texts of no type, so that the server takes them for what the
place wants where they stand: `ErrorCode` goes into a column of numbers as well as
into one of texts. The session's time zone is UTC.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from threading import Lock
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import Buffer, Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import TextLoader

from ixproxy.brokers.secret_file import read_secret
from ixproxy.capture.database_parameters import Dialect, Statement
from ixproxy.capture.database_sessions import (
    Bound,
    DatabaseTrouble,
    NamesRow,
    Reading,
    Trouble,
    Value,
    gather,
)

SCHEME = "postgresql:"

_DEFAULTS: dict[str, str | int | None] = {
    "connect_timeout": 10,
    "application_name": "ixproxy",
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
    "target_session_attrs": "read-write",
}
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_BORDER = (psycopg.Error, UnicodeError, ValueError, TypeError, AttributeError)

# Types whose values are taken as the server writes them: a driver's own forms of these either
# cannot hold all that the server can (a date of infinity), or lose signs (5.00).
_AS_TEXT = (
    "numeric", "float4", "float8", "date", "time", "timetz", "interval", "json", "jsonb", "uuid",
    "inet", "cidr",
)  # fmt: skip
_TIMES = ("timestamp", "timestamptz")

# By SQLSTATE, else by its first two characters; what is not here is the statement's fault.
_TROUBLES = {
    "22": Trouble.VALUES, "23": Trouble.VALUES, "44": Trouble.VALUES, "P0": Trouble.VALUES,
    "25": Trouble.NOT_NOW, "40": Trouble.NOT_NOW, "53": Trouble.NOT_NOW, "55": Trouble.NOT_NOW,
    "57": Trouble.NOT_NOW, "58": Trouble.NOT_NOW, "XX": Trouble.NOT_NOW,
    "08": Trouble.LOST, "57P01": Trouble.LOST, "57P02": Trouble.LOST, "57P03": Trouble.LOST,
    "57P05": Trouble.LOST,
}  # fmt: skip


class TimeLoader(Loader):
    """A moment as `YYYY-MM-DD HH:MM:SS`; others than those of four-digit years as they are."""

    def load(self, data: Buffer) -> str:
        """Without fractions and zone, which is UTC."""
        text = bytes(data).decode()
        return text[:19] if text[4:5] == "-" and not text.endswith("BC") else text


class PostgresqlPlace:
    """
    A database of a server.

    :param address: a URI of libpq.
    :param password_file: read whenever a session is opened; "": libpq finds the
        password itself, if there is one.
    :raise ValueError: it is no such address; quotes nothing of it.
    """

    dialect = Dialect.POSTGRESQL

    def __init__(self, address: str, password_file: str = "") -> None:
        try:
            options = conninfo_to_dict(address)
        except psycopg.Error:
            # libpq's words quote pieces of the address, be it of the password.
            raise ValueError(
                "expected an address such as postgresql://ixproxy@db.example/orders"
            ) from None
        if not options.get("dbname") and not options.get("service"):
            raise ValueError("expected the name of a database behind the host")
        ports = [each for each in str(options.get("port") or "").split(",") if each]
        if not all(map(_PORT.fullmatch, ports)) or not all(0 < int(p) < 65536 for p in ports):
            raise ValueError("expected as the port a number from 1 to 65535")
        fixed = {"client_encoding": "utf8"}
        self._conninfo = make_conninfo("", **{**_DEFAULTS, **options, **fixed})
        self._password_file = password_file
        host = options.get("host") or options.get("hostaddr") or ""
        port = f":{options['port']}" if options.get("port") else ""
        self.name = f"postgresql://{host}{port}/{options.get('dbname') or ''}"

    def open(self, seconds: float) -> PostgresqlSession:
        """See `Place`."""
        doing = f"connecting to {self.name}"
        given: dict[str, Any] = {}
        try:
            if self._password_file:
                given["password"] = read_secret(self._password_file)
            connection = psycopg.connect(
                self._conninfo, autocommit=True, cursor_factory=psycopg.RawCursor, **given
            )
        except _BORDER as problem:
            raise _trouble(problem, doing, Trouble.LOST) from None
        session = PostgresqlSession(connection)
        try:
            session.begin(seconds)
        except _BORDER as problem:
            session.close()
            raise _trouble(problem, doing, Trouble.LOST) from None
        return session


class PostgresqlSession:
    """See `Session`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._lock = Lock()
        self._socket: socket.socket | None = socket.socket(fileno=os.dup(connection.fileno()))

    def begin(self, seconds: float) -> None:
        """
        Make it one that a capture point can use.

        :raise psycopg.Error: something went wrong.
        """
        for name in _AS_TEXT:
            self._connection.adapters.register_loader(name, TextLoader)
        for name in _TIMES:
            self._connection.adapters.register_loader(name, TimeLoader)
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET DateStyle = 'ISO, YMD'")
        self._connection.execute("SET standard_conforming_strings = on")
        self._connection.execute(f"SET statement_timeout = {round(seconds * 1000)}".encode())

    def check(self, key: str, statement: Statement) -> None:
        """See `Session`."""
        # Not the statement PREPARE, which does not take every statement that can be run.
        try:
            result = self._connection.pgconn.prepare(b"", statement.text.encode())
        except _BORDER as problem:
            raise self._trouble(problem, key) from None
        if result.status != pq.ExecStatus.COMMAND_OK:
            said = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
            state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
            trouble = _of_state(state) if state else Trouble.LOST
            text = " ".join(bytes(said).decode("utf-8", "replace").split())
            raise DatabaseTrouble(trouble, f"{key}: {text}")

    def read(self, statement: Statement, most: int, key_of: NamesRow) -> Reading:
        """See `Session`."""
        rows: list[tuple[str, tuple[Value, ...]]] = []
        more = False
        columns: tuple[str, ...] = ()
        try:
            # Row by row, for the source may have more than the memory holds.
            with self._connection.cursor() as cursor, closing(_stream(cursor, statement)) as found:
                first = next(found, None)
                columns = tuple(column.name for column in cursor.description or ())
                if first is not None:
                    rows, more = gather(columns, _chain(first, found), most, key_of)
        except _BORDER as problem:
            raise self._trouble(problem, "reading") from None
        return Reading(columns if rows else (), rows, more)

    def run_all(self, work: Sequence[Bound]) -> None:
        """See `Session`."""
        at = -1
        try:
            with self._connection.transaction():
                for statement, values in work:
                    at += 1
                    bound = [str(value) if isinstance(value, int) else value for value in values]
                    self._connection.execute(statement.text.encode(), bound)
                at = -1
        except _BORDER as problem:
            raise self._trouble(problem, "writing", at) from None

    def close(self) -> None:
        """See `Session`."""
        with suppress(psycopg.Error):
            self._connection.close()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def shut(self) -> None:
        """See `Session`; a request to cancel would need a server that answers."""
        with self._lock, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def _trouble(self, problem: BaseException, doing: str, at: int = -1) -> DatabaseTrouble:
        lost = Trouble.LOST if self._connection.closed else None
        return _trouble(problem, doing, lost, at)


def _stream(cursor: psycopg.Cursor[Any], statement: Statement) -> Any:
    return cursor.stream(statement.text.encode())


def _chain(first: Any, others: Any) -> Any:
    yield first
    yield from others


def _of_state(state: str) -> Trouble:
    return _TROUBLES.get(state) or _TROUBLES.get(state[:2], Trouble.STATEMENT)


def _trouble(
    problem: BaseException, doing: str, trouble: Trouble | None = None, at: int = -1
) -> DatabaseTrouble:
    state = getattr(problem, "sqlstate", None) or ""
    if trouble is None:
        if state:
            trouble = _of_state(state)
        elif isinstance(problem, psycopg.OperationalError):
            trouble = Trouble.LOST
        else:
            trouble = Trouble.VALUES
    return DatabaseTrouble(trouble, f"{doing}: {' '.join(str(problem).split())}", at)
