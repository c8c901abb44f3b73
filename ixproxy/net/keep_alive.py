"""
Keep-alive for all connections of a process: one clock, no timer for each.

Every interval, a connection from which nothing came is pinged; one that has
been silent for the whole limit is aborted, which finds half-open sockets. One
that we do not listen to is left to whoever stopped reading it.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from ixproxy.net.connection import PING, FrameConnection


class KeepAlive:
    """
    Watches connections.

    :param interval: seconds between looks, greater than 0.
    :param limit: seconds of silence after which a connection is aborted.
    """

    def __init__(self, clock: IReactorTime, interval: float = 10.0, limit: float = 30.0) -> None:
        self._interval = interval
        self._limit = limit
        # A dict, for it keeps the order: a simulation must ping in the same order every time.
        self._connections: dict[FrameConnection, None] = {}
        self._clock = clock
        self._looked_at = clock.seconds()
        self._call = LoopingCall(self._due)
        self._call.clock = clock

    @property
    def watched(self) -> int:
        """How many connections it looks after."""
        return len(self._connections)

    def start(self) -> None:
        """Begin to look; harmless when begun."""
        if not self._call.running:
            self._looked_at = self._clock.seconds()
            self._call.start(self._interval, now=False)

    def stop(self) -> None:
        """End looking; harmless when ended."""
        if self._call.running:
            self._call.stop()

    def change(self, interval: float, limit: float) -> None:
        """Other times from now on, for the connections that are there, too."""
        if (interval, limit) == (self._interval, self._limit):
            return
        self._interval, self._limit = interval, limit
        if self._call.running:
            self.stop()
            self.start()

    def watch(self, connection: FrameConnection) -> None:
        """Look after `connection` until `forget`."""
        self._connections[connection] = None

    def forget(self, connection: FrameConnection) -> None:
        """Look no more after `connection`; harmless when unknown."""
        self._connections.pop(connection, None)

    def _due(self) -> None:
        # A looping call whose arithmetic rounds down comes twice or more in a row, and looks
        # that follow one another at once would pass for silence.
        now = self._clock.seconds()
        if now - self._looked_at >= self._interval / 2:
            self._looked_at = now
            self.look()

    def look(self) -> None:
        """One look at all connections."""
        for connection in tuple(self._connections):
            if connection.heard or not connection.reading:
                connection.heard = False
                connection.silent = 0.0
                continue
            connection.silent += self._interval
            if connection.silent >= self._limit:
                self._connections.pop(connection, None)
                connection.abort(f"nothing heard for {connection.silent:g} seconds")
            else:
                connection.send(PING)
