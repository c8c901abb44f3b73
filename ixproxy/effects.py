"""What a mind asks of the world, besides the frames that it puts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ixproxy.messages import Credentials, EventServerStatus
from ixproxy.values import NodeName


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """Close a client-side connection, after what was sent to it."""

    peer: int
    reason: str


@dataclass(frozen=True, slots=True)
class ResetLink:
    """Break the link to a node: what it says makes no sense, or it refuses us."""

    node: NodeName
    reason: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """Find out who a peer is by user and password; `login_answered` follows."""

    peer: int
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Note:
    """
    Log something that an operator must know.

    :ivar level: `debug`, `info`, `warn` or `error`.
    :ivar format: a format with named fields, as Twisted's logger takes it.
    """

    level: str
    format: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CompleteStatus:
    """
    Add what only the world knows to a status, and hand it back to the mind,
    which answers `reference` of a client of a peer with it.
    """

    peer: int
    client: int
    reference: int
    status: EventServerStatus


Effect = ClosePeer | ResetLink | LogIn | Note | CompleteStatus
