"""What event logs have, read past the nodes: from tables, or from what a queue's reader keeps."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ixproxy.errors import StorageError
from ixproxy.testing.chaos_rows import read_rows

EVENT_TABLES = ("rpt_interaction", "rpt_agent", "rpt_esp", "rpt_custom")
DROPPED_TABLE, SOURCE_TABLE = "rpt_dropped", "rpt_source"

Name = tuple[int, int, int]
"""Of an event: dbid, epoch, number."""

_NAMING = {"dbid", "epoch", "event_number", "event_time", "event", "node"}
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """
    One event in a log.

    :ivar event: its name; `at`: when it happened, seconds since the epoch, UTC.
    :ivar table: the one that it is in.
    :ivar values: its other columns that are not NULL; None: this log has no columns.
    """

    event: str
    at: float
    table: str
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """
    What was dropped, as a log says it.

    :ivar first: the number of the first event, as is `last` that of the last.
    :ivar events: how many, by their name.
    """

    dbid: int
    epoch: int
    first: int
    last: int
    first_time: float
    last_time: float
    events: Mapping[str, int]

    @property
    def many(self) -> int:
        """How many events."""
        return sum(self.events.values())


@dataclass(slots=True)
class Logged:
    """
    What one log has.

    :ivar twice: events that stand in two tables.
    :ivar until: by dbid, before which time it says that it has everything; not every kind does.
    """

    rows: dict[Name, Row] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    twice: list[Name] = field(default_factory=list)
    until: dict[int, float] = field(default_factory=dict)

    def add(self, name: Name, row: Row) -> None:
        """One more event."""
        if name in self.rows:
            self.twice.append(name)
        self.rows[name] = row


def read_tables(address: str) -> Logged:
    """
    What is in a log of tables, as of one moment; nothing, where there is no such file.

    :param address: `sqlite:/path` or `postgresql://…`.
    :raise StorageError: it cannot be read.
    """
    if address.startswith("sqlite:") and not Path(address.removeprefix("sqlite:")).exists():
        return Logged()
    found = read_rows({"": address}, (*EVENT_TABLES, DROPPED_TABLE, SOURCE_TABLE))
    logged = Logged(
        gaps=list(_gaps(found[DROPPED_TABLE])),
        until={row["dbid"]: row["logged_until"] for row in found[SOURCE_TABLE]},
    )
    for table in EVENT_TABLES:
        for row in found[table]:
            values = {
                key: _plain(value)
                for key, value in row.items()
                if key not in _NAMING and value is not None
            }
            name = row["dbid"], row["epoch"], row["event_number"]
            logged.add(name, Row(row["event"], row["event_time"], table, values))
    return logged


def _plain(value: Any) -> Any:
    """What two databases write differently, alike."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _gaps(rows: list[dict[str, Any]]) -> Iterator[Gap]:
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for row in rows:
        key = (
            *(row["dbid"], row["epoch"], row["first_number"], row["last_number"]),
            *(row["first_time"], row["last_time"]),
        )
        found.setdefault(key, {})[row["event"]] = row["dropped"]
    for (dbid, epoch, first, last, since, until), events in sorted(found.items()):
        yield Gap(dbid, epoch, first, last, since, until, events)


def read_kept(path: Path) -> Logged:
    """
    What the reader of a queue keeps (`examples/eventlog/read_queue.py`).

    :raise StorageError: it cannot be read.
    """
    if not path.exists():
        return Logged()
    logged = Logged()
    try:
        with closing(sqlite3.connect(path, timeout=_SECONDS)) as database:
            rows = database.execute(
                "SELECT dbid, epoch, number, time, event, body FROM events"
            ).fetchall()
    except sqlite3.Error as problem:
        raise StorageError(f"{path}: {problem}") from problem
    for dbid, epoch, number, at, event, body in rows:
        said = json.loads(body)
        if said["table"] == "dropped":
            what = said["attributes"]
            times = what["FirstTime"], what["LastTime"]
            logged.gaps.append(
                Gap(dbid, epoch, what["First"], what["Last"], *times, what["Events"])
            )
        else:
            logged.add((dbid, epoch, number), Row(event, at, f"rpt_{said['table']}"))
    return logged


def spooled(stores: Mapping[str, str], log: str) -> int:
    """
    Rows of the outboxes that wait for a log; -1: a node's database cannot be read just now.

    :param stores: the address of each node's database.
    """
    try:
        rows = read_rows(stores, ("outbox",))["outbox"]
    except StorageError:
        return -1
    return sum(row["consumer"] == f"log:{log}" for row in rows)
