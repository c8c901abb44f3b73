"""What all messages have in common, and the structures nested in them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

KeyValues = dict[str, Any]
"""A key-value list: strings, numbers, bytes and nested lists by key."""

# Stores keep signed 64-bit integers and dates up to the year 9999: what does not fit is refused
# with its name where it is decoded, and nothing behind the codec need think of it. Names and texts
# end somewhere, too: an interaction with all its properties must fit any frame that its user data
# fits, or nobody could be told of it.
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number of 64 bits."""

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A number of things, or a number that a server gave something: 0 to 2**63 - 1."""

Time = Annotated[float, Meta(ge=0.0, le=253402300799.0)]
"""Seconds since the epoch, UTC, up to the end of the year 9999."""

MAX_NAME = 255
Name = Annotated[str, Meta(max_length=MAX_NAME)]
"""What something is called, in 255 characters at most."""

MAX_TEXT = 1000
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
"""Some words for a person, in 1000 characters at most."""

AgentSession = tuple[Count, Count]
"""The stamp of an agent session: its number, and the dbid of the node that gave it."""


class Structure(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """A group of attributes inside a message; PascalCase on the wire."""


class Reason(Structure, frozen=True, kw_only=True):
    """Why something was asked or done."""

    reason_system_name: Name = ""
    reason_description: Text = ""
    reason: Number = 0


class Workbin(Structure, frozen=True, kw_only=True):
    """A workbin type and the one owner whose workbin is meant."""

    workbin_type_id: Name = ""
    workbin_agent_id: Name = ""
    workbin_group_id: Name = ""
    workbin_place_id: Name = ""
    workbin_place_group_id: Name = ""


class Actor(Structure, frozen=True, kw_only=True):
    """Who caused an event."""

    agent_id: str = ""
    place_id: str = ""
    router_id: str = ""
    strategy_id: str = ""
    media_server: str = ""


class Party(Structure, frozen=True, kw_only=True):
    """One party of an interaction; `party_type` 2 is an agent."""

    party_type: Count = 2
    agent_id: str = ""
    place_id: str = ""
    strategy_id: str = ""
    name: str = ""
    visibility_mode: str = ""


class Message(Structure, frozen=True, kw_only=True):
    """
    The root of all messages.

    Which attributes travel in the prefix is said by the names table
    (`ixproxy.wire.names`); all others make the body.
    """

    extension: KeyValues = {}


class Request(Message, frozen=True, kw_only=True):
    """Something that a client asks."""

    reason: Reason | None = None


class Event(Message, frozen=True, kw_only=True):
    """
    Something that happened on a node.

    `event_number` is the durable number of the event on the node with
    database id `dbid`; together they name the event for ever. `event_time`
    is in seconds since the epoch, UTC.

    :ivar reporting_event_sequence_number: its place in a reporting stream: each
        stream counts its own events from 1; 0: not of a stream.
    :ivar previous_sequence_number: in a filtered stream, the number of the
        event before it there: between the two none was missed.
    """

    event_time: Time = 0.0
    event_number: Count = 0
    dbid: Count = 0
    reporting_event_sequence_number: Count = 0
    previous_sequence_number: Count = 0
    actor: Actor | None = None
    reason: Reason | None = None
