"""Whoever uses the queues of a real broker over AMQP 1.0."""

from __future__ import annotations

from typing import Any

from proton import Message
from twisted.internet.defer import Deferred, DeferredQueue, TimeoutError
from twisted.internet.endpoints import clientFromString, connectProtocol

from ixproxy.brokers.amqp import AmqpClient, AmqpLogin
from ixproxy.testing.stomp_peer import QUIET_SECONDS


class AmqpPeer:
    """
    One connection to a broker's AMQP port, which reads from one queue at most.

    :param most: bytes of a message; of a longer one nothing comes.
    """

    def __init__(self, reactor: Any, port: int, most: int = 1 << 20) -> None:
        self.reactor = reactor
        self.port = port
        self._came: DeferredQueue[tuple[Any, bytes]] = DeferredQueue()
        self._ended: Deferred[None] = Deferred()
        self.client = AmqpClient(
            reactor,
            AmqpLogin("guest", "guest"),
            lambda delivery, encoded, _: self._came.put((delivery, encoded or b"")),
            lambda _: self._ended.callback(None),
            most,
        )

    async def connect(self) -> None:
        endpoint = clientFromString(self.reactor, f"tcp:127.0.0.1:{self.port}")
        await connectProtocol(endpoint, self.client)
        await self.client.opened

    async def drain(self, queue: str) -> list[Message]:
        """All that is in a queue, which is empty then."""
        await self.client.receive(f"/queue/{queue}", 100)
        found: list[Message] = []
        try:
            while True:
                delivery, encoded = await self._came.get().addTimeout(QUIET_SECONDS, self.reactor)
                message = Message()
                message.decode(encoded)
                found.append(message)
                self.client.accept(delivery)
        except TimeoutError:
            return found

    async def close(self) -> None:
        self.client.close()
        await self._ended


def bytes_of(message: Message) -> bytes:
    """The body of a message, of whatever kind."""
    body: Any = message.body
    return body.encode() if isinstance(body, str) else bytes(body)


async def drained(reactor: Any, port: int, queue: str, most: int = 1 << 20) -> list[Message]:
    """All that is in a queue, by a connection of its own."""
    peer = AmqpPeer(reactor, port, most)
    await peer.connect()
    try:
        return await peer.drain(queue)
    finally:
        await peer.close()
