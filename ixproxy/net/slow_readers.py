"""
Peers that do not read what they asked for.

Theory of operation: one whose output is above its limit is left unread, so
that it asks for no more. One that is still above after a while is closed:
what it has not read is dropped for a last frame that says why, and if it does
not take even that, it is cut off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from twisted.logger import Logger

from ixproxy.errors import Code
from ixproxy.net.connection import FrameConnection
from ixproxy.wire.codec import error_frame

log = Logger()

LAST_WORDS = 5.0
"""Seconds for the last frame to be taken."""
WHY = "it does not read what it asked for"


class SlowReaders:
    """
    :param counters: counts those that were closed.
    """

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._since: dict[FrameConnection, float] = {}
        self._ended: dict[FrameConnection, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def __iter__(self) -> Iterator[FrameConnection]:
        return iter(self._since)

    def exceeded(self, connection: FrameConnection, now: float) -> None:
        """Its output is above the limit: read no more of it."""
        self._since[connection] = now
        connection.pause_reading(WHY)

    def drained(self, connection: FrameConnection) -> None:
        """It reads again, so it is read again."""
        self._since.pop(connection, None)
        connection.resume_reading(WHY)

    def forget(self, connection: FrameConnection) -> None:
        """It is gone."""
        self._since.pop(connection, None)
        self._ended.pop(connection, None)

    def end(self, connection: FrameConnection, now: float) -> None:
        """Close it, and say why."""
        self._since.pop(connection, None)
        self._ended[connection] = now
        self._counters["slow readers closed"] += 1
        log.warn("A peer does not read: {backlog} bytes wait; closed", backlog=connection.backlog)
        last = error_frame(Code.LIMIT_REACHED, f"max-client-output: {WHY}")
        connection.close_unread(WHY, last)

    def ticked(self, now: float, seconds: float) -> None:
        """Some time passed: close who has not read for so many seconds."""
        for connection, since in list(self._since.items()):
            if now - since >= seconds:
                self.end(connection, now)
        for connection, since in list(self._ended.items()):
            if now - since >= LAST_WORDS:
                del self._ended[connection]
                connection.abort(WHY)
