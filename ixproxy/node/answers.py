"""
Rows as clients see them.

An interaction's properties go by their protocol names (`SYSTEM_PROPERTIES`),
those without a value left out; its user data is the key-value list
`UserData`. Who has it shows as `AgentId` and `PlaceId`, or `StrategyId`.
"""

from __future__ import annotations

from operator import attrgetter

import msgspec

from ixproxy.messages.message import KeyValues, Party, Workbin
from ixproxy.node.properties import SYSTEM_PROPERTIES, Kind
from ixproxy.node.rows import InteractionRow, InvitationRow, PartyRow
from ixproxy.values import PartyType

_decode_map = msgspec.msgpack.Decoder(dict).decode
encode_map = msgspec.msgpack.Encoder().encode

ALWAYS_SHOWN = frozenset(
    {"id", "tenant_id", "media_type", "state", "queue", "is_locked", "is_online", "is_held"}
)
"""Columns whose properties are shown without a value, too."""
SHOWN = tuple(
    (known.name, known.column) for known in SYSTEM_PROPERTIES if known.kind is not Kind.BLOB
)
"""Names and columns of the properties that are shown as they are stored."""
_NAMES = tuple((name, column in ALWAYS_SHOWN) for name, column in SHOWN)
_values = attrgetter(*(column for _, column in SHOWN))


def decoded(packed: bytes) -> KeyValues:
    """The key-value list that a column holds."""
    return dict(_decode_map(packed)) if packed and packed != b"\x80" else {}


def interaction_properties(row: InteractionRow, party: PartyRow | None = None) -> KeyValues:
    """
    All properties of an interaction.

    :param party: who has it, if anybody has.
    """
    shown: KeyValues = {
        name: value
        for (name, always), value in zip(_NAMES, _values(row), strict=True)
        if always or (value is not None and value != "")
    }
    shown["InteractionState"] = int(row.state)
    if row.in_queues:
        shown["InQueues"] = decoded(row.in_queues)
    if row.out_queues:
        shown["OutQueues"] = decoded(row.out_queues)
    if party is not None:
        if party.party_type == PartyType.AGENT:
            shown["AgentId"] = party.agent_id
            shown["PlaceId"] = party.place_id
        else:
            shown["StrategyId"] = party.strategy_id
    shown["UserData"] = decoded(row.user_data)
    return shown


def party_shown(row: PartyRow) -> Party:
    """A party as events name it."""
    return Party(
        party_type=row.party_type,
        agent_id=row.agent_id,
        place_id=row.place_id,
        strategy_id=row.strategy_id,
        visibility_mode=row.visibility_mode,
    )


def invited_shown(row: InvitationRow) -> Party:
    """An invited agent as events name it."""
    return Party(
        party_type=PartyType.AGENT,
        agent_id=row.agent_id,
        place_id=row.place_id,
        visibility_mode=row.visibility_mode,
    )


def workbin_shown(row: InteractionRow) -> Workbin | None:
    """The workbin that an interaction lies in, or goes back to."""
    if row.workbin_type is None:
        return None
    return Workbin(
        workbin_type_id=row.workbin_type,
        workbin_agent_id=row.workbin_agent or "",
        workbin_group_id=row.workbin_group or "",
        workbin_place_id=row.workbin_place or "",
        workbin_place_group_id=row.workbin_place_group or "",
    )
