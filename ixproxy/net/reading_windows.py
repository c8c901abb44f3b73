"""
Clients of a proxy with very much on the way are left unread until answers came.

So TCP tells them to wait, instead of nodes' queues filling up, or a refusal
for each that costs as much. Only requests on their way to nodes count, not
those that wait for people or for work by design: a router may have a thousand
held pulls. A peer of type Proxy has many clients that must not wait for one,
so it is always read, and each of its clients is told when it is too much.
"""

from __future__ import annotations

from ixproxy.core.clients import Client, Peer
from ixproxy.core.destinations import Destination
from ixproxy.net.connection import FrameConnection
from ixproxy.values import ClientType

DEFAULT_WINDOW = 1_000
WHY = "its requests are on their way"


class ReadingWindows:
    """
    The windows of all plain peers.

    :ivar window: requests on the way above which a client is left unread;
        it is read again when half of them are answered.
    :ivar closed: by peer, those that are left unread.
    """

    def __init__(self) -> None:
        self.window = DEFAULT_WINDOW
        self.closed: dict[Destination, FrameConnection] = {}

    def exceeded(self, client: Client, connection: FrameConnection) -> None:
        """More of a client is on the way than the window."""
        if client.type is not ClientType.PROXY:
            self.closed[client.peer] = connection
            connection.pause_reading(WHY)

    def answered(self, peer: Destination) -> None:
        """Something was sent to a peer whose window is closed."""
        assert isinstance(peer, Peer)
        client = peer.clients.get(0)
        if client is None or 2 * client.on_the_way <= self.window:
            self.closed.pop(peer).resume_reading(WHY)

    def ticked(self) -> None:
        """Some time passed: nobody stays unread for want of an answer to send."""
        for peer in list(self.closed):
            self.answered(peer)

    def forget(self, peer: Destination) -> None:
        """The peer is gone; harmless when its window was open."""
        self.closed.pop(peer, None)
