"""
The tables of an event log in an SQLite file: made, recognised, and brought up to date.

Several nodes of a machine may share one, and begin at the same moment: whatever changes
the tables looks again, once it has the right to write, whether it is still to be done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from threading import Event
from urllib.parse import quote

from ixproxy.errors import StorageError
from ixproxy.eventlog.custom_fields import TYPES, CustomField
from ixproxy.eventlog.logout_deletion import sqlite_triggers
from ixproxy.eventlog.schemas import (
    APPLICATION_ID,
    CUSTOM,
    EVENT_TABLES,
    INTERACTION,
    LOG,
    MERGED,
    check_kind,
    check_version,
    merged_part,
)
from ixproxy.eventlog.settings import Deleting
from ixproxy.node.sql_text import quoted_name
from ixproxy.storage.schemas import Schema
from ixproxy.storage.sqlite_errors import BORDER, code_of, storage_error
from ixproxy.storage.sqlite_schema import APPLICATION_ID as NODE_ID

BUSY_SECONDS = 5.0
"""How long a statement waits for a lock of another program."""

CACHE_KIB = 16 << 10
CHECKPOINT_PAGES = 4000
_TRIES, _PAUSE = 20, 0.1


def connect(path: str, name: str, mode: str = "rwc") -> sqlite3.Connection:
    """
    A connection, and the file if there is none.

    :param name: what messages call it.
    :param mode: `rwc`; or `ro`: it is only read, and not made; or `ro&immutable=1`: nobody writes
        into it meanwhile, and so there are no locks.
    :raise StorageError: it cannot be had.
    """
    try:
        return sqlite3.connect(
            f"file:{quote(path)}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
    except BORDER as problem:
        raise storage_error(problem, f"opening {name}") from problem


def prepare(
    connection: sqlite3.Connection,
    name: str,
    schema: Schema,
    fields: Sequence[CustomField],
    deleting: Deleting,
) -> None:
    """
    Have everything that a log needs.

    :raise StorageError: it is another program's, or newer, or a step failed.
    """
    doing = f"reading {name}"
    try:
        found = version_of(connection, name)
        doing = f"opening {name}"
        _make_durable(connection, name)
        if not found:
            doing = f"making the tables of {name}"
            create(connection, name, schema, LOG)
            found = version_of(connection, name)
        check_version(name, found, schema.version)
        for version in range(found, schema.version):
            doing = f"upgrading {name} from version {version} to {version + 1}"
            _upgrade(connection, name, schema, version)
        doing = f"adding custom fields to {name}"
        _add_columns(connection, name, fields)
        doing = f"setting when {name} deletes the rows of agents"
        _set_triggers(connection, deleting)
    except BORDER as problem:
        raise storage_error(problem, doing) from problem


def version_of(connection: sqlite3.Connection, name: str, kind: str = LOG) -> int:
    """
    The version of the tables; 0: there is nothing in the file.

    :param kind: LOG or MERGED.
    :raise StorageError: it is something else.
    :raise Exception: one of BORDER.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == NODE_ID:
        raise StorageError(f"{name} is the store of a node; an event log needs a file of its own")
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    there = {table for (table,) in found}
    if not there and application in (0, APPLICATION_ID):
        return 0
    # Not by the id: a file that was made of a dump has none.
    rows = []
    if {"log_schema", *EVENT_TABLES} <= there:
        rows = connection.execute("SELECT version, kind FROM log_schema").fetchall()
    if len(rows) != 1:
        raise StorageError(f"{name} is an SQLite database, but not an event log")
    ((version, its_kind),) = rows
    check_kind(name, its_kind, kind)
    return int(version)


def create(connection: sqlite3.Connection, name: str, schema: Schema, kind: str) -> None:
    """
    Make the tables, unless another program has done so meanwhile.

    :param kind: LOG or MERGED.
    :raise StorageError: another program has made something else of it.
    :raise Exception: one of BORDER.
    """

    def make() -> None:
        if not version_of(connection, name, kind):
            _run(connection, schema.creation())
            if kind == MERGED:
                _run(connection, merged_part("sqlite"))
            connection.execute(
                "INSERT INTO log_schema (version, kind) VALUES (?, ?)", (schema.version, kind)
            )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    transact(connection, make)


def transact(connection: sqlite3.Connection, work: object) -> None:
    """
    Do something in a transaction of its own, all of it or nothing.

    :param work: called without arguments.
    :raise Exception: one of BORDER, or what `work` raises.
    """
    assert callable(work)
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
        connection.execute("COMMIT")
    except BaseException:
        with suppress(*BORDER):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _upgrade(connection: sqlite3.Connection, name: str, schema: Schema, version: int) -> None:
    try:
        text = schema.upgrade(version)
    except OSError as problem:
        raise StorageError(
            f"{name} has version {version} of the tables of an event log, and nothing leads on "
            "from it"
        ) from problem

    def step() -> None:
        if version_of(connection, name) == version:
            _run(connection, text)
            connection.execute("UPDATE log_schema SET version = ?", (version + 1,))

    transact(connection, step)


def _run(connection: sqlite3.Connection, script: str) -> None:
    """A script within a transaction, which `executescript` would end."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    if statement.strip():
        connection.execute(statement)


def _make_durable(connection: sqlite3.Connection, name: str) -> None:
    pause = Event()
    for left in reversed(range(_TRIES)):
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as problem:
            # Who changes the mode does not wait for others that do so just now.
            if code_of(problem) != sqlite3.SQLITE_BUSY or not left:
                raise
            pause.wait(_PAUSE)
    if mode != "wal":
        raise StorageError(f"{name}: no WAL mode here (it is {mode!r})")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")


def _add_columns(connection: sqlite3.Connection, name: str, fields: Sequence[CustomField]) -> None:
    def there(table: str) -> dict[str, str]:
        found = connection.execute(f"PRAGMA table_info({table})").fetchall()
        return {str(line[1]): str(line[2]) for line in found}

    def add() -> None:
        for table in (INTERACTION, CUSTOM):
            columns = there(table)
            for field in fields:
                kind = TYPES[field.type]
                found = columns.get(field.column)
                if found is None:
                    connection.execute(
                        f"ALTER TABLE {table} ADD COLUMN {quoted_name(field.column)} {kind}"
                    )
                elif found != kind:
                    raise StorageError(
                        f"{name} has a column {field.column} of {table} that is {found}, not "
                        f"{kind}: give the custom field {field.name} another name"
                    )

    wanted = {(field.column, TYPES[field.type]) for field in fields}
    if any(wanted - there(table).items() for table in (INTERACTION, CUSTOM)):
        transact(connection, add)


def _set_triggers(connection: sqlite3.Connection, deleting: Deleting) -> None:
    wanted = sqlite_triggers(deleting)
    every = [each for kind in Deleting for each in sqlite_triggers(kind)]

    def there() -> set[str]:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in found} & set(every)

    def change() -> None:
        found = there()
        for name in sorted(found - set(wanted)):
            connection.execute(f"DROP TRIGGER {name}")
        for name in sorted(set(wanted) - found):
            connection.execute(wanted[name])

    if there() != set(wanted):
        transact(connection, change)
