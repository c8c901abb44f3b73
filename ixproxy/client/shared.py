"""
What all clients of one reactor use together: the end of a turn, and the look at silent connections.

A program with a thousand clients has one timer for their keep-alive, and their
output leaves at the end of one turn. Nothing here outlives the clients that use it.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.turn import TurnEnd

# By the reactor's id, and weak: a reactor knows what waits on it, so that one which was named
# here would never be freed, nor anything of its clients. A value that is there keeps its
# reactor, so nothing else can have that id meanwhile.
_turn_ends: WeakValueDictionary[int, TurnEnd] = WeakValueDictionary()
_keep_alives: WeakValueDictionary[tuple[int, float, float], SharedKeepAlive] = WeakValueDictionary()


class SharedKeepAlive(KeepAlive):
    """Looks for as long as there is a connection to look after."""

    def watch(self, connection: FrameConnection) -> None:
        """Look after `connection` until `forget`."""
        super().watch(connection)
        self.start()

    def forget(self, connection: FrameConnection) -> None:
        """Look no more after `connection`; harmless when unknown."""
        super().forget(connection)
        if not self.watched:
            self.stop()


def turn_end(reactor: Any) -> TurnEnd:
    """The end of the turns of `reactor`."""
    found = _turn_ends.get(id(reactor))
    if found is None:
        _turn_ends[id(reactor)] = found = TurnEnd(reactor)
    return found


def keep_alive(reactor: Any, interval: float, limit: float) -> KeepAlive:
    """The keep-alive with these times in seconds; it need not be started."""
    key = id(reactor), interval, limit
    found = _keep_alives.get(key)
    if found is None:
        _keep_alives[key] = found = SharedKeepAlive(reactor, interval, limit)
    return found
