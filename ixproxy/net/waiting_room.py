"""
Peers that are connected and have not registered: few, not for long, saying little.

They are counted apart from those that have, so that a crowd of them takes no
place from anybody. A new one always comes in: where there is no place left,
the one that has been here longest makes room, so that who registers at once
is served however many only stand about.
"""

from __future__ import annotations

from collections import Counter

from twisted.logger import Logger

from ixproxy.errors import Code
from ixproxy.net.connection import FrameConnection
from ixproxy.wire.codec import error_frame

log = Logger()

MOST_FRAMES = 200
"""Frames that one may send which are no parts of a registration."""
FEW = 32
"""So many may be here without a look at what they keep whenever another comes."""
MOST_KEPT = 32 << 20
"""Bytes of unfinished frames that all of them together may have."""
class WaitingRoom:
    """
    :param counters: counts those that were closed.
    :ivar since: who is here, and since when.
    """

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self.since: dict[FrameConnection, float] = {}
        self._frames: Counter[FrameConnection] = Counter()
        self._refused = 0

    def __len__(self) -> int:
        return len(self.since)

    def refuse(self, connection: FrameConnection, reason: str) -> None:
        """There are too many that have registered: say so, and close."""
        self._refused += 1
        self._counters["connections refused"] += 1
        connection.send(error_frame(Code.TOO_MANY_CLIENTS, reason))
        connection.close(reason)

    def enter(self, connection: FrameConnection, now: float, most: int) -> None:
        """A peer came; at most so many may be here."""
        while self.since and len(self.since) >= most:
            self._close(next(iter(self.since)), "too many connections have not registered")
        if len(self.since) > FEW:
            self._bound_kept()
        self.since[connection] = now

    def leave(self, connection: FrameConnection) -> None:
        """It registered, or is gone; harmless when it is not here."""
        self.since.pop(connection, None)
        self._frames.pop(connection, None)

    def heard(self, connection: FrameConnection, frames: int) -> None:
        """It sent something that did not register it."""
        self._frames[connection] += frames
        if self._frames[connection] > MOST_FRAMES:
            self._close(connection, "it sends without being registered")

    def ticked(self, now: float, seconds: float) -> None:
        """Some time passed: close who has been here for so many seconds, or sends too much."""
        for connection, since in list(self.since.items()):
            if now - since < seconds:
                break
            self._close(connection, "it did not register in time")
        if self._refused:
            # Once for all of them: whoever connects without end must not fill the log.
            log.warn("{number} connections were refused: too many", number=self._refused)
            self._refused = 0
        self._bound_kept()

    def _bound_kept(self) -> None:
        kept = {each: each.unfinished for each in self.since}
        excess = sum(kept.values()) - MOST_KEPT
        for connection in sorted(kept, key=kept.__getitem__, reverse=True):
            if excess <= 0:
                break
            excess -= kept[connection]
            self._close(connection, "too much is kept of what it has not finished")

    def _close(self, connection: FrameConnection, reason: str) -> None:
        self.leave(connection)
        self._counters["unregistered closed"] += 1
        log.debug("An unregistered peer is closed: {reason}", reason=reason)
        connection.close_unread(reason, error_frame(Code.NOT_REGISTERED, reason))
