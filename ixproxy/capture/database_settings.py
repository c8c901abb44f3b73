"""What a table with `use = "database"` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ixproxy.capture import database_names as names
from ixproxy.capture.asking import Keys
from ixproxy.capture.database_parameters import Dialect, Statement, read_statement
from ixproxy.capture.database_sessions import Place
from ixproxy.capture.database_sqlite import SCHEME as SQLITE
from ixproxy.capture.database_sqlite import SqlitePlace
from ixproxy.capture.xml_forms import MOST_DOCUMENT_SIZE
from ixproxy.capture.xml_parsing import LIMITS

_POSTGRESQL = "postgresql:"
_ADDRESS = '"sqlite:/path/to/file.db" or "postgresql://user@host/database"'


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """
    Times in seconds.

    :ivar cycle: between the end of one look at the source and the next.
    :ivar batch_size: statements of marks or notifications in one transaction.
    :ivar storing_timeout: how long notifications may be collected for that.
    :ivar reconnect_timeout: the longest pause before connecting again.
    :ivar statement_timeout: how long the database may take for one statement.
    :ivar fetch_size: rows that are read at once.
    :ivar max_document_size: characters that a row may have.
    :ivar receipt_columns: and `source_receipt_columns`: what names a row and what it
        says; () of the first: all its columns, of the other: nothing does.
    :ivar queries: by the names of their settings; those that there are.
    :ivar queues: queue to the query that tells of a placement in it.
    """

    place: Place
    queries: Mapping[str, Statement]
    queues: Mapping[str, str]
    cycle: float = 5.0
    batch_size: int = 500
    storing_timeout: float = 1.0
    reconnect_timeout: float = 10.0
    statement_timeout: float = 60.0
    fetch_size: int = 1000
    receipt_columns: tuple[str, ...] = ()
    source_receipt_columns: tuple[str, ...] = ()
    max_document_size: int = LIMITS.size


def read_settings(given: Mapping[str, object]) -> DatabaseSettings:
    """
    :param given: the keys of the table.
    :raise ixproxy.errors.ConfigError: with everything that is wrong.
    """
    keys = Keys(given)
    place = _place(keys)
    queries = _queries(keys, place.dialect if place else Dialect.SQLITE)
    queues = _queues(keys)
    numbers = {
        "cycle": keys.seconds("cycle", 5.0, 0.05, 86_400),
        "storing_timeout": keys.seconds("storing-timeout", 1.0, 0, 3_600),
        "reconnect_timeout": keys.seconds("reconnect-timeout", 10.0, 0.1, 3_600),
        "statement_timeout": keys.seconds("statement-timeout", 60.0, 0.1, 3_600),
    }
    batch_size = keys.whole("batch-size", 500, 1, 100_000)
    fetch_size = keys.whole("fetch-size", 1000, 1, 100_000)
    receipt_columns = keys.texts("receipt-columns")
    source_columns = keys.texts("source-receipt-columns")
    if source_columns and names.SOURCE not in given:
        keys.refuse("source-receipt-columns", f"there is no {names.SOURCE}")
    size = keys.whole("max-document-size", LIMITS.size, 1, MOST_DOCUMENT_SIZE)
    keys.finish()
    assert place is not None  # else there was a problem
    return DatabaseSettings(
        place=place,
        queries=queries,
        queues=queues,
        batch_size=batch_size,
        fetch_size=fetch_size,
        receipt_columns=receipt_columns,
        source_receipt_columns=source_columns,
        max_document_size=size,
        **numbers,
    )


def _place(keys: Keys) -> Place | None:
    address = keys.needed_text("address", _ADDRESS, secret=True)
    password_file = keys.text("password-file")
    if not address:
        return None
    try:
        if address.startswith(SQLITE):
            if password_file:
                keys.refuse("password-file", "an SQLite file has no password")
            return SqlitePlace(address.removeprefix(SQLITE))
        if not address.startswith(f"{_POSTGRESQL}//"):
            raise ValueError(f"expected {_ADDRESS}")
        return _postgresql(address, password_file)
    except ValueError as problem:
        keys.refuse("address", str(problem))
        return None


def _postgresql(address: str, password_file: str) -> Place:
    try:
        # Only here, for who captures from SQLite needs no psycopg.
        from ixproxy.capture.database_postgresql import PostgresqlPlace
    except ImportError:
        raise ValueError("PostgreSQL needs psycopg: pip install 'ixproxy[database]'") from None
    return PostgresqlPlace(address, password_file)


def _queries(keys: Keys, dialect: Dialect) -> dict[str, Statement]:
    found: dict[str, Statement] = {}
    optional = (names.STARTUP, *names.SOURCE_UPDATES, *names.NOTIFICATIONS)
    texts = {key: keys.needed_text(key, "a statement of SQL") for key in names.REQUIRED}
    texts |= {key: keys.text(key) for key in optional}
    for key, text in texts.items():
        if not text:
            continue
        try:
            statement = read_statement(text, dialect)
        except ValueError as problem:
            keys.refuse(key, str(problem))
            continue
        if wrong := names.wrong_parameter(key, statement):
            keys.refuse(key, wrong)
        found[key] = statement
    there = [key for key in names.SOURCE_UPDATES if texts[key]]
    if there and len(there) < len(names.SOURCE_UPDATES):
        for key in names.SOURCE_UPDATES:
            if not texts[key]:
                keys.refuse(key, f"missing; {there[0]} needs it")
    return found


def _queues(keys: Keys) -> dict[str, str]:
    queues: dict[str, str] = {}
    for query, (setting, default) in names.PLACED.items():
        for queue in keys.texts(setting, default):
            if queue in queues:
                other = names.PLACED[queues[queue]][0]
                keys.refuse(setting, f"{queue} stands in {other}, too")
            queues[queue] = query
    return queues
