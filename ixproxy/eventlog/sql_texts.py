"""The statements that store rows, as both SQLite and PostgreSQL understand them."""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.eventlog.schemas import DROPPED, SOURCE, tables
from ixproxy.node.sql_text import quoted_name

# Of one epoch the time never goes back; a later epoch has its own, for its clock may be another's.
_STORED = """
node = excluded.node,
logged_until = CASE
    WHEN excluded.logged_epoch > rpt_source.logged_epoch THEN excluded.logged_until
    WHEN excluded.logged_epoch = rpt_source.logged_epoch
        AND excluded.logged_until > rpt_source.logged_until THEN excluded.logged_until
    ELSE rpt_source.logged_until END,
logged_number = CASE
    WHEN excluded.logged_epoch > rpt_source.logged_epoch THEN excluded.logged_number
    WHEN excluded.logged_epoch = rpt_source.logged_epoch
        AND excluded.logged_number > rpt_source.logged_number THEN excluded.logged_number
    ELSE rpt_source.logged_number END,
logged_epoch = CASE
    WHEN excluded.logged_epoch > rpt_source.logged_epoch THEN excluded.logged_epoch
    ELSE rpt_source.logged_epoch END
"""

_RESTED = """
node = excluded.node,
logged_until = CASE
    WHEN excluded.logged_until > rpt_source.logged_until THEN excluded.logged_until
    ELSE rpt_source.logged_until END
"""

# A gap that was open when it was stored may come again, and larger.
_GROWN = """
last_number = excluded.last_number, last_time = excluded.last_time, dropped = excluded.dropped
WHERE excluded.last_number > rpt_dropped.last_number
"""


def insert(table: str, columns: Sequence[str], values: str) -> str:
    """
    A statement that inserts events, but for those that are there.

    :param values: VALUES or SELECT.
    """
    listed, key = ", ".join(map(quoted_name, columns)), ", ".join(tables()[table].key)
    return f"INSERT INTO {table} ({listed}) {values} ON CONFLICT ({key}) DO NOTHING"


def insert_dropped(values: str) -> str:
    """A statement that inserts what was dropped, or says that it is more."""
    key = ", ".join(tables()[DROPPED].key)
    return f"INSERT INTO {DROPPED} {values} ON CONFLICT ({key}) DO UPDATE SET {_GROWN}"


def mark_stored(values: str) -> str:
    """A statement that says how far a node's events are there."""
    return f"INSERT INTO {SOURCE} {values} ON CONFLICT (dbid) DO UPDATE SET {_STORED}"


def mark_rest(values: str) -> str:
    """A statement that says that a node has had no more events until some time."""
    return f"INSERT INTO {SOURCE} {values} ON CONFLICT (dbid) DO UPDATE SET {_RESTED}"
