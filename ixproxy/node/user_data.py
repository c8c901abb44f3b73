"""
What a submit or a change does to user data and to the properties among it.

Most keys of user data are the client's own. Some are properties: those with a
column are kept in both places (`ExternalId`, `Priority`, `ServiceObjective` and
custom ones), `ParentId` and `IsOnline` in their column only; all other system
properties are the node's and read-only. Names count as the protocol spells
them: a key `state` is a key like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import MAX_NAME, KeyValues
from ixproxy.node.answers import decoded, encode_map
from ixproxy.node.event_making import Changed
from ixproxy.node.literals import stored_value
from ixproxy.node.properties import Origin, Property, Settable
from ixproxy.node.rows import InteractionRow
from ixproxy.node.turn import Turn
from ixproxy.node.work import Sender
from ixproxy.values import ClientType

_COLUMN_ONLY = ("parent_id", "is_online")

MAX_QUEUES = 16 << 10
"""Bytes that each list of suggested queues may take."""

Columns = dict[str, Any]


def packed(turn: Turn, user_data: Mapping[str, Any]) -> bytes:
    """
    User data as its column holds it.

    :raise RequestRefused: it is larger than `max-userdata-size`.
    """
    made = encode_map(user_data)
    limit = turn.settings.max_userdata_size
    if len(made) > limit:
        raise RequestRefused(
            Code.USER_DATA_TOO_LARGE, f"user data takes {len(made)} bytes, {limit} are allowed"
        )
    return made


def suggested(name: str, queues: KeyValues) -> bytes:
    """
    A list of suggested queues as its column holds it.

    :param name: how the list is called on the wire.
    :raise RequestRefused: it is larger than `MAX_QUEUES`.
    """
    made = encode_map(queues) if queues else b""
    if len(made) > MAX_QUEUES:
        raise RequestRefused(
            Code.USER_DATA_TOO_LARGE, f"{name} takes {len(made)} bytes, {MAX_QUEUES} are allowed"
        )
    return made


def submitted(turn: Turn, sender: Sender, user_data: KeyValues) -> tuple[bytes, Columns]:
    """
    The user data of a new interaction, and the columns that its keys set.

    :raise RequestRefused: a key is a read-only property, a value does not fit
        one, or it is too large.
    """
    reserved = turn.model.reserved
    found = reserved.keys() & user_data.keys()
    if not found:
        return packed(turn, user_data), {}
    columns: Columns = {}
    custom: Columns = {}
    kept = user_data
    for key in sorted(found):
        known = reserved[key]
        if not _settable(known, sender):
            if not turn.settings.ignore_read_only_on_submit:
                raise _read_only(key)
        else:
            _set(columns, custom, known, key, user_data[key])
        if _apart(known, sender):
            if kept is user_data:
                kept = dict(user_data)
            del kept[key]
    return packed(turn, kept), columns


def edited(
    turn: Turn, sender: Sender, row: InteractionRow, wanted: Changed
) -> tuple[Columns, Changed]:
    """
    The columns that a change sets, and what of it is a change.

    :param wanted: properties added, changed and deleted; whether a key is
        there already makes no difference.
    :raise RequestRefused: as for a submit, or a key is named twice.
    """
    added, changed, deleted = wanted
    if not turn.settings.allow_duplicates_in_change:
        _check_named_once(wanted)
    columns: Columns = {}
    custom = dict(row.custom)
    edits: KeyValues = {}
    gone: set[str] = set()
    real: tuple[KeyValues, KeyValues, KeyValues] = ({}, {}, {})
    for part, kept in zip((added, changed), real[:2], strict=True):
        for key, value in part.items():
            if _edit(turn, sender, row, columns, custom, key, value):
                edits[key] = value
                gone.discard(key)
                kept[key] = value
    for key, value in deleted.items():
        if _edit(turn, sender, row, columns, custom, key, None):
            gone.add(key)
            edits.pop(key, None)
            real[2][key] = value
    if custom != row.custom:
        columns["custom"] = custom
    apart = {key for key, known in turn.model.reserved.items() if known.column in _COLUMN_ONLY}
    if (edits.keys() | gone) - apart:
        user_data = decoded(row.user_data)
        user_data.update((key, value) for key, value in edits.items() if key not in apart)
        for key in gone:
            user_data.pop(key, None)
        columns["user_data"] = packed(turn, user_data)
    return columns, real


def _edit(
    turn: Turn,
    sender: Sender,
    row: InteractionRow,
    columns: Columns,
    custom: Columns,
    key: str,
    value: object,
) -> bool:
    """Set or (value None) delete one key; False: it is left out, being read-only."""
    known = turn.model.reserved.get(key)
    if known is None:
        return True
    if not _settable(known, sender):
        if turn.settings.ignore_read_only_on_change:
            return False
        raise _read_only(key)
    _set(columns, custom, known, key, value)
    if known.column == "is_online":
        online = columns["is_online"]
        if online != row.is_online:
            columns["abandoned_at"] = None if online else turn.now
    return True


def _set(columns: Columns, custom: Columns, known: Property, key: str, value: object) -> None:
    if known.column == "is_online":
        if not isinstance(value, int) or value not in (0, 1):
            raise RequestRefused(Code.BAD_ATTRIBUTE, f"{key} is {value!r}, expected 0 or 1")
        columns["is_online"] = int(value)
    elif known.column == "parent_id":
        if value is not None and not isinstance(value, str):
            raise RequestRefused(Code.BAD_ATTRIBUTE, f"{key} is {value!r}, expected a string")
        if value and len(value) > MAX_NAME:
            raise RequestRefused(
                Code.BAD_ATTRIBUTE, f"{key} has {len(value)} characters, {MAX_NAME} are allowed"
            )
        columns["parent_id"] = value or None
    elif known.origin is Origin.CUSTOM:
        stored = stored_value(known.kind, value)
        if stored is None:
            custom.pop(known.column, None)
        else:
            custom[known.column] = stored
        columns["custom"] = custom
    else:
        stored = stored_value(known.kind, value)
        if isinstance(stored, float):
            # Priority and ServiceObjective are whole numbers of 64 bits.
            whole = stored.is_integer() and -(2.0**63) <= stored < 2.0**63
            stored = int(stored) if whole else None
        columns[known.column] = stored


def _settable(known: Property, sender: Sender) -> bool:
    if known.settable is Settable.BY_MEDIA_SERVERS:
        return sender.client_type == ClientType.MEDIA_SERVER
    return known.settable is Settable.BY_ANYONE


def _apart(known: Property, sender: Sender) -> bool:
    """Whether the key does not stay in the user data."""
    return known.column in _COLUMN_ONLY or not _settable(known, sender)


def _read_only(key: str) -> RequestRefused:
    return RequestRefused(Code.READ_ONLY_PROPERTY, f"{key} is read-only")


def _check_named_once(wanted: Changed) -> None:
    added, changed, deleted = wanted
    if not (added and (changed or deleted)) and not (changed and deleted):
        return
    twice = (added.keys() & changed) | (added.keys() & deleted) | (changed.keys() & deleted)
    if twice:
        raise RequestRefused(Code.DUPLICATE_KEY, f"{min(twice)!r} is named twice")
