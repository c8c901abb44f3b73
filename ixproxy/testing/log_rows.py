"""
What event logs of two runs of one script have in common: rows without what differs by nature.

Each row becomes what `ixproxy.testing.differences` takes for an event. Names of
events (dbid, epoch, number) and their times are dropped, of other times counts whether
they are there. Ids become the labels of their interactions; agent sessions and calls of
external servers are named by their first appearance, those of each agent, and of each
interaction, by themselves: what happens to two at the same moment on two nodes
has no order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import LogDatabase, open_database
from ixproxy.eventlog.log_tables import MERGED, TABLES, kind_of
from ixproxy.testing.normal_form import NormalForm

Row = dict[str, Any]

NAMES = frozenset({"dbid", "epoch", "event_number", "event_time", *MERGED})
"""Columns that differ from one run to another."""

TIMES = frozenset({"received_at", "submitted_at", "moved_to_queue_at"})

MARKED = frozenset({"esp_server", "esp_server_refid"})
"""Columns of which only counts whether they have a value: a type may be any server's."""

JSON = frozenset(
    {"media_list", "media_reasons", "changed_properties", "custom_event", "parameters", "user_data"}
)

_ORDER = {"log": ("epoch", "event_number"), "merged": ("merged_number",)}


def rows_at(address: str) -> list[Row]:
    """
    All events of a log of one node, or of a merged history, in the order in which they happened.

    :param address: as `ixctl eventlog merge` takes it.
    :raise StorageError: there are no such tables.
    """
    database = open_database(address)
    try:
        kind = kind_of(database)
        if kind not in _ORDER:
            raise StorageError(f"{database.name}: this is no event log")
        order = _ORDER[kind]
        rows = [row for table in TABLES for row in _rows(database, table)]
    finally:
        database.close()
    return sorted(rows, key=lambda row: tuple(row[name] for name in order))


def _rows(database: LogDatabase, table: str) -> Iterator[Row]:
    columns = list(database.columns(table))
    chosen = ", ".join(database.reading(table, column) for column in columns)
    for row in database.rows(f"SELECT {chosen} FROM {table}"):
        yield {"table": table, **dict(zip(columns, row, strict=True))}


class LoggedForm:
    """
    Brings the rows of one run into a form that compares with another's.

    :param labels: interaction id to label.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._normal = NormalForm(labels)
        self._sessions: dict[Any, list[Any]] = {}
        self._calls: dict[Any, list[Any]] = {}

    def of(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """All rows of a run, in their order."""
        for row in rows:
            # An interaction's party may be told of before its login: another node has it.
            if row["table"] == "rpt_agent" and row["agent_session_number"] is not None:
                self._session(row["agent_id"], row)
        return [self._event(row) for row in rows]

    def _event(self, row: Row) -> dict[str, Any]:
        columns = {name: self._value(name, row) for name in row if name not in NAMES}
        agent = row.get("agent_id") or row.get("party_agent")
        if "agent_session_number" in row:
            known = row["agent_session_number"] is not None
            columns["agent_session_number"] = self._session(agent, row) if known else None
            del columns["agent_session_dbid"]
        if row.get("esp_request_id"):
            columns["esp_request_id"] = self._call(row)
        reason = row["reason_system_name"], row["reason_description"], row["reason"]
        about = columns.pop("interaction_id", None)
        if row["table"] == "rpt_agent" and agent is None:
            # What a client says of an interaction there does not name that.
            about = f"what {row['reason_system_name']} {row['reason']} is about"
        told = {
            "InteractionId": about,
            "AgentId": agent,
            "Reason": dict(zip("ndr", reason, strict=True)) if any(reason) else None,
        }
        return {"": row["event"], **told, **columns}

    def _value(self, name: str, row: Row) -> Any:
        value = row[name]
        if name in TIMES or name in MARKED:
            return value is not None
        if not isinstance(value, str):
            return value
        return self._json(msgspec.json.decode(value)) if name in JSON else self._normal.text(value)

    def _json(self, value: Any) -> Any:
        return self._normal.map({"": value})[""]

    def _session(self, agent: Any, row: Row) -> str:
        name = row["agent_session_number"], row["agent_session_dbid"]
        return f"session {_place(self._sessions, agent, name)} of {agent}"

    def _call(self, row: Row) -> str:
        caller = row["interaction_id"], row["esp_client_refid"]
        return f"call {_place(self._calls, caller, row['esp_request_id'])}"


def _place(known: dict[Any, list[Any]], key: Any, name: Any) -> int:
    """Which one of those of `key` it is, by first appearance."""
    names = known.setdefault(key, [])
    if name not in names:
        names.append(name)
    return names.index(name) + 1
