"""
The database that a clean history is written to, with all that the next run needs to know.

Theory of operation: rows gather, and go out with what is to be kept in one
transaction, so that the history and the knowledge of how far it goes can never
differ. Each transaction counts a number up that it must find as it left it:
whoever else merges into the same database at the same time is found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import LogDatabase, Row
from ixproxy.eventlog.log_tables import MERGED, TABLES, declared
from ixproxy.eventlog.merging.agent_acts import LOGIN, LOGOUT, AgentEvent
from ixproxy.eventlog.merging.agent_records import Session
from ixproxy.eventlog.merging.horizon import Stream
from ixproxy.eventlog.merging.skew import Pair
from ixproxy.eventlog.schemas import MERGED as KIND

Marks = dict[str, tuple[int, int, float, str]]
"""By table the last event that was merged: epoch, number, time and name."""

NEAR = 300.0
"""Seconds within which a late row is looked for among those that are here."""


class Reached(msgspec.Struct):
    """
    How far a stream is merged.

    :ivar last_time: of its last event, by the common clock.
    """

    node: str
    epoch: int
    number: int
    last_time: float
    marks: Marks


class Kept(msgspec.Struct):
    """
    What else is kept from one run to the next.

    :ivar merged_number: of the last row.
    :ivar merged_until: what happened before and comes now is late; by the common clock.
    :ivar now: time of the last event, by the common clock.
    :ivar turn: how many transactions there were.
    :ivar counted: what was counted, in all runs.
    """

    merged_number: int = 0
    merged_until: float = -1e300
    now: float = -1e300
    turn: int = 0
    counted: dict[str, int] = {}


def merged_nodes(database: LogDatabase) -> set[int]:
    """The nodes, by dbid, of which a target has something; it may be read only, and new."""
    if not database.columns("merge_stream"):
        return set()
    return {dbid for (dbid,) in database.rows("SELECT DISTINCT dbid FROM merge_stream")}


class MergeTarget:
    """
    One target; its tables are made if it has none.

    :raise StorageError: it is something else, or cannot be written.
    """

    def __init__(self, database: LogDatabase) -> None:
        self._database = database
        self.name = database.name
        database.make(KIND)
        self.kept = self._read_kept()
        self._rows: dict[str, list[Row]] = {table: [] for table in TABLES}
        self.columns: dict[str, list[str]] = {}
        self._inserts: dict[str, str] = {}
        self.add_columns({})

    def _read_kept(self) -> Kept:
        rows = self._database.rows("SELECT value FROM merge_state WHERE name = 'kept'")
        return msgspec.json.decode(rows[0][0], type=Kept) if rows else Kept()

    def add_columns(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        """Add what sources have beside the columns of the schema, by table with their types."""
        for table in TABLES:
            there = self._database.columns(table)
            for name, kind in wanted.get(table, {}).items():
                if name not in there and name not in MERGED and '"' not in name:
                    self._database.add_column(table, name, kind)
            names = [each for each in self._database.columns(table) if each not in MERGED]
            self.columns[table] = names
            listed = ", ".join(f'"{each}"' for each in (*names, *MERGED))
            values = ", ".join("?" * (len(names) + len(MERGED)))
            self._inserts[table] = (
                f"INSERT INTO {table} ({listed}) VALUES ({values}) ON CONFLICT DO NOTHING"
            )

    def kinds(self, table: str) -> dict[str, str]:
        """The columns that sources may fill, with their types."""
        there = self._database.columns(table)
        return {name: kind for name, kind in there.items() if name not in MERGED}

    def identity(self) -> object:
        """Equal to that of another connection to the same tables."""
        return self._database.identity()

    def close(self) -> None:
        """Let go of the database; what is not saved is gone."""
        self._database.rollback()
        self._database.close()

    def streams(self) -> dict[Stream, Reached]:
        """How far each stream is merged."""
        found = self._database.rows(
            "SELECT source, dbid, node, epoch, event_number, last_time, marks FROM merge_stream"
        )
        return {
            Stream(source, dbid): Reached(
                node, epoch, number, last_time, msgspec.json.decode(marks, type=Marks)
            )
            for source, dbid, node, epoch, number, last_time, marks in found
        }

    def sessions(self) -> list[Session]:
        """The agent sessions that are known."""
        found = self._database.rows("SELECT session FROM merge_session")
        return [msgspec.json.decode(text, type=Session) for (text,) in found]

    def samples(self) -> dict[Pair, list[float]]:
        """What is known of clocks."""
        found = self._database.rows("SELECT first_dbid, second_dbid, samples FROM merge_skew")
        return {
            (first, second): msgspec.json.decode(text, type=list[float])
            for first, second, text in found
        }

    def begin(self) -> None:
        """
        A transaction; `save` ends it.

        :raise StorageError: somebody else has written meanwhile.
        """
        self._database.begin()
        if self._read_kept().turn != self.kept.turn:
            raise StorageError(f"{self.name}: somebody else merges into it")

    def append(self, table: int, row: Row, time: float, late: bool) -> None:
        """The next row of the clean history."""
        self.kept.merged_number += 1
        self.count("rows")
        self._rows[TABLES[table]].append((*row, self.kept.merged_number, time, int(late)))

    def flush(self) -> int:
        """Write what gathered; how many rows were there already."""
        doubled = 0
        for table, rows in self._rows.items():
            if rows:
                doubled += len(rows) - self._database.run_many(self._inserts[table], rows)
                rows.clear()
        return doubled

    def told(self, event: AgentEvent) -> bool:
        """Whether an agent's act is in the history, as another node told of it."""
        self._count_doubled()
        if event.session_number is not None and event.event in (LOGIN, LOGOUT):
            return self._has(event.session_number, event.session_dbid, event.event)
        return bool(
            self._database.rows(
                "SELECT 1 FROM rpt_agent WHERE agent_id = ? AND tenant_id = ? AND event = ? "
                "AND dbid <> ? "
                "AND merged_time BETWEEN ? AND ? AND coalesce(media_type, '') = ? "
                "AND coalesce(reason_system_name, '') = ? LIMIT 1",
                (
                    event.agent_id,
                    event.tenant_id,
                    event.event,
                    event.dbid,
                    event.time - NEAR,
                    event.time + NEAR,
                    event.media_type or "",
                    event.reason_name or "",
                ),
            )
        )

    def ended(self, session_number: int, session_dbid: int) -> bool:
        """Whether the logout of a session is in the history."""
        return self._has(session_number, session_dbid, LOGOUT)

    def _has(self, number: int, dbid: int | None, event: str) -> bool:
        return bool(
            self._database.rows(
                "SELECT 1 FROM rpt_agent WHERE agent_session_number = ? "
                "AND agent_session_dbid = ? AND event = ? LIMIT 1",
                (number, dbid, event),
            )
        )

    def _count_doubled(self) -> None:
        if doubled := self.flush():
            self.count("doubled", doubled)

    def count(self, name: str, number: int = 1) -> None:
        """Count something, for ever."""
        self.kept.counted[name] = self.kept.counted.get(name, 0) + number

    def put_streams(self, streams: Mapping[Stream, Reached]) -> None:
        """How far streams are merged now."""
        self._put(
            "merge_stream",
            ("source", "dbid"),
            ("node", "epoch", "event_number", "last_time", "marks"),
            [
                (*name, each.node, each.epoch, each.number, each.last_time, _json(each.marks))
                for name, each in streams.items()
            ],
        )

    def forget_stream(self, stream: Stream) -> None:
        """Its log has another address now."""
        self._database.run("DELETE FROM merge_stream WHERE source = ? AND dbid = ?", stream)

    def put_sessions(self, names: Iterable[str], sessions: Mapping[str, Session]) -> None:
        """Keep these, and forget those of the names that are not among them."""
        there, gone = [], []
        for name in names:
            if (session := sessions.get(name)) is not None:
                there.append((name, _json(session)))
            else:
                gone.append((name,))
        self._put("merge_session", ("name",), ("session",), there)
        if gone:
            self._database.run_many("DELETE FROM merge_session WHERE name = ?", gone)

    def put_samples(self, samples: Mapping[Pair, Sequence[float]]) -> None:
        """What is known of clocks now."""
        rows = [(*pair, _json(each)) for pair, each in samples.items()]
        self._put("merge_skew", ("first_dbid", "second_dbid"), ("samples",), rows)

    def put_dropped(self, rows: Sequence[Row]) -> None:
        """What nodes have dropped, anew or more than before."""
        names = list(declared("rpt_dropped"))
        key = ("dbid", "epoch", "first_number", "event")
        order = [*key, *(each for each in names if each not in key)]
        self._put(
            "rpt_dropped",
            key,
            order[len(key) :],
            [[row[names.index(each)] for each in order] for row in rows],
        )

    def put_sources(self, rows: Sequence[Row]) -> None:
        """dbid, node, epoch, number and time of what is merged of each node."""
        columns = ("node", "logged_epoch", "logged_number", "logged_until")
        self._put("rpt_source", ("dbid",), columns, rows)

    def _put(
        self, table: str, key: Sequence[str], rest: Sequence[str], rows: Sequence[Any]
    ) -> None:
        if not rows:
            return
        values = ", ".join("?" * (len(key) + len(rest)))
        changed = ", ".join(f"{each} = excluded.{each}" for each in rest)
        self._database.run_many(
            f"INSERT INTO {table} ({', '.join((*key, *rest))}) VALUES ({values}) "
            f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}",
            rows,
        )

    def save(self) -> None:
        """Write all that gathered, and end the transaction."""
        self._count_doubled()
        self.kept.turn += 1
        self._put("merge_state", ("name",), ("value",), [("kept", _json(self.kept))])
        self._database.commit()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
