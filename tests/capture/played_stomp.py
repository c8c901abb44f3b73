"""A STOMP broker in memory, on a clock: as much of one as the capture point asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.testing import MemoryReactor
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump

from ixproxy.capture.stomp_frames import Frame, FrameReader, written
from tests.capture.threadless import ThreadlessClock


@dataclass(eq=False)
class Stored:
    """A message in a queue; `holder`: the connection that has it and has not acknowledged it."""

    headers: dict[str, str]
    body: bytes
    text: bool
    holder: PlayedConnection | None = None
    deliveries: int = 0


@dataclass
class PlayedBroker:
    """
    :ivar product: as it calls itself: "RabbitMQ/3.10.8" or "ActiveMQ/5.17.2".
    :ivar refuses: destinations to which nothing may be sent.
    """

    product: str = "RabbitMQ/3.10.8"
    reachable: bool = True
    queues: dict[str, list[Stored]] = field(default_factory=dict)
    connections: list[PlayedConnection] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    commits: int = 0
    numbers: int = 0

    def accept(self) -> PlayedConnection:
        """The end of a new connection."""
        return PlayedConnection(self)

    def put(self, queue: str, body: bytes, headers: dict[str, str], *, text: bool = False) -> None:
        """Somebody sends a message."""
        self.numbers += 1
        if not self.product.startswith("RabbitMQ"):
            headers = {**headers, "message-id": f"ID:{self.numbers}"}
        self.queues.setdefault(queue, []).append(Stored(headers, body, text))
        for connection in self.connections:
            connection.deliver()

    def bodies(self, queue: str) -> list[bytes]:
        """What is in a queue, in order, acknowledged or not."""
        return [message.body for message in self.queues.get(queue, [])]

    def cut(self) -> None:
        """All connections are lost, and there are no new ones until it is reachable again."""
        self.reachable = False
        for connection in list(self.connections):
            connection.cut()


class PlayedConnection(Protocol):
    """The broker's end of a connection."""

    def __init__(self, broker: PlayedBroker) -> None:
        self.broker = broker
        self.reader = FrameReader()
        self.queue = ""
        self.prefetch = 0
        self.within: dict[str, list[Frame]] = {}
        self.deliveries = 0
        self.seen: list[Frame] = []

    def say(self, frame: Frame, *, text: bool = False) -> None:
        transport: Any = self.transport
        transport.write(written(frame, text=text))

    def cut(self) -> None:
        self.broker.connections.remove(self)
        for messages in self.broker.queues.values():
            for message in messages:
                if message.holder is self:
                    message.holder = None
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self in self.broker.connections:
            self.cut()

    def dataReceived(self, data: bytes) -> None:
        for frame in self.reader.feed(data):
            self.seen.append(frame)
            within = self.within.get(frame.headers.get("transaction", ""))
            if within is not None and frame.command in ("SEND", "ACK"):
                within.append(frame)
            elif not self.do(frame):
                return
            if "receipt" in frame.headers:
                self.say(Frame("RECEIPT", {"receipt-id": frame.headers["receipt"]}))
            self.deliver()

    def do(self, frame: Frame) -> bool:
        headers = frame.headers
        if frame.command == "CONNECT":
            self.say(Frame("CONNECTED", {"version": "1.2", "server": self.broker.product}))
        elif frame.command == "SUBSCRIBE":
            self.queue = headers["destination"]
            self.prefetch = int(headers["prefetch-count"])
        elif frame.command == "BEGIN":
            self.within[headers["transaction"]] = []
        elif frame.command == "COMMIT":
            self.broker.commits += 1
            return all(self.do(each) for each in self.within.pop(headers["transaction"]))
        elif frame.command == "SEND":
            if headers["destination"] in self.broker.refuses:
                self.say(Frame("ERROR", {"message": "access refused"}))
                self.cut()
                return False
            kept = {
                name: value
                for name, value in headers.items()
                if name not in ("receipt", "transaction", "destination", "content-length")
            }
            text = "content-length" not in headers
            self.broker.put(headers["destination"], frame.body, kept, text=text)
        elif frame.command == "ACK":
            messages = self.broker.queues[self.queue]
            (message,) = (each for each in messages if each.headers.get("ack") == headers["id"])
            assert message.holder is self
            messages.remove(message)
        return True

    def deliver(self) -> None:
        messages = self.broker.queues.get(self.queue, [])
        held = sum(message.holder is self for message in messages)
        for message in messages:
            if held >= self.prefetch:
                return
            if message.holder is None:
                held += 1
                self.deliveries += 1
                message.holder = self
                message.headers["ack"] = f"{id(self)}-{self.deliveries}"
                if message.deliveries:
                    message.headers["redelivered"] = "true"
                message.deliveries += 1
                self.say(Frame("MESSAGE", message.headers, message.body), text=message.text)


class PlayedReactor(ThreadlessClock, MemoryReactor):
    """A clock whose connections lead to a broker."""

    def __init__(self, broker: Any) -> None:
        ThreadlessClock.__init__(self)
        MemoryReactor.__init__(self)
        self.broker = broker
        self.asked: list[tuple[str, int]] = []
        self._pumps: list[IOPump] = []

    def connectTCP(self, host: str, port: int, factory: Any, *_: Any, **__: Any) -> Any:
        self.asked.append((host, port))
        endpoint: Any = super()
        connector = endpoint.connectTCP(host, port, factory)
        self.callLater(0, self._connect, factory, connector)
        return connector

    def _connect(self, factory: Any, connector: Any) -> None:
        if not self.broker.reachable or connector.stoppedConnecting:
            factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
            return
        ours, theirs = self.broker.accept(), factory.buildProtocol(None)
        at_broker, at_client = FakeTransport(ours, True), FakeTransport(theirs, False)
        self.broker.connections.append(ours)
        pump = IOPump(theirs, ours, at_client, at_broker, False)
        self._pumps.append(pump)
        ours.makeConnection(at_broker)
        theirs.makeConnection(at_client)

    def advance(self, amount: float) -> None:
        """Time passes, and bytes with it."""
        super().advance(amount)
        moved = True
        while moved:
            moved = sum(bool(pump.pump()) for pump in self._pumps) > 0
            super().advance(0)
