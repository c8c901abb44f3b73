"""
Properties of interactions for events that are only encoded, as those for event logs are.

Several times faster than `ixproxy.node.answers`, with the same outcome: nothing that is stored
encoded is decoded, and only what somebody needs is looked at. Most logs keep a third of
the properties, and what they do not need would be written, read and deleted with each event.
One thing differs: a text that somebody has set to nothing is there, where it might be NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import fields

from ixproxy.node.answers import ALWAYS_SHOWN, SHOWN
from ixproxy.node.properties import SYSTEM_PROPERTIES
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.values import PartyType

Needed = frozenset[str] | None
"""Names of properties; None: all that there are."""

_OF_PARTIES = ("AgentId", "PlaceId", "StrategyId")
_ENCODED = ("InQueues", "OutQueues", "UserData")
PROPERTIES = frozenset((*(known.name for known in SYSTEM_PROPERTIES), *_OF_PARTIES, "UserData"))
"""All names that events may have."""

_EMPTY: dict[str, object] = {each.name: each.default for each in fields(InteractionRow)}


class Packer:
    """
    Packs some properties.

    :param needed: which; it may name others than `PROPERTIES`, which no interaction has.
    """

    __slots__ = ("_in_queues", "_out_queues", "_party", "_shown", "_user_data", "_values")

    def __init__(self, needed: Needed) -> None:
        wanted = PROPERTIES if needed is None else needed
        ordered = sorted(
            ((column in ALWAYS_SHOWN, name, column) for name, column in SHOWN if name in wanted),
            key=lambda each: not each[0],
        )
        self._values = _getter([column for _, _, column in ordered])
        self._shown: Any = msgspec.defstruct(
            "Shown",
            [
                (column, Any) if always else (column, Any, "" if _EMPTY[column] == "" else None)
                for always, _, column in ordered
            ]
            + [(name, Any, None) for name in (*_OF_PARTIES, *_ENCODED) if name in wanted],
            rename={column: name for _, name, column in ordered},
            omit_defaults=True,
        )
        self._in_queues = "InQueues" in wanted
        self._out_queues = "OutQueues" in wanted
        self._user_data = "UserData" in wanted
        self._party = tuple(name in wanted for name in _OF_PARTIES)

    def pack(self, row: InteractionRow, party: PartyRow | None) -> Any:
        """
        What is encoded as a map of them, as it is now.

        :param party: who has the interaction, if anybody has.
        """
        shown = self._shown(*self._values(row))
        if self._in_queues and row.in_queues:
            shown.InQueues = msgspec.Raw(row.in_queues)
        if self._out_queues and row.out_queues:
            shown.OutQueues = msgspec.Raw(row.out_queues)
        if party is not None:
            self._show(shown, party)
        if self._user_data:
            shown.UserData = msgspec.Raw(row.user_data or b"\x80")
        return shown

    def _show(self, shown: Any, party: PartyRow) -> None:
        agent, place, strategy = self._party
        if party.party_type != PartyType.AGENT:
            if strategy:
                shown.StrategyId = party.strategy_id
            return
        if agent:
            shown.AgentId = party.agent_id
        if place:
            shown.PlaceId = party.place_id


@cache
def packer(needed: Needed) -> Packer:
    """The one for some properties; there are as many as sets that logs together need."""
    return Packer(needed)


def all_of(some: Collection[Needed]) -> Needed:
    """What several need together."""
    found: frozenset[str] = frozenset()
    for needed in some:
        if needed is None:
            return None
        found |= needed
    return found


def _getter(columns: Sequence[str]) -> Callable[[InteractionRow], Sequence[Any]]:
    if len(columns) > 1:
        return attrgetter(*columns)
    # That of one attribute is its value, and that of none there is not.
    return lambda row: [getattr(row, column) for column in columns]
