"""
An interaction as capture points see it: flat, and of texts, whole numbers and lists only.

System properties stand beside the user data, by the field's names; where both
have a name, the system property is shown. Times are texts in UTC. What has no
place in XML, SOAP and SQL is written as text, and bytes are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from ixproxy.messages.message import KeyValues
from ixproxy.node.answers import decoded
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.values import PartyType


def time_text(seconds: float) -> str:
    """`2026-11-22 09:30:00`, UTC, its fraction cut off; what is no time stays a number."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return str(seconds)
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def plain(values: Mapping[str, Any]) -> KeyValues:
    """A key-value list with texts, whole numbers and such lists only."""
    return {key: _plain(value) for key, value in values.items() if not isinstance(value, bytes)}


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


def _as_it_is(value: Any) -> Any:
    return value


_SHOWN: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("InteractionId", "id", str),
    ("ParentId", "parent_id", _as_it_is),
    ("ExternalId", "external_id", _as_it_is),
    ("TenantId", "tenant_id", _as_it_is),
    ("MediaType", "media_type", _as_it_is),
    ("InteractionType", "type", _as_it_is),
    ("InteractionSubtype", "subtype", _as_it_is),
    ("InteractionState", "state", int),
    ("IsOnline", "is_online", int),
    ("IsHeld", "is_held", int),
    ("IsLocked", "is_locked", int),
    ("Queue", "queue", _as_it_is),
    ("Workbin", "workbin_type", _as_it_is),
    ("WorkbinAgentId", "workbin_agent", _as_it_is),
    ("WorkbinAgentGroupId", "workbin_group", _as_it_is),
    ("WorkbinPlaceId", "workbin_place", _as_it_is),
    ("WorkbinPlaceGroupId", "workbin_place_group", _as_it_is),
    ("SubmittedBy", "submitted_by", _as_it_is),
    ("ReceivedAt", "received_at", time_text),
    ("SubmittedAt", "submitted_at", time_text),
    ("DeliveredAt", "delivered_at", time_text),
    ("PlacedInQueueAt", "placed_in_queue_at", time_text),
    ("MovedToQueueAt", "moved_to_queue_at", time_text),
    ("HeldAt", "held_at", time_text),
    ("CompletedAt", "completed_at", time_text),
    ("AbandonedAt", "abandoned_at", time_text),
    ("AssignedTo", "assigned_to", _as_it_is),
    ("Priority", "priority", _as_it_is),
    ("ServiceObjective", "service_objective", _as_it_is),
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
            shown[name] = written(value)
    if row.in_queues:
        shown["InQueues"] = plain(decoded(row.in_queues))
    if row.out_queues:
        shown["OutQueues"] = plain(decoded(row.out_queues))
    if party is not None and party.party_type == PartyType.AGENT:
        shown["AssignedAt"] = time_text(party.joined_at)
    return shown
