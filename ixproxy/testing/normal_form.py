"""
What two runs of one script have in common: messages without what differs by nature.

Generated ids become the labels of their interactions, agent sessions are
named by their first appearance, tickets by theirs of their interaction; times,
event numbers, take numbers and places in a queue are dropped or only marked as
being there, and lists of interactions have no order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ixproxy.messages.message import Message

DROPPED = frozenset(
    {
        "EventTime",
        "EventNumber",
        "Dbid",
        "PlaceInQueueSeq",
        "NextSortKey",
        "ReportingEventSequenceNumber",
        "PreviousSequenceNumber",
    }
)
MARKED = frozenset({"TakeNumber", "SnapshotId", "EspServer", "EspServerRefid", "EspRequestId"})
"""Attributes of which only counts whether they have a value."""

MARKED_EACH = frozenset({"TakeNumbers", "SortKeys"})
"""Maps of which only counts which ids they have."""

_TIMES = "At"


class NormalForm:
    """
    Brings the messages of one run into a form that compares with another's.

    :param labels: interaction id to label, as far as known; it is read at
        each use, so it may grow.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels
        self._sessions: dict[tuple[int, ...], str] = {}
        self._tickets: dict[str, list[int]] = {}

    def of(self, message: Message) -> dict[str, Any]:
        """The message as plain values, under its name."""
        plain = msgspec.to_builtins(message, builtin_types=(bytes,))
        return {"": type(message).__name__, **self.map(plain)}

    def text(self, text: str) -> str:
        """A text with labels for the ids in it."""
        if text in self._labels:
            return self._labels[text]
        for identifier, label in self._labels.items():
            if identifier in text:
                text = text.replace(identifier, label)
        return text

    def map(self, values: Mapping[Any, Any]) -> dict[str, Any]:
        """The same of a key-value list, or of the attributes of a message."""
        normal: dict[str, Any] = {}
        for key, value in values.items():
            if key in DROPPED:
                continue
            name = self.text(key) if isinstance(key, str) else str(key)
            if key in MARKED or (isinstance(value, float) and name.endswith(_TIMES)):
                normal[name] = bool(value)
            elif key in MARKED_EACH:
                normal[name] = {self.text(identifier): True for identifier in value}
            elif key == "AgentSession":
                normal[name] = self._session(tuple(value))
            elif key == "TicketId":
                normal[name] = self._ticket(str(values.get("InteractionId")), value)
            elif key == "Agents":
                normal[name] = sorted(value)
            else:
                normal[name] = self._value(value)
        return normal

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self.map(value)
        if isinstance(value, list | tuple):
            return [self._value(each) for each in value]
        return value

    def _session(self, stamp: tuple[int, ...]) -> str:
        return self._sessions.setdefault(stamp, f"session {len(self._sessions) + 1}")

    def _ticket(self, identifier: str, ticket: int) -> str:
        """Numbers of events are unique on each node only, so tickets are named for each id."""
        known = self._tickets.setdefault(identifier, [])
        if ticket not in known:
            known.append(ticket)
        return f"ticket {known.index(ticket) + 1}"
