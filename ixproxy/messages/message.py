"""What all messages have in common, and the structures nested in them."""

from __future__ import annotations

from typing import Any

import msgspec

KeyValues = dict[str, Any]
"""A key-value list: strings, numbers, bytes and nested lists by key."""


class Structure(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """A group of attributes inside a message; PascalCase on the wire."""


class Reason(Structure, frozen=True, kw_only=True):
    """Why something was asked or done."""

    reason_system_name: str = ""
    reason_description: str = ""
    reason: int = 0


class Workbin(Structure, frozen=True, kw_only=True):
    """A workbin type and the one owner whose workbin is meant."""

    workbin_type_id: str = ""
    workbin_agent_id: str = ""
    workbin_group_id: str = ""
    workbin_place_id: str = ""
    workbin_place_group_id: str = ""


class Actor(Structure, frozen=True, kw_only=True):
    """Who caused an event."""

    agent_id: str = ""
    place_id: str = ""
    router_id: str = ""
    strategy_id: str = ""
    media_server: str = ""


class Party(Structure, frozen=True, kw_only=True):
    """One party of an interaction; `party_type` 2 is an agent."""

    party_type: int = 2
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
    """

    event_time: float = 0.0
    event_number: int = 0
    dbid: int = 0
    actor: Actor | None = None
    reason: Reason | None = None
