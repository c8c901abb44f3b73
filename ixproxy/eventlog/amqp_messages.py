"""
What an event log puts into a queue: an entry as a message of AMQP 1.0.

All that a reader needs is in the body, which is JSON, for not every protocol shows the
properties of another. What one selects by is in the properties, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from proton import Message

from ixproxy import messages as m
from ixproxy.eventlog.amqp_settings import AmqpLogSettings
from ixproxy.eventlog.custom_fields import converted
from ixproxy.eventlog.json_text import plain
from ixproxy.messages.message import Event, KeyValues
from ixproxy.messages.reporting import InteractionEvent, ServiceEvent
from ixproxy.node.log_work import Dropped, Entry
from ixproxy.wire.names import BY_MESSAGE

DROPPED = "EventsDropped"
"""The name of an entry that says what was dropped."""

CONTENT_TYPE = "application/json"

LONGEST_PROPERTY = 1000
"""Characters of a property; a longer text is in the body alone."""

_USER_DATA = ("user_data", "added_properties", "changed_properties", "deleted_properties")
"""Attributes that are what clients attach, and nothing else."""

_encode = msgspec.json.Encoder().encode


class Written(NamedTuple):
    """A message: its id, and all of it in bytes."""

    name: str
    encoded: bytes


def message_name(entry: Entry) -> str:
    """The id of an entry's message, the same whenever it is given."""
    return f"{entry.dbid}-{entry.epoch}-{entry.number}"


class MessageWriter:
    """
    Writes messages as the settings of a log want them.

    :param node: the name of the node.
    """

    def __init__(self, settings: AmqpLogSettings, node: str) -> None:
        self._settings = settings
        self._node = node

    def write(self, entry: Entry) -> Written:
        """An entry as a message. Whatever is in an event, this does not fail."""
        what = entry.what
        attributes: Any
        found: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        if isinstance(what, Dropped):
            event, table, at = DROPPED, "dropped", what.first_time
            attributes = _dropped(what)
        else:
            event, table, at = type(what).__name__, self._table(what), what.event_time
            attributes = what if self._settings.user_data else without_user_data(what)
            found, fields = _found(what), self._fields(what)
        name = message_name(entry)
        named = {
            "event": event,
            "dbid": entry.dbid,
            "epoch": entry.epoch,
            "number": entry.number,
            "node": self._node,
            "table": table,
        }
        body = {**named, "time": at, "at": iso(at), "fields": fields, "attributes": attributes}
        message = Message(
            body=encoded(body),
            inferred=True,
            durable=True,
            id=name,
            subject=event,
            content_type=CONTENT_TYPE,
            creation_time=at,
            properties=plain(selectable({**named, **found, **fields})),
        )
        return Written(name, bytes(message.encode()))

    def _table(self, event: Event) -> str:
        """Which of the tables of an event log it would stand in."""
        if isinstance(event, m.EventCustomReporting):
            return self._settings.custom_events.get(event.custom_event_id, "custom")
        if isinstance(event, ServiceEvent):
            return "esp"
        return "interaction" if isinstance(event, InteractionEvent) else "agent"

    def _fields(self, event: Any) -> dict[str, Any]:
        user_data = getattr(event, "interaction", {}).get("UserData")
        if not self._settings.user_data or not isinstance(user_data, Mapping):
            return {}
        values = {
            field.column: converted(field.type, user_data.get(field.key))
            for field in self._settings.custom_fields
        }
        return {column: value for column, value in values.items() if value is not None}


def _found(event: Any) -> dict[str, Any]:
    """What of an event readers select by, without what it does not have."""
    row = BY_MESSAGE.get(type(event))
    party = getattr(event, "party", None)
    found = {
        "tenant": getattr(event, "tenant_id", 0),
        "media_type": getattr(event, row.media, "") if row and row.media else "",
        "interaction_id": getattr(event, "interaction_id", ""),
        "agent_id": getattr(event, "agent_id", "") or getattr(party, "agent_id", ""),
    }
    return {name: value for name, value in found.items() if value}


def selectable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some values that can be properties: short texts, and numbers of 64 bits."""
    return {name: value for name, value in values.items() if _is_selectable(value)}


def _is_selectable(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_PROPERTY
    return isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def without_user_data(event: Event) -> Event:
    """An event without what clients attach to its interaction."""
    less: dict[str, Any] = {name: {} for name in _USER_DATA if getattr(event, name, None)}
    interaction: KeyValues = getattr(event, "interaction", {})
    if "UserData" in interaction:
        less["interaction"] = {
            name: value for name, value in interaction.items() if name != "UserData"
        }
    return msgspec.structs.replace(event, **less) if less else event


def encoded(body: Mapping[str, Any]) -> bytes:
    """
    A body in JSON, of UTF-8: bytes as base64, numbers that JSON does not have as null.

    What is no Unicode has replacement signs.
    """
    try:
        return bytes(_encode(body))
    except Exception:
        # What came over the wire can be written, unless a text is none or lists lie too deep.
        cut = {name: _cut(value) for name, value in body.items()}
        return bytes(_encode(plain(msgspec.to_builtins(cut, builtin_types=(bytes,)))))


def _cut(value: Any) -> Any:
    """An event without what lies deeper in it than can be looked at; all else as it is."""
    if not isinstance(value, Event):
        return value
    attributes = {name: getattr(value, name) for name in value.__struct_fields__}
    less = {name: plain(each) for name, each in attributes.items() if isinstance(each, dict)}
    return msgspec.structs.replace(value, **less)


def iso(seconds: float) -> str:
    """A time in seconds since the epoch as ISO 8601 writes it, in UTC."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dropped(what: Dropped) -> dict[str, Any]:
    return {
        "First": what.first,
        "Last": what.last,
        "FirstTime": what.first_time,
        "LastTime": what.last_time,
        "Events": what.events,
    }
