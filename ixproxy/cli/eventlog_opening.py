"""How the verbs of `ixctl eventlog` open databases, and what they say if they cannot."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager

from ixproxy.cli.outcomes import UsageError
from ixproxy.config_store_address import postgresql_text, without_password
from ixproxy.errors import NodeUnavailable, StoreUnreachable
from ixproxy.eventlog.addresses import POSTGRESQL, read_address
from ixproxy.eventlog.log_databases import LogDatabase, open_database

ADDRESS = "sqlite:PATH or postgresql://…"


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


def check_schema_name(schema_name: str, *addresses: str) -> None:
    """:raise UsageError: there is no address that could have it."""
    if schema_name and not any(each.startswith(f"{POSTGRESQL}:") for each in addresses):
        raise UsageError("--schema-name: only a log in PostgreSQL has one")


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
