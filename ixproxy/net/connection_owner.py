"""Who is told what happens on a connection, and decides what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ixproxy.errors import RemoteProtocolError
from ixproxy.wire.frames import Skipped

if TYPE_CHECKING:
    from ixproxy.net.connection import FrameConnection


class Owner(Protocol):
    """Who is told what happens on a connection."""

    def connection_made(self, connection: FrameConnection) -> None:
        """The socket is open."""

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> int | None:
        """
        Whole frames arrived, in order.

        :return: how many of them were enough for one turn, the others are to
            be given again; None: all are taken.
        """

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """The peer does not speak the protocol; nothing more can be read."""

    def output_exceeded(self, connection: FrameConnection) -> None:
        """The backlog rose over its limit: the peer does not read."""

    def output_drained(self, connection: FrameConnection) -> None:
        """The backlog that had exceeded its limit was handed on."""

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """The socket is gone; told once."""
