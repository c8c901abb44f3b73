"""How the verbs of `ixctl eventlog` open databases, and what they say if they cannot."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ixproxy.cli.outcomes import UsageError
from ixproxy.config_store_address import postgresql_text, without_password
from ixproxy.errors import NodeUnavailable, StoreUnreachable
from ixproxy.eventlog.addresses import POSTGRESQL, SQLITE, read_address
from ixproxy.eventlog.log_databases import LogDatabase, open_database

ADDRESS = "sqlite:PATH or postgresql://…"

BESIDE = ("", "-wal", "-shm", "-journal")
"""What the files of an SQLite database end in."""


def add_schema_name(parser: ArgumentParser) -> None:
    """Add the option that `opened` is given."""
    parser.add_argument(
        "--schema-name",
        default="",
        metavar="NAME",
        help="where the tables are, in PostgreSQL; an address that ends in ?schema-name=NAME has "
        "its own",
    )


def opened(address: str, schema_name: str, *, create: bool = False) -> LogDatabase:
    """
    Connect.

    :param schema_name: of an address of PostgreSQL that names none.
    :param create: it is written; a file that is not there is made.
    :raise UsageError: it is no address.
    :raise StorageError: it cannot be opened.
    """
    try:
        read = read_address(address, schema_name)
        if read.kind == POSTGRESQL:
            postgresql_text(read.place)
        return open_database(address, create=create, schema_name=schema_name)
    except ValueError as problem:
        raise UsageError(f"{without_password(address)}: {problem}") from problem


def is_there(address: str) -> bool:
    """Whether there is something to open: of PostgreSQL that is not known."""
    files = _files(address)
    return not files or os.path.exists(files[0])


def check_schema_name(schema_name: str, *addresses: str) -> None:
    """:raise UsageError: there is no address that could have it."""
    if schema_name and not any(each.startswith(f"{POSTGRESQL}:") for each in addresses):
        raise UsageError("--schema-name: only a log in PostgreSQL has one")


def check_outputs(outputs: Iterable[Path], *addresses: str) -> None:
    """
    No file that is to be written may be one in which a log lies.

    :raise UsageError: one is; the text names both.
    """
    logs = [(address, each) for address in addresses for each in _files(address)]
    for output in outputs:
        for address, file in logs:
            if _same(output, file):
                raise UsageError(f"{output}: expected another file, this one belongs to {address}")


def _files(address: str) -> list[str]:
    """The files of a database, whether they are there or not; none of what is no address."""
    with suppress(ValueError):
        read = read_address(address)
        if read.kind == SQLITE:
            # What is beside a link is not beside the database.
            return [os.path.realpath(read.place) + end for end in BESIDE]
    return []


def _same(output: Path, file: str) -> bool:
    with suppress(OSError):
        if os.path.samefile(output, file):
            return True
    return os.path.realpath(output) == file


@contextmanager
def reaching() -> Iterator[None]:
    """
    Around all that asks databases.

    :raise NodeUnavailable: a server does not answer.
    """
    try:
        yield
    except StoreUnreachable as problem:
        raise NodeUnavailable(str(problem)) from problem
