"""An AMQP 1.0 broker in memory, on a clock: as much of one as capture points and logs ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from proton import Collector, Condition, Connection, Delivery, Event, Message, Transport, symbol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

CREDIT = 10


@dataclass(eq=False)
class Kept:
    """A message in a queue; `holder`: the connection that has it and has not accepted it."""

    message: Message
    holder: PlayedAmqpConnection | None = None
    deliveries: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.message.properties or {})

    @property
    def body(self) -> bytes:
        body: Any = self.message.body
        return body.encode() if isinstance(body, str) else bytes(body or b"")


@dataclass
class PlayedAmqpBroker:
    """
    :ivar refuses: addresses to which nothing may be sent.
    :ivar rejects: addresses where each message is rejected.
    :ivar missing: addresses that are not there.
    :ivar spoilt: addresses that end the session of whoever asks for them, and why.
    :ivar silent: messages are neither accepted nor refused.
    :ivar loses_answers: a connection that sends to us next has no answer, then or later, to
        what is kept of it.
    :ivar credit: messages that a sender may give before one is settled.
    :ivar kinds: what senders and readers said of which kind an address is.
    """

    product: str = "RabbitMQ"
    reachable: bool = True
    queues: dict[str, list[Kept]] = field(default_factory=dict)
    connections: list[Any] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    rejects: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    lets_in: bool = True
    idle: float = 0.0
    version: str = ""
    spoilt: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    loses_answers: bool = False
    credit: int = CREDIT
    kinds: list[tuple[str, str]] = field(default_factory=list)

    def accept(self) -> PlayedAmqpConnection:
        return PlayedAmqpConnection(self)

    def put(self, queue: str, message: Message) -> None:
        """Somebody sends a message."""
        self.queues.setdefault(queue, []).append(Kept(message))
        for connection in list(self.connections):
            connection.deliver()

    def cut(self) -> None:
        """All connections are lost, and there are no new ones until it is reachable again."""
        self.reachable = False
        for connection in list(self.connections):
            connection.cut()


class PlayedAmqpConnection(Protocol):
    """The broker's end of a connection."""

    def __init__(self, broker: PlayedAmqpBroker) -> None:
        self.broker = broker
        self.connection, self.collector = Connection(), Collector()
        self.proton = Transport(Transport.SERVER)
        self.proton.sasl().allowed_mechs("ANONYMOUS" if broker.lets_in else "EXTERNAL")
        if broker.idle:
            self.proton.idle_timeout = broker.idle
        self.connection.collect(self.collector)
        self.proton.bind(self.connection)
        self.gives: Any = None
        self.held: dict[str, Kept] = {}
        self.numbers = 0
        self.mute = False

    def connectionMade(self) -> None:
        self.turn()

    def cut(self) -> None:
        self.broker.connections.remove(self)
        for messages in self.broker.queues.values():
            for kept in messages:
                if kept.holder is self:
                    kept.holder = None
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self in self.broker.connections:
            self.cut()

    def dataReceived(self, data: bytes) -> None:
        while data and self.proton.capacity() > 0:
            part = data[: min(1024, self.proton.capacity())]
            data = data[len(part) :]
            self.proton.push(part)
            self.turn()

    def turn(self) -> None:
        while (event := self.collector.peek()) is not None:
            self.happened(event)
            self.collector.pop()
        transport: Any = self.transport
        while (pending := self.proton.pending()) > 0:
            transport.write(bytes(self.proton.peek(pending) or b""))
            self.proton.pop(pending)
        if pending < 0:
            transport.loseConnection()

    def happened(self, event: Any) -> None:
        if event.type == Event.CONNECTION_REMOTE_OPEN:
            said: dict[Any, Any] = {symbol("product"): self.broker.product}
            if self.broker.version:
                said[symbol("version")] = self.broker.version
            self.connection.properties = said
            self.connection.open()
        elif event.type == Event.CONNECTION_REMOTE_CLOSE:
            self.connection.close()
        elif event.type == Event.SESSION_REMOTE_OPEN:
            event.session.open()
        elif event.type == Event.LINK_REMOTE_OPEN:
            self.link_opened(event.link)
        elif event.type == Event.LINK_REMOTE_CLOSE:
            event.link.close()
        elif event.type == Event.LINK_FLOW:
            self.give()
        elif event.type == Event.DELIVERY:
            self.delivery_changed(event.delivery)

    def link_opened(self, link: Any) -> None:
        address = link.remote_target.address if link.is_receiver else link.remote_source.address
        terminus = link.remote_target if link.is_receiver else link.remote_source
        terminus.capabilities.rewind()
        if terminus.capabilities.next() is not None:
            self.broker.kinds.append((address, str(terminus.capabilities.get_object())))
        if address in self.broker.spoilt:
            link.session.condition = _condition(self.broker.spoilt[address])
            link.session.close()
            return
        if address in self.broker.missing or (link.is_receiver and address in self.broker.refuses):
            link.open()
            link.condition = _condition(f"not {address}")
            link.close()
            return
        link.source.address = link.remote_source.address
        link.target.address = link.remote_target.address
        link.open()
        if link.is_receiver:
            link.flow(self.broker.credit)
        elif link.name == "inbound":
            self.gives = link

    def delivery_changed(self, delivery: Any) -> None:
        link = delivery.link
        if link.is_sender:
            kept = self.held.get(delivery.tag)
            if kept is not None and delivery.settled:
                assert delivery.remote_state == Delivery.ACCEPTED
                self.broker.queues[link.source.address].remove(self.held.pop(delivery.tag))
                delivery.settle()
        elif delivery.readable and not delivery.partial:
            message = Message()
            message.decode(link.recv(delivery.pending))
            link.advance()
            address = link.target.address
            if self.broker.silent:
                return
            state = Delivery.REJECTED if address in self.broker.rejects else Delivery.ACCEPTED
            self.mute = self.mute or self.broker.loses_answers
            self.broker.loses_answers = False
            if not self.mute:
                delivery.update(state)
                delivery.settle()
                link.flow(1)
            if state == Delivery.ACCEPTED:
                self.broker.queues.setdefault(address, []).append(Kept(message))

    def deliver(self) -> None:
        self.give()
        self.turn()

    def give(self) -> None:
        if self.gives is None:
            return
        for kept in self.broker.queues.get(self.gives.source.address, []):
            if kept.holder is None and self.gives.credit > 0:
                kept.holder = self
                kept.message.delivery_count = kept.deliveries
                kept.message.first_acquirer = not kept.deliveries
                kept.deliveries += 1
                self.numbers += 1
                tag = f"t{self.numbers}"
                self.held[tag] = kept
                self.gives.delivery(tag)
                self.gives.send(kept.message.encode())
                self.gives.advance()


def _condition(description: str) -> Any:
    return Condition("amqp:not-found", description)
