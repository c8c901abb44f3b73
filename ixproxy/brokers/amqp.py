"""
A client's end of an AMQP 1.0 connection: Qpid Proton does the protocol, Twisted the rest.

Theory of operation:

    opening --open--> open --close--> closing --> closed
       |               |                 |
       +-- refused, bad bytes, silence, lost --> closed

Proton reads and writes no socket: bytes are pushed into it and fetched from it,
and what they mean it says as events. `_turn` goes once around: all events,
then all bytes, and then whoever waited is told, for they may ask for more,
which goes around again.

There is one session, with a sender for each address that something is sent to,
which waits for credit, and one receiver. What waits is bounded by who asks, and
what comes by the receiver's credit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from proton import (
    SASL,
    Collector,
    Connection,
    Delivery,
    Event,
    Link,
    Message,
    Transport,
)
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from ixproxy.brokers.amqp_links import AmqpLost, Receiver, Senders, receiver_of, said

OPEN_SECONDS = 20.0
"""How long a broker may take to accept a connection."""

CLOSE_SECONDS = 5.0
"""How long it may take to close one in order."""

MOST_PUSHED = 8_192
"""Bytes that Proton is given at a time, at most."""

INBOUND = "inbound"
"""The name of the link by which messages come."""

LOOKS = 4
"""How often the clock is shown to Proton in the shortest time that it must keep."""


class Phase(Enum):
    """Where a connection stands."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AmqpLogin:
    """
    What a connection begins with; without a user it is anonymous.

    :ivar host: what the broker is asked for, such as the host where it is.
    :ivar idle: seconds of silence after which the other end is taken for lost; 0: none.
    :ivar kind: of the addresses that are sent to and looked for: see `as_kind`.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    idle: float = 20.0
    kind: str = ""


class AmqpClient(Protocol):
    """
    One connection.

    :param came: called with each delivery and its bytes; None where there were more
        than `most`, and then how many.
    :param ended: called once with the reason, after `opened` has fired.
    :param most: bytes of an encoded message; a longer one comes without them.
    :ivar opened: fires with the properties of the broker; fails with AmqpLost.
    """

    def __init__(
        self,
        clock: IReactorTime,
        login: AmqpLogin,
        came: Callable[[Any, bytes | None, int], object],
        ended: Callable[[AmqpLost], object],
        most: int,
    ) -> None:
        self._clock = clock
        self._login = login
        self._came = came
        self._ended = ended
        self._fired: list[Callable[[], object]] = []
        self._turning = False
        self._numbers = 0
        self._inbound: Any = None
        self._received: Deferred[None] | None = None
        self._looking: dict[str, Deferred[None]] = {}
        self._limit: IDelayedCall | None = None
        self._ticks: LoopingCall | None = None
        self._listening = True
        self._heard = 0.0
        self._why: AmqpLost | None = None
        self._collector = Collector()
        self._connection = Connection()
        self._proton = Transport()
        self._session = self._connection.session()
        self._senders = Senders(self._session, self._fired.append, login.kind)
        self._receiver = Receiver(most, self._fired.append, self._message_came)
        self.phase = Phase.OPENING
        self.opened: Deferred[dict[str, Any]] = Deferred()

    def connectionMade(self) -> None:
        """The framework connected us."""
        login, connection, proton = self._login, self._connection, self._proton
        self._limit = self._clock.callLater(
            OPEN_SECONDS, self.abort, f"the broker did not answer in {OPEN_SECONDS:g} seconds"
        )
        connection.collect(self._collector)
        connection.container = "ixproxy"
        connection.hostname = login.host
        sasl = proton.sasl()
        if login.user:
            connection.user, connection.password = login.user, login.password
            # Whether the connection is secret is decided by its endpoint, not by Proton.
            sasl.allow_insecure_mechs = True
            sasl.allowed_mechs("PLAIN")
        else:
            sasl.allowed_mechs("ANONYMOUS")
        if login.idle:
            proton.idle_timeout = login.idle
        proton.bind(connection)
        connection.open()
        self._session.open()
        self._turn()

    def receive(self, address: str, credit: int) -> Deferred[None]:
        """Have messages of an address come, so many before one is settled; fires when they may."""
        if self.phase is not Phase.OPEN:
            return fail(self._why or AmqpLost("the connection is not open"))
        inbound = self._inbound = receiver_of(self._session, INBOUND, address)
        inbound.snd_settle_mode = Link.SND_UNSETTLED
        inbound.open()
        inbound.flow(credit)
        received: Deferred[None] = Deferred()
        self._received = received
        self._turn()
        return received

    def look_for(self, address: str) -> Deferred[None]:
        """
        Fires if there is such an address; where there is not, the connection may be lost.

        Some brokers accept what is sent to nowhere, but let nobody receive from there.
        """
        if self.phase is not Phase.OPEN:
            return fail(self._why or AmqpLost("the connection is not open"))
        self._numbers += 1
        name = f"look-{self._numbers}"
        there: Deferred[None] = Deferred()
        self._looking[name] = there
        receiver_of(self._session, name, address, self._login.kind).open()
        self._turn()
        return there

    def accept(self, delivery: Any) -> None:
        """The broker may forget a message, and send another."""
        if self.phase is Phase.OPEN:
            delivery.update(Delivery.ACCEPTED)
            delivery.settle()
            self._inbound.flow(1)
            self._turn()

    def send(self, address: str, message: Message | bytes) -> Deferred[None]:
        """Send a message, encoded or not; fires when it is accepted. Fails with AmqpLost."""
        if self.phase is not Phase.OPEN:
            return fail(self._why or AmqpLost("the connection is not open"))
        encoded = message if isinstance(message, bytes) else message.encode()
        done = self._senders.send(address, encoded)
        self._turn()
        return done

    def listen(self, wanted: bool) -> None:
        """Whether bytes that come are read; while they are not, silence means nothing."""
        transport: Any = self.transport
        if self.phase is Phase.OPEN:
            self._listening, self._heard = wanted, self._clock.seconds()
            if wanted:
                transport.resumeProducing()
            else:
                transport.pauseProducing()

    def close(self) -> None:
        """Close it in order; harmless when it is closed."""
        if self.phase is Phase.OPENING:
            self.abort("it was closed before it was open")
        elif self.phase is Phase.OPEN:
            self.listen(True)
            self.phase = Phase.CLOSING
            self._why = AmqpLost("it was closed")
            self._limit = self._clock.callLater(CLOSE_SECONDS, self.abort, "it was closed")
            self._connection.close()
            self._turn()

    def abort(self, why: str, *, refused: bool = False) -> None:
        """End it now."""
        if self._why is None:
            self._why = AmqpLost(why, refused=refused)
        transport: Any = self.transport
        if transport is not None and self.phase is not Phase.CLOSED:
            transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """The framework read bytes."""
        self._heard = self._clock.seconds()
        at = 0
        while at < len(data) and self.phase is not Phase.CLOSED:
            room = self._proton.capacity()
            if room <= 0:
                # Proton reads no more: it has said why, or will.
                self._turn()
                return
            part = data[at : at + min(room, MOST_PUSHED)]
            self._proton.push(part)
            at += len(part)
            self._turn()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The framework lost the connection."""
        why = self._why = self._why or AmqpLost(reason.getErrorMessage())
        was, self.phase = self.phase, Phase.CLOSED
        self._stop_limit()
        if self._ticks is not None:
            self._ticks.stop()
        # Proton's objects hold each other; nothing of it is needed any more.
        self._proton.unbind()
        self._connection.free()
        self._senders.lost(why)
        waiting, self._looking = [*self._looking.values()], {}
        if self._received is not None:
            waiting.append(self._received)
            self._received = None
        for done in waiting:
            done.errback(why)
        if was is Phase.OPENING:
            self.opened.errback(why)
        else:
            self._ended(why)

    def _turn(self) -> None:
        """All events, all bytes, and then whoever waited."""
        if self._turning or self.phase is Phase.CLOSED:
            return
        self._turning = True
        try:
            while (event := self._collector.peek()) is not None:
                self._happened(event)
                self._collector.pop()
            transport: Any = self.transport
            while (pending := self._proton.pending()) > 0:
                transport.write(bytes(self._proton.peek(pending) or b""))
                self._proton.pop(pending)
            if pending < 0:
                self._over()
        finally:
            self._turning = False
        # Who is told may ask for more, and so have others told before the rest of these.
        fired = self._fired[:]
        self._fired.clear()
        for fire in fired:
            fire()

    def _over(self) -> None:
        """Proton has nothing more to say: the connection has ended, in order or not."""
        if self.phase is Phase.OPENING and self._proton.sasl().outcome not in (None, SASL.OK):
            who = f"user {self._login.user!r}" if self._login.user else "who shows no user"
            self.abort(f"the broker does not let in {who}", refused=True)
        else:
            self.abort("the broker closed the connection")

    def _happened(self, event: Any) -> None:
        if (reaction := _REACTIONS.get(event.type)) is not None:
            reaction(self, event)

    def _opened_remotely(self, event: Any) -> None:
        if self.phase is not Phase.OPENING:
            return
        self._stop_limit()
        self.phase = Phase.OPEN
        idle = [each for each in (self._login.idle, self._proton.remote_idle_timeout) if each]
        if idle:
            self._ticks = LoopingCall(self._tick)
            self._ticks.clock = self._clock
            self._ticks.start(min(idle) / LOOKS, now=True)
        properties = dict(self._connection.remote_properties or {})
        self._fired.append(lambda: self.opened.callback(properties))

    def _tick(self) -> None:
        now, idle = self._clock.seconds(), self._login.idle
        if idle and self._listening and now - self._heard >= idle:
            self.abort(f"nothing was heard of the broker in {idle:g} seconds")
        # Proton says that we are here; it cannot know whether silence means anything.
        self._proton.idle_timeout = 0
        self._proton.tick(now)
        self._proton.idle_timeout = idle
        self._turn()

    def _closed_remotely(self, event: Any) -> None:
        why = said(self._connection.remote_condition)
        self.abort(f"the broker closed the connection: {why}", refused=True)

    def _session_closed(self, event: Any) -> None:
        why = said(event.session.remote_condition)
        self.abort(f"the broker closed the session: {why}", refused=True)

    def _failed(self, event: Any) -> None:
        condition = self._proton.condition
        name = condition.name if condition is not None else ""
        refused = name == "amqp:unauthorized-access"
        self.abort(f"the connection failed: {said(condition)}", refused=refused)

    def _link_opened(self, event: Any) -> None:
        link = event.link
        if not link.is_receiver or link.remote_source.address is None:
            # Without an address it is refused, and closed next.
            return
        there = self._looking.pop(link.name, None)
        if there is not None:
            link.close()
        elif link.name == INBOUND:
            there, self._received = self._received, None
        if there is not None:
            done = there
            self._fired.append(lambda: done.callback(None))

    def _link_closed(self, event: Any) -> None:
        """The broker ends a link: of the receiver all is over; of a sender what it was to send."""
        link = event.link
        if link.is_receiver and link.name != INBOUND and link.name not in self._looking:
            return
        if link.is_receiver:
            why = said(link.remote_condition)
            self.abort(f"the broker refuses {link.source.address!r}: {why}", refused=True)
            return
        self._senders.closed(link)

    def _flow_came(self, event: Any) -> None:
        if event.link.is_sender:
            self._senders.credit_came(event.link)

    def _delivery_changed(self, event: Any) -> None:
        delivery = event.delivery
        if not delivery.link.is_receiver:
            if delivery.updated:
                self._senders.outcome_came(delivery)
        elif delivery.readable or delivery.aborted:
            self._receiver.part_came(delivery)

    def _message_came(self, delivery: Any, encoded: bytes | None, size: int) -> None:
        if self.phase is Phase.OPEN:
            self._came(delivery, encoded, size)

    def _stop_limit(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None and limit.active():
            limit.cancel()


_REACTIONS: dict[Any, Callable[[AmqpClient, Any], None]] = {
    Event.CONNECTION_REMOTE_OPEN: AmqpClient._opened_remotely,
    Event.CONNECTION_REMOTE_CLOSE: AmqpClient._closed_remotely,
    Event.SESSION_REMOTE_CLOSE: AmqpClient._session_closed,
    Event.LINK_REMOTE_OPEN: AmqpClient._link_opened,
    Event.LINK_REMOTE_CLOSE: AmqpClient._link_closed,
    Event.LINK_REMOTE_DETACH: AmqpClient._link_closed,
    Event.LINK_FLOW: AmqpClient._flow_came,
    Event.DELIVERY: AmqpClient._delivery_changed,
    Event.TRANSPORT_ERROR: AmqpClient._failed,
}
