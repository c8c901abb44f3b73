"""Event logs for tests: databases with the tables of a log, and rows as nodes write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ixproxy.eventlog.log_databases import LogDatabase, open_database
from ixproxy.eventlog.log_tables import TABLES
from ixproxy.eventlog.schemas import LOG
from ixproxy.node.sql_text import quoted_name

INTERACTION, AGENT, ESP, CUSTOM = TABLES

Values = Mapping[str, Any]


class Log:
    """One database, made empty, to which nodes write."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._numbers: dict[int, int] = {}
        self._times: dict[int, float] = {}
        database = self.open()
        database.make(LOG)
        database.close()

    def open(self) -> LogDatabase:
        """A connection that may write."""
        return open_database(self.address, create=True)

    def write(
        self,
        dbid: int,
        rows: Iterable[tuple[str, Values]],
        *,
        epoch: int = 1,
        until: float | None = None,
    ) -> None:
        """
        A node logs some events, each a table and its values, `event_time` among them.

        :param until: what it says that it has logged until; None: the last event.
        """
        database = self.open()
        database.begin()
        number, time = self._numbers.get(dbid, 0), self._times.get(dbid, 0.0)
        for table, values in rows:
            number, time = number + 1, values["event_time"]
            row = {
                "dbid": dbid,
                "epoch": epoch,
                "event_number": number,
                "tenant_id": 1,
                **values,
            }
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
            database.run(statement, list(row.values()))
        self._numbers[dbid], self._times[dbid] = number, time
        database.run("DELETE FROM rpt_source WHERE dbid = ?", (dbid,))
        database.run(
            "INSERT INTO rpt_source VALUES (?, ?, ?, ?, ?)",
            (dbid, f"ixn{dbid}", epoch, number, time if until is None else until),
        )
        database.commit()
        database.close()

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Do something to it by hand."""
        database = self.open()
        database.run(statement, values)
        database.close()


def in_schema(address: str, name: str) -> str:
    """The same database of PostgreSQL, with tables in a new schema of its own."""
    database = open_database(address, create=True)
    database.run(f"CREATE SCHEMA {quoted_name(name)}")
    database.close()
    return f"{address}{'&' if '?' in address else '?'}schema-name={quote(name)}"


def log_at(folder: Path, name: str = "log") -> Log:
    """A log in an SQLite file."""
    return Log(f"sqlite:{folder / name}.db")


def interaction(
    time: float, identifier: str, event: str = "EventPlacedInQueue", **more: object
) -> tuple[str, Values]:
    """Something happened to an interaction."""
    return INTERACTION, {"event_time": time, "event": event, "interaction_id": identifier, **more}


def esp(time: float, identifier: str, request: str = "r1") -> tuple[str, Values]:
    """An external server was called."""
    values = {"interaction_id": identifier, "esp_request_id": request}
    return ESP, {"event_time": time, "event": "EventExternalServiceRequested", **values}


def custom(time: float, said: str = "{}") -> tuple[str, Values]:
    """A client said something of its own."""
    values = {"custom_event_id": 7, "custom_event": said}
    return CUSTOM, {"event_time": time, "event": "EventCustomReporting", **values}


def agent(
    time: float,
    event: str,
    session: int | None = 1,
    name: str = "anna",
    media: str | None = None,
    **more: object,
) -> tuple[str, Values]:
    """Something happened to an agent; `event` without its first word."""
    return AGENT, {
        "event_time": time,
        "event": f"Event{event}",
        "agent_id": name,
        "place_id": f"place of {name}",
        "agent_session_number": session,
        "agent_session_dbid": None if session is None else 1,
        "media_type": media,
        **more,
    }


def login(
    time: float, session: int | None = 1, name: str = "anna", **media: int
) -> tuple[str, Values]:
    """An agent logs in, with media in a state each."""
    return agent(time, "AgentLogin", session, name, media_list=json.dumps(media))


def logout(time: float, session: int | None = 1, name: str = "anna") -> tuple[str, Values]:
    """An agent logs out."""
    return agent(time, "AgentLogout", session, name)


def ready(
    time: float, session: int | None = 1, name: str = "anna", media: str = "chat"
) -> tuple[str, Values]:
    """A channel becomes ready."""
    return agent(time, "ReadyForMedia", session, name, media)


def not_ready(
    time: float, session: int | None = 1, name: str = "anna", media: str = "chat"
) -> tuple[str, Values]:
    """A channel becomes not ready."""
    return agent(time, "NotReadyForMedia", session, name, media)


def rows_of(address: str, statement: str) -> list[tuple[Any, ...]]:
    """What is in a database."""
    database = open_database(address)
    rows = [tuple(row) for row in database.rows(statement)]
    database.close()
    return rows


def history(address: str) -> list[tuple[Any, ...]]:
    """The clean history: in its order, of each row dbid, event, and whom or what it is about."""
    parts = [
        f"SELECT merged_number, dbid, event, {what} AS what FROM {table}"
        for table, what in (
            (INTERACTION, "interaction_id"),
            (AGENT, "agent_id"),
            (ESP, "interaction_id"),
            (CUSTOM, "custom_event"),
        )
    ]
    rows = rows_of(address, f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS a ORDER BY 1")
    return [row[1:] for row in rows]
