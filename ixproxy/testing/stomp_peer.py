"""Whoever uses the queues of a real broker from outside: sends to them, and empties them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, DeferredQueue, TimeoutError, gatherResults
from twisted.internet.endpoints import clientFromString, connectProtocol
from twisted.internet.task import deferLater

from ixproxy.capture.stomp import Login, StompClient
from ixproxy.capture.stomp_frames import Frame

QUIET_SECONDS = 1.0
"""A queue that gives nothing for so long is empty."""

HAPPEN_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.02


class StompPeer:
    """
    One connection to a broker's STOMP port.

    :ivar rabbitmq: whether the broker is one.
    """

    def __init__(self, reactor: Any, port: int) -> None:
        self.reactor = reactor
        self.port = port
        self.rabbitmq = False
        self._came: DeferredQueue[Frame] = DeferredQueue()
        self._subscriptions = 0
        self._ended: Deferred[None] = Deferred()
        self._client = StompClient(
            reactor, Login("guest", "guest"), self._came.put, lambda _: self._ended.callback(None)
        )

    async def connect(self) -> None:
        endpoint = clientFromString(self.reactor, f"tcp:127.0.0.1:{self.port}")
        await connectProtocol(endpoint, self._client)
        said = await self._client.opened
        self.rabbitmq = said["server"].startswith("RabbitMQ")

    def send(
        self, queue: str, body: bytes, *, text: bool = False, **headers: str
    ) -> Deferred[None]:
        """Send a durable message; fires when the broker has it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        frame = Frame(
            "SEND", {"destination": f"/queue/{queue}", "persistent": "true", **named}, body
        )
        return self._client.request(frame, text=text)

    async def send_all(self, queue: str, bodies: Mapping[str, bytes]) -> None:
        """Send messages, by their ids."""
        await gatherResults(
            [self.send(queue, body, amqp_message_id=id) for id, body in bodies.items()],
            consumeErrors=True,
        )

    async def subscribe(self, queue: str, *, ack: str = "auto") -> None:
        self._subscriptions += 1
        headers = {
            "destination": f"/queue/{queue}",
            "id": str(self._subscriptions),
            "ack": ack,
            "prefetch-count": "100",
            "activemq.prefetchSize": "100",
        }
        if self.rabbitmq:
            del headers["activemq.prefetchSize"]
        await self._asked(Frame("SUBSCRIBE", headers))

    async def _asked(self, frame: Frame) -> None:
        """Ask for something. :raise TimeoutError: the broker does not say that it is done."""
        await self._client.request(frame).addTimeout(HAPPEN_SECONDS, self.reactor)

    async def next(self, seconds: float = HAPPEN_SECONDS) -> Frame:
        """The next message of what was subscribed to. :raise TimeoutError: there is none."""
        return await self._came.get().addTimeout(seconds, self.reactor)

    async def drain(self, queue: str) -> list[Frame]:
        """All that is in a queue, which is empty then."""
        await self.subscribe(queue)
        found: list[Frame] = []
        try:
            while True:
                found.append(await self.next(QUIET_SECONDS))
        except TimeoutError:
            pass
        # What was found is found, whatever becomes of this.
        with suppress(TimeoutError):
            await self._asked(Frame("UNSUBSCRIBE", {"id": str(self._subscriptions)}))
        return found

    async def close(self) -> None:
        self._client.close()
        await self._ended


async def until(
    reactor: Any, happened: Callable[[], object], seconds: float = HAPPEN_SECONDS
) -> None:
    """
    Wait until something has happened.

    :raise AssertionError: it has not, in so many seconds.
    """
    for _ in range(round(seconds / LOOK_AGAIN_SECONDS)):
        if happened():
            return
        await deferLater(reactor, LOOK_AGAIN_SECONDS, lambda: None)
    assert happened(), "it did not happen in time"


Work = Callable[[StompPeer], Awaitable[None]]


async def with_peer(reactor: Any, port: int, work: Work) -> None:
    """Have work done with a peer, which is closed afterwards."""
    peer = StompPeer(reactor, port)
    await peer.connect()
    try:
        await work(peer)
    finally:
        await peer.close()
