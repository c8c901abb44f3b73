"""
The initial state of a reporting stream, read on a reader connection.

Theory of operation: everything is of one moment of the database, which has a
number: that of the last event in it. States are read and encoded some agents
at a time, in the reader's thread, and only when the server asks for more: what
many agents have in hand is never in memory together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ixproxy.interfaces import IStoreReader
from ixproxy.messages import EventPlaceAgentState
from ixproxy.messages.message import KeyValues, Reason
from ixproxy.node.answers import interaction_properties, party_shown
from ixproxy.node.rows import AgentRow, InteractionRow, PartyRow
from ixproxy.values import PartyType
from ixproxy.wire.codec import encode
from ixproxy.wire.shortening import SHORTENED
from ixproxy.wire.streams import StreamKey

AGENTS = 64
"""Agents whose parties are read together."""
INTERACTIONS = 16
"""Interactions that are read together: with the largest user data they take a few MiB."""
PART_BYTES = 256 << 10
"""What one part of the states has at least, but for the last."""


class Head(NamedTuple):
    """
    What is known before the states.

    :ivar as_of: number of the last event that they include.
    :ivar agents: how many states follow.
    """

    as_of: int
    agents: int


class StatesWanted(NamedTuple):
    """
    :ivar now: the time that states carry, in seconds since the epoch.
    :ivar dbid: of the node.
    :ivar client: whose states they are: its number on its connection.
    :ivar max_frame: the longest frame that its peer takes.
    """

    key: StreamKey
    now: float
    dbid: int
    client: int
    max_frame: int


def states_of(reader: IStoreReader, wanted: StatesWanted) -> Iterator[Head | list[bytes]]:
    """
    Read the states: their head first, then frames, a part at a time.

    :raise StorageError: the database could not be read, or was interrupted.
    """
    as_of = reader.begin()
    try:
        shown = [
            (row, state)
            for row in _agents(reader, wanted.key)
            if wanted.key.accepts(state := _state(row, wanted, as_of))
        ]
        yield Head(as_of, len(shown))
        part: list[bytes] = []
        size = 0
        for at in range(0, len(shown), AGENTS):
            some = shown[at : at + AGENTS]
            parties = _parties(reader, [row for row, _ in some])
            for row, state in some:
                mine = parties.get((row.tenant_id, row.agent_id), ())
                frame = _whole(reader, state, mine, wanted)
                part.append(frame)
                size += len(frame)
                if size >= PART_BYTES:
                    yield part
                    part, size = [], 0
        if part:
            yield part
    finally:
        reader.end()


def _agents(reader: IStoreReader, key: StreamKey) -> list[AgentRow]:
    rows: list[AgentRow] = reader.fetch_by("agents", "tenant_id", sorted(key.tenants))
    return [row for row in rows if row.confirmed]


def _state(row: AgentRow, wanted: StatesWanted, as_of: int) -> EventPlaceAgentState:
    reasons = {media: msgspec.convert(each, Reason) for media, each in row.reasons.items()}
    of_agent = reasons.pop("", None)
    return EventPlaceAgentState(
        event_time=wanted.now,
        event_number=as_of,
        dbid=wanted.dbid,
        tenant_id=row.tenant_id,
        agent_id=row.agent_id,
        place_id=row.place_id,
        agent_session=(row.number, row.dbid),
        media_list=row.media,
        donot_disturb=row.donot_disturb,
        media_reasons=reasons,
        state_reason=of_agent,
        logged_in_at=row.logged_in_at,
    )


def _parties(
    reader: IStoreReader, agents: Sequence[AgentRow]
) -> dict[tuple[int, str], list[PartyRow]]:
    """What agents have in hand through their client sessions, each interaction once."""
    sessions = dict.fromkeys(session for row in agents for session in row.sessions)
    wanted = {(row.tenant_id, row.agent_id) for row in agents}
    found: dict[tuple[int, str], list[PartyRow]] = {}
    for party in reader.fetch_by("parties", "session", sessions):
        name = party.tenant_id, party.agent_id
        if party.party_type == PartyType.AGENT and name in wanted:
            found.setdefault(name, []).append(party)
    return found


def _whole(
    reader: IStoreReader,
    state: EventPlaceAgentState,
    parties: Sequence[PartyRow],
    wanted: StatesWanted,
) -> bytes:
    """The state with all that the agent has in hand, or as much of it as a frame takes."""
    interactions: dict[str, KeyValues] = {}
    shown = {}
    room, shortened = wanted.max_frame, False
    for row, party in _in_hand(reader, parties):
        properties = interaction_properties(row, party)
        room -= len(row.user_data)
        if room < 0:
            # Of one the user data is left out of all, so that none passes for having none.
            shortened = True
            del properties["UserData"]
            for other in interactions.values():
                other.pop("UserData", None)
        interactions[row.id] = properties
        shown[row.id] = party_shown(party)
    whole = replace(state, interactions=interactions, parties=shown)
    if not shortened:
        raw = encode(whole, client=wanted.client)
        if len(raw) - 4 <= wanted.max_frame:
            return raw
        for properties in interactions.values():
            del properties["UserData"]
    return _short(whole, wanted)


def _in_hand(
    reader: IStoreReader, parties: Sequence[PartyRow]
) -> Iterator[tuple[InteractionRow, PartyRow]]:
    by_id = {party.interaction_id: party for party in parties}
    ids = iter(by_id)
    while some := list(islice(ids, INTERACTIONS)):
        for row in reader.fetch_by("interactions", "id", some):
            yield row, by_id[row.id]


def _short(state: EventPlaceAgentState, wanted: StatesWanted) -> bytes:
    """A state without user data; where it is still too long, with fewer and fewer details."""
    less = replace(state, extension={SHORTENED: 1})
    for shorter in (
        less,
        replace(less, interactions={id: {} for id in less.interactions}),
        replace(less, interactions={}, parties={}),
    ):
        raw = encode(shorter, client=wanted.client)
        if len(raw) - 4 <= wanted.max_frame:
            break
    return raw
