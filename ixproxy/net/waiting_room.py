"""
Peers that are connected and have not registered: few, not for long, saying little.

They are counted apart from those that have, so that a crowd of them takes no
place from anybody. A new one always comes in: where there is no place left,
the one that has been here longest makes room, so that who registers at once
is served however many only stand about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice

from twisted.logger import Logger

from ixproxy.errors import Code
from ixproxy.net.connection import FrameConnection
from ixproxy.wire.codec import error_frame

log = Logger()

MOST_FRAMES = 200
"""Frames that one may send which are no parts of a registration."""
MOST_KEPT = 32 << 20
"""Bytes of unfinished frames that all of them together may have."""
READ_FREELY = MOST_KEPT // 2
"""While they have no more than this, long frames of any of them are read as they come."""
FEW = 32 << 10
"""Bytes of an unfinished frame that anybody may have."""
READ_ON = 16
"""Of those whose frames are long, so many are read on at a time when there was too much."""
UNFINISHED = "what it and others send is not finished"


class WaitingRoom:
    """
    :param counters: counts those that were closed.
    :param registered: whether one has registered meanwhile: a login may take its
        time, and is not always followed by anything that is heard.
    :ivar since: who is here, and since when.
    """

    def __init__(
        self, counters: Counter[str], registered: Callable[[FrameConnection], bool]
    ) -> None:
        self._counters = counters
        self._registered = registered
        self.since: dict[FrameConnection, float] = {}
        self._frames: Counter[FrameConnection] = Counter()
        self._kept: dict[FrameConnection, int] = {}
        self._all_kept = 0
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
        self.since[connection] = now
        connection.watch_unfinished = self._grew

    def leave(self, connection: FrameConnection) -> None:
        """It registered, or is gone; harmless when it is not here."""
        if self.since.pop(connection, None) is not None:
            connection.watch_unfinished = None
            connection.resume_reading(UNFINISHED)
        self._frames.pop(connection, None)
        self._all_kept -= self._kept.pop(connection, 0)

    def _grew(self, connection: FrameConnection) -> None:
        size = connection.unfinished
        self._all_kept += size - self._kept.get(connection, 0)
        self._kept[connection] = size
        if size > FEW and self._all_kept > READ_FREELY:
            connection.pause_reading(UNFINISHED)

    def heard(self, connection: FrameConnection, frames: int) -> None:
        """It sent something that did not register it."""
        self._frames[connection] += frames
        if self._frames[connection] > MOST_FRAMES:
            self._close(connection, "it sends without being registered")

    def ticked(self, now: float, seconds: float) -> None:
        """Some time passed: close who has been here for so many seconds, or sends too much."""
        if not (self.since or self._kept or self._refused):
            return
        for connection in [each for each in self.since if self._registered(each)]:
            self.leave(connection)
        for connection, since in list(self.since.items()):
            if now - since < seconds:
                break
            self._close(connection, "it did not register in time")
        if self._refused:
            # Once for all of them: whoever connects without end must not fill the log.
            log.warn("{number} connections were refused: too many", number=self._refused)
            self._refused = 0
        self._kept = {each: each.unfinished for each in self.since}
        self._all_kept = sum(self._kept.values())
        for connection in sorted(self._kept, key=self._kept.__getitem__, reverse=True):
            if self._all_kept <= MOST_KEPT:
                break
            self._close(connection, "too much is kept of what it has not finished")
        if self._all_kept <= READ_FREELY:
            unread = (each for each in self.since if not each.reading)
            for connection in list(islice(unread, READ_ON)):
                connection.resume_reading(UNFINISHED)

    def _close(self, connection: FrameConnection, reason: str) -> None:
        self.leave(connection)
        if self._registered(connection):
            return
        self._counters["unregistered closed"] += 1
        log.debug("An unregistered peer is closed: {reason}", reason=reason)
        connection.close_unread(reason, error_frame(Code.NOT_REGISTERED, reason))
