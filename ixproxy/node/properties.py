"""The known properties of an interaction: protocol name, column, kind, and who may set it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from ixproxy.errors import ConfigError, ConfigProblem


class Kind(Enum):
    """What a property holds; the values are the words of the deployment file."""

    NUMBER = "number"
    STRING = "string"
    TIMESTAMP = "timestamp"
    BLOB = "blob"


class Origin(Enum):
    """Which of the field's three kinds of property it is."""

    SYSTEM = "system"
    BUSINESS = "business"
    CUSTOM = "custom"


class Settable(Enum):
    """Which clients may change it by RequestChangeProperties."""

    BY_NOBODY = "nobody"
    BY_MEDIA_SERVERS = "media servers"
    BY_ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Property:
    """
    One property.

    :ivar name: its protocol name, as events and requests spell it.
    :ivar column: its column in the table `interactions`.
    :ivar aliases: further protocol names of the same property.
    """

    name: str
    column: str
    kind: Kind
    origin: Origin = Origin.SYSTEM
    settable: Settable = Settable.BY_NOBODY
    aliases: tuple[str, ...] = ()


_N, _S, _T, _B = Kind.NUMBER, Kind.STRING, Kind.TIMESTAMP, Kind.BLOB
_ANYONE, _MEDIA = Settable.BY_ANYONE, Settable.BY_MEDIA_SERVERS

SYSTEM_PROPERTIES: tuple[Property, ...] = (
    Property("InteractionId", "id", _S),
    Property("TenantId", "tenant_id", _N),
    Property("MediaType", "media_type", _S, aliases=("InteractionMediatype",)),
    Property("InteractionType", "type", _S),
    Property("InteractionSubtype", "subtype", _S),
    Property("InteractionState", "state", _N),
    Property("Queue", "queue", _S, aliases=("InteractionQueue",)),
    Property("PlaceInQueueSeq", "queue_seq", _N),
    Property("WorkbinTypeId", "workbin_type", _S),
    Property("WorkbinAgentId", "workbin_agent", _S),
    Property("WorkbinGroupId", "workbin_group", _S),
    Property("WorkbinPlaceId", "workbin_place", _S),
    Property("WorkbinPlaceGroupId", "workbin_place_group", _S),
    Property("IsLocked", "is_locked", _N),
    Property("IsOnline", "is_online", _N, settable=_MEDIA),
    Property("IsHeld", "is_held", _N),
    Property("ReceivedAt", "received_at", _T),
    Property("SubmittedAt", "submitted_at", _T),
    Property("SubmittedBy", "submitted_by", _S),
    Property("MovedToQueueAt", "moved_to_queue_at", _T),
    Property("PlacedInQueueAt", "placed_in_queue_at", _T),
    Property("DeliveredAt", "delivered_at", _T),
    Property("HeldAt", "held_at", _T),
    Property("CompletedAt", "completed_at", _T),
    Property("AbandonedAt", "abandoned_at", _T),
    Property("ParentId", "parent_id", _S, settable=_ANYONE),
    Property("ExternalId", "external_id", _S, settable=_ANYONE),
    Property("AssignedTo", "assigned_to", _S),
    Property("InQueues", "in_queues", _B),
    Property("OutQueues", "out_queues", _B),
    Property("Priority", "priority", _N, Origin.BUSINESS, _ANYONE),
    Property("ServiceObjective", "service_objective", _N, Origin.BUSINESS, _ANYONE),
)

READ_ONLY = frozenset(
    name
    for known in SYSTEM_PROPERTIES
    if known.settable is Settable.BY_NOBODY
    for name in (known.name, *known.aliases)
)
"""Names that no client may have among the user data of a submit or a change."""

CUSTOM_KINDS = (Kind.TIMESTAMP, Kind.STRING, Kind.NUMBER)

# PostgreSQL cuts a longer column name off, and then two may become one.
MAX_COLUMN_LENGTH = 63


def custom_column(name: str) -> str:
    """The column of the custom property `name`: c_ and the name in small letters."""
    return "c_" + re.sub(r"[^a-z0-9_]", "_", name.lower())


class Properties:
    """
    Every property that expressions and requests of one node may name.

    System and business properties are found by protocol name, alias or column
    whatever the case; custom ones by their name (the key in the user data),
    where case counts, or by their column.

    :param custom: the name of each custom property and its kind, as the
        deployment file has them: "timestamp", "string" or "number".
    :raise ConfigError: a name is empty, too long, taken, or of unknown kind;
        all mistakes in one report.
    """

    def __init__(self, custom: Mapping[str, str] | None = None) -> None:
        self._exact: dict[str, Property] = {}
        self._folded: dict[str, Property] = {}
        for known in SYSTEM_PROPERTIES:
            for name in (known.name, known.column, *known.aliases):
                self._folded[name.lower()] = known
        problems: list[ConfigProblem] = []
        for name, kind in (custom or {}).items():
            trouble = self._add(name, kind)
            if trouble:
                problems.append(ConfigProblem("custom-properties", name, trouble))
        if problems:
            raise ConfigError(problems)

    def _add(self, name: str, kind: str) -> str:
        """Add one custom property; returns what is wrong with it, or ""."""
        column = custom_column(name)
        if not name.strip() or not name.isprintable():
            return "a name of printable characters is expected"
        if len(column) > MAX_COLUMN_LENGTH:
            return f"the name is longer than {MAX_COLUMN_LENGTH - 2} characters"
        if kind not in {known.value for known in CUSTOM_KINDS}:
            return f'"timestamp", "string" or "number" is expected, not {kind!r}'
        if taken := self._folded.get(name.lower()):
            return f"the name belongs to the {taken.origin.value} property {taken.name}"
        if taken := self._folded.get(column):
            return f"the column {column} belongs to {taken.name} already"
        made = Property(name, column, Kind(kind), Origin.CUSTOM, Settable.BY_ANYONE)
        self._exact[name] = self._folded[column] = made
        return ""

    def __iter__(self) -> Iterator[Property]:
        yield from SYSTEM_PROPERTIES
        yield from self.custom

    @property
    def custom(self) -> tuple[Property, ...]:
        """The custom properties, in the order of the configuration."""
        return tuple(self._exact.values())

    def find(self, name: str) -> Property | None:
        """The property that `name` means, or None."""
        return self._exact.get(name) or self._folded.get(name.lower())

    def similar(self, name: str) -> str:
        """A known name that a person may have meant by `name`, or ""."""
        folded = {known.name.lower(): known.name for known in self}
        close = get_close_matches(name.lower(), [*folded, *self._folded], n=1)
        return folded.get(close[0], close[0]) if close else ""
