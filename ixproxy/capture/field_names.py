"""
The properties of the field by the names that documents use: what each holds, and their order.

Documents are case-sensitive, so a name is looked up as it stands; what is not
found here is user data.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from ixproxy.node.literals import parse_timestamp
from ixproxy.node.properties import SYSTEM_PROPERTIES, Kind


class Holds(Enum):
    """What a property of the field holds."""

    TEXT = "a text"
    NUMBER = "a whole number of 64 bits"
    FLAG = "0 or 1"
    TIME = "a time such as 2026-01-02 03:04:05"
    LIST = "a list"


_BY_KIND = {
    Kind.STRING: Holds.TEXT,
    Kind.NUMBER: Holds.NUMBER,
    Kind.TIMESTAMP: Holds.TIME,
    Kind.BLOB: Holds.LIST,
}

HOLD = "Hold"
"""The property of a submit that says that it comes on hold."""

FIELD: dict[str, Holds] = {
    name: _BY_KIND[known.kind]
    for known in SYSTEM_PROPERTIES
    for name in (known.name, *known.aliases)
} | {
    # Not of an interaction's row by these names, but of the field's documents.
    "Workbin": Holds.TEXT,
    "WorkbinAgentGroupId": Holds.TEXT,
    "AssignedAt": Holds.TIME,
    "ServiceType": Holds.TEXT,
    "IsOnline": Holds.FLAG,
    "IsHeld": Holds.FLAG,
    "IsLocked": Holds.FLAG,
    HOLD: Holds.FLAG,
}
"""Each known name, and what it holds."""

_ORDER = (
    "InteractionId", "ParentId", "ExternalId", "TenantId", "MediaType", "InteractionType",
    "InteractionSubtype", "IsOnline", "IsHeld", "Queue", "Workbin", "WorkbinTypeId",
    "WorkbinAgentId", "WorkbinAgentGroupId", "WorkbinGroupId", "WorkbinPlaceId",
    "WorkbinPlaceGroupId", "SubmittedBy", "InQueues", "OutQueues", "ReceivedAt", "SubmittedAt",
    "DeliveredAt", "PlacedInQueueAt", "MovedToQueueAt", "AssignedTo", "AssignedAt", "Priority",
    "ServiceType", "ServiceObjective",
)  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(_ORDER)}
_KNOWN_LATER = len(_ORDER)
_USER_DATA = _KNOWN_LATER + 1

V = TypeVar("V")


def in_order(properties: Iterable[tuple[str, V]]) -> list[tuple[str, V]]:
    """Known properties as the field lists them, then other known ones, then user data."""
    return sorted(
        properties,
        key=lambda pair: _RANK.get(pair[0], _KNOWN_LATER if pair[0] in FIELD else _USER_DATA),
    )


_LAST = 253402300799.0
"""The last second of the year 9999."""


def time_text(seconds: float) -> str:
    """
    A moment as documents write it: `YYYY-MM-DD HH:MM:SS`, UTC, what is less than a second cut off.

    What lies outside of the years 1970 to 9999 becomes the nearest moment inside.
    """
    inside = min(max(seconds, 0.0), _LAST) if seconds == seconds else 0.0
    return datetime.fromtimestamp(int(inside), UTC).strftime("%Y-%m-%d %H:%M:%S")


def time_read(text: str) -> str | None:
    """
    A moment in the form of `time_text`, or None: it is none, or before 1970.

    ISO 8601 is read too; where no offset stands it is UTC.
    """
    seconds = parse_timestamp(text)
    return None if seconds is None or not 0 <= seconds <= _LAST else time_text(seconds)
