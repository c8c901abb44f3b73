"""Messages of RabbitMQ as a source of a capture chaos run, over STOMP and over AMQP 1.0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from subprocess import SubprocessError
from typing import Any

from proton import Message
from twisted.internet.defer import Deferred, FirstError, TimeoutError, gatherResults
from twisted.internet.error import ConnectError, ConnectionClosed

from ixproxy.errors import IxproxyError
from ixproxy.testing.amqp_peer import AmqpPeer, bytes_of
from ixproxy.testing.capture_chaos_files import told_in
from ixproxy.testing.capture_chaos_relayed import link_faults, server_faults
from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.capture_chaos_words import Given, Told, xml
from ixproxy.testing.rabbitmq import PASSWORD, USER, RabbitmqBroker
from ixproxy.testing.relay import Relay
from ixproxy.testing.servers import ServerFailed
from ixproxy.testing.stomp_peer import StompPeer

IN, PROCESSED, ERRORS, OUT = "in", "processed", "errors", "out"
LOST = (FirstError, IxproxyError, ConnectError, ConnectionClosed, TimeoutError)
"""How a connection to a broker ends that dies."""

SEND_SECONDS = 20.0
LEAVE_SECONDS = 10.0
MOST_IN_VAIN = 30
"""How often a queue is read of which the broker gives nothing, though there is something."""

MOST_SILENCES = 3
"""How often in a row `rabbitmqctl` may end without an answer."""

REASON = "ixn_reason"
Read = tuple[Mapping[str, Any], bytes]


class Messages(Source):
    """
    Somebody who sends messages until the broker has confirmed them.

    :param broker: one that runs already and goes on; None: it has its own.
    :param queues: what the names of all queues begin with.
    """

    told_of_bad = True

    protocol = ""

    def __init__(
        self,
        reactor: Any,
        folder: Path,
        random: Random,
        broker: RabbitmqBroker | None = None,
        queues: str = "claims.",
    ) -> None:
        super().__init__(reactor, folder, random)
        self._is_ours = broker is None
        self._queues = queues
        self.broker = broker or RabbitmqBroker()
        self.relay = Relay(reactor, self._port())

    def _port(self) -> int:
        raise NotImplementedError

    async def start(self) -> None:
        """Start the broker, and the relay to it that the node goes through."""
        await super().start()
        (self.folder / "password").write_text(PASSWORD)
        if self._is_ours:
            await self.apart(self.broker.start)
        await self.relay.start()

    async def stop(self) -> None:
        """Remove both."""
        await self.relay.stop()
        if self._is_ours:
            await self.apart(self.broker.remove)

    def queue(self, name: str) -> str:
        """The whole name of a queue."""
        return self._queues + name

    def settings(self) -> Mapping[str, object]:
        """All four queues. A message may be given again as often as it likes."""
        return {
            "use": "jms",
            "protocol": self.protocol,
            "address": f"tcp:127.0.0.1:{self.relay.port}",
            "user": USER,
            "password-file": str(self.folder / "password"),
            "inbound-queue-name": self.queue(IN),
            "processed-queue-name": self.queue(PROCESSED),
            "error-queue-name": self.queue(ERRORS),
            "notification-queue-name": self.queue(OUT),
            "reconnect-timeout": 3,
            "heart-beat": 2,
            "max-deliveries": 0,
        }

    async def give(self, documents: Sequence[Given]) -> None:
        """Send them all, again and again, under the same message ids."""
        left = {given.name: xml(given) for given in documents}
        while left:
            try:
                await self.send(left)
                left = {}
            except LOST:
                await self.pause()

    async def send(self, bodies: Mapping[str, bytes]) -> None:
        """Send messages, by their ids, over a connection of their own."""
        raise NotImplementedError

    async def read(self, queue: str) -> list[Read]:
        """Take some messages out of a queue, with their properties."""
        raise NotImplementedError

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        """The connections of the node, and the broker itself."""
        broker = self.broker
        return {
            **link_faults(self, lambda: self.relay),
            **server_faults(self, broker.kill, broker.start, broker.pause, broker.resume),
        }

    async def left(self) -> int:
        """What is in the inbound queue, given out or not."""
        return (await self._counts()).get(self.queue(IN), 0)

    async def errors(self) -> Mapping[str, Sequence[str]]:
        """Copies in the error queue, by what names each in its body; once, however often copied."""
        found: dict[str, set[str]] = {}
        for properties, body in await self._all(ERRORS):
            name = body.decode().split('ExternalId="')[1].split('"')[0].partition(".")[0]
            found.setdefault(name, set()).add(str(properties.get(REASON, "")))
        return {name: sorted(reasons) for name, reasons in found.items()}

    async def told(self) -> Sequence[Told]:
        """All that is in the queue of notifications."""
        return [told_in(body) for _, body in await self._all(OUT)]

    async def copies(self) -> Counter[str]:
        """What is in the queue of what was processed."""
        found: Counter[str] = Counter()
        for _, body in await self._all(PROCESSED):
            found[body.decode().split('ExternalId="')[1].split('"')[0].partition(".")[0]] += 1
        return found

    async def _leave(self, peer: StompPeer | AmqpPeer) -> None:
        """Close a connection, and do not wait for ever for its end."""
        closing = Deferred.fromCoroutine(peer.close())
        with suppress(TimeoutError):
            await closing.addTimeout(LEAVE_SECONDS, self.reactor)

    async def _all(self, queue: str) -> list[Read]:
        """
        All that is in a queue.

        :raise ServerFailed: the broker says that there is more, and gives nothing.
        """
        found: list[Read] = []
        in_vain = 0
        while (await self._counts()).get(self.queue(queue), 0):
            read = await self.read(queue)
            found += read
            in_vain = 0 if read else in_vain + 1
            if in_vain > MOST_IN_VAIN:
                raise ServerFailed(f"the broker gives nothing of {queue}, in which there is more")
        return found

    async def _counts(self) -> dict[str, int]:
        said = await self._said("list_queues", "name", "messages")
        return {
            name: int(count)
            for name, tab, count in (line.partition("\t") for line in said.splitlines())
            if tab and count.isdigit()
        }

    async def _said(self, *arguments: str) -> str:
        """
        What `rabbitmqctl` says, which sometimes has to be asked again.

        :raise ServerFailed: it says nothing, however often.
        """
        problems: list[str] = []
        while len(problems) < MOST_SILENCES:
            try:
                return str(await self.apart(self.broker.control, *arguments))
            except SubprocessError as problem:
                problems.append(str(problem))
        raise ServerFailed(f"the broker cannot be asked: {problems[-1]}")


class StompMessages(Messages):
    """Over STOMP."""

    protocol = "stomp"

    def _port(self) -> int:
        return self.broker.stomp_port

    async def send(self, bodies: Mapping[str, bytes]) -> None:
        """Fires when the broker has confirmed them."""
        peer = StompPeer(self.reactor, self.broker.stomp_port)
        await peer.connect()
        try:
            sending = [
                peer.send(self.queue(IN), body, amqp_message_id=id) for id, body in bodies.items()
            ]
            sent = gatherResults(sending, consumeErrors=True)
            await sent.addTimeout(SEND_SECONDS, self.reactor)
        finally:
            await self._leave(peer)

    async def read(self, queue: str) -> list[Read]:
        """What comes until nothing does."""
        peer = StompPeer(self.reactor, self.broker.stomp_port)
        await peer.connect()
        try:
            return [(frame.headers, frame.body) for frame in await peer.drain(self.queue(queue))]
        finally:
            await self._leave(peer)


class AmqpMessages(Messages):
    """Over AMQP 1.0."""

    protocol = "amqp"

    def _port(self) -> int:
        return self.broker.amqp_port

    async def send(self, bodies: Mapping[str, bytes]) -> None:
        """Fires when the broker has accepted them."""
        peer = AmqpPeer(self.reactor, self.broker.amqp_port)
        await peer.connect()
        try:
            sending = [
                peer.client.send(
                    f"/queue/{self.queue(IN)}",
                    Message(body=body, inferred=True, durable=True, id=id),
                )
                for id, body in bodies.items()
            ]
            sent = gatherResults(sending, consumeErrors=True)
            await sent.addTimeout(SEND_SECONDS, self.reactor)
        finally:
            await self._leave(peer)

    async def read(self, queue: str) -> list[Read]:
        """What comes until nothing does."""
        peer = AmqpPeer(self.reactor, self.broker.amqp_port)
        await peer.connect()
        try:
            found = await peer.drain(self.queue(queue))
            return [(message.properties or {}, bytes_of(message)) for message in found]
        finally:
            await self._leave(peer)
