"""
An interaction as capture points see it: flat, and of texts, whole numbers and lists only.

System properties stand beside the user data, by the field's names; where both
have a name, the system property is shown. Times are texts in UTC. What has no
place in XML, SOAP and SQL is written as text, and bytes are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any

from ixproxy.messages.message import KeyValues
from ixproxy.node.answers import decoded
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.values import PartyType


def time_text(seconds: float) -> str:
    """`2026-11-22 09:30:00`, UTC, its fraction cut off; what is no time stays a number."""
    try:
        return _second(seconds // 1)
    except (OverflowError, OSError, ValueError):
        return str(seconds)


@lru_cache(maxsize=1024)
def _second(seconds: float) -> str:
    """Most times of a batch are of one second."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def plain(values: Mapping[str, Any]) -> KeyValues:
    """A key-value list with texts, whole numbers and such lists only."""
    return {
        key: value if type(value) is str else _plain(value)
        for key, value in values.items()
        if type(value) is not bytes
    }


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | str):
        return value
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list):
        return plain({str(at): each for at, each in enumerate(value)})
    if isinstance(value, float) and isfinite(value) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return "" if value is None else str(value)


_SHOWN: tuple[tuple[str, str, Callable[[Any], Any] | None], ...] = (
    ("InteractionId", "id", None),
    ("ParentId", "parent_id", None),
    ("ExternalId", "external_id", None),
    ("TenantId", "tenant_id", None),
    ("MediaType", "media_type", None),
    ("InteractionType", "type", None),
    ("InteractionSubtype", "subtype", None),
    ("InteractionState", "state", int),
    ("IsOnline", "is_online", int),
    ("IsHeld", "is_held", int),
    ("IsLocked", "is_locked", int),
    ("Queue", "queue", None),
    ("Workbin", "workbin_type", None),
    ("WorkbinAgentId", "workbin_agent", None),
    ("WorkbinAgentGroupId", "workbin_group", None),
    ("WorkbinPlaceId", "workbin_place", None),
    ("WorkbinPlaceGroupId", "workbin_place_group", None),
    ("SubmittedBy", "submitted_by", None),
    ("ReceivedAt", "received_at", time_text),
    ("SubmittedAt", "submitted_at", time_text),
    ("DeliveredAt", "delivered_at", time_text),
    ("PlacedInQueueAt", "placed_in_queue_at", time_text),
    ("MovedToQueueAt", "moved_to_queue_at", time_text),
    ("HeldAt", "held_at", time_text),
    ("CompletedAt", "completed_at", time_text),
    ("AbandonedAt", "abandoned_at", time_text),
    ("AssignedTo", "assigned_to", None),
    ("Priority", "priority", None),
    ("ServiceObjective", "service_objective", None),
)

NAMES = frozenset(name for name, _, _ in _SHOWN) | {"InQueues", "OutQueues", "AssignedAt"}
"""The names of system properties that may be shown."""


def properties_shown(row: InteractionRow, party: PartyRow | None = None) -> KeyValues:
    """
    All that an interaction has.

    :param party: who has it, if anybody has.
    """
    shown = plain(decoded(row.user_data))
    for name, column, written in _SHOWN:
        value = getattr(row, column)
        if value is not None and value != "":
            shown[name] = value if written is None else written(value)
    if row.in_queues:
        shown["InQueues"] = plain(decoded(row.in_queues))
    if row.out_queues:
        shown["OutQueues"] = plain(decoded(row.out_queues))
    if party is not None and party.party_type == PartyType.AGENT:
        shown["AssignedAt"] = time_text(party.joined_at)
    return shown
