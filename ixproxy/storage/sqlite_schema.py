"""
The schema of a node's SQLite database: made, recognised, and brought up to date.

A new database is made under another name and renamed when it is whole, so
that a crash on the way leaves none. An older one is copied first, then
brought up version by version, each step in a transaction of its own.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from ixproxy.errors import StorageError
from ixproxy.storage import schemas
from ixproxy.storage.schemas import Schema
from ixproxy.storage.sqlite_errors import BORDER, storage_error

APPLICATION_ID = 0x49584E31
"""Stands in the file's header and says that it is a node's database."""


def built_in() -> Schema:
    """The schema that comes with this package."""
    return schemas.built_in("sqlite")


def create(connection: sqlite3.Connection, schema: Schema) -> None:
    """Fill an empty database."""
    _run(connection, schema.creation())


def version_of(connection: sqlite3.Connection, name: str) -> int:
    """
    The schema version of an open database.

    :param name: what messages call it.
    :raise StorageError: it is not a node's database.
    """
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise StorageError(f"{name} is an SQLite database, but not one of an ixproxy node")
        (version,) = connection.execute("SELECT schema_version FROM meta").fetchone()
    except (*BORDER, TypeError) as problem:
        raise storage_error(problem, f"reading {name}") from problem
    return int(version)


def bring_up(connection: sqlite3.Connection, name: str, schema: Schema, backup: Path | None) -> int:
    """
    Make an older schema the newest; harmless on the newest.

    :param backup: where a copy is left before anything changes; None: nowhere.
    :return: the version that was found.
    :raise StorageError: the schema is newer than this program, or a step failed.
    """
    found = version_of(connection, name)
    if found > schema.version:
        copy = f", or go back to the copy from before the upgrade, {name}.before-v{found}"
        raise StorageError(
            f"{name} has schema version {found}, made by a newer program; this one knows up to "
            f"version {schema.version}: install the newer one{copy if backup is not None else ''}"
        )
    if found == schema.version:
        return found
    if backup is not None:
        _copy(connection, backup)
    for version in range(found, schema.version):
        try:
            text = schema.upgrade(version)
        except OSError as problem:
            raise StorageError(
                f"{name} has schema version {version}, and nothing leads on from it"
            ) from problem
        try:
            _run(connection, text, version + 1)
        except BORDER as problem:
            raise storage_error(
                problem, f"upgrading {name} from version {version} to {version + 1}"
            ) from problem
    return found


def _run(connection: sqlite3.Connection, text: str, version: int = 0) -> None:
    """Run a script in one transaction; the version goes with it."""
    mark = f"UPDATE meta SET schema_version = {version};" if version else ""
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {text}; {mark} PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
        )
    except BORDER:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        sync(unfinished)
        unfinished.rename(target)
        sync(target.parent)
    except (*BORDER, OSError) as problem:
        raise storage_error(problem, f"copying the database to {target} before its upgrade") from (
            problem
        )


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
