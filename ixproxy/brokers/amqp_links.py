"""
The links of an AMQP 1.0 session: to where messages go, and from where they come.

A sender holds what it is to send until the broker gives it credit, and what
is sent until the broker says what became of it. A receiver puts together the
parts of a message, which may come in many frames, and keeps no more of them
than is allowed. Neither calls anybody while Proton's events are looked at: what is
to be called is handed to `fire`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proton import Delivery, Link, Terminus, symbol
from twisted.internet.defer import Deferred

from ixproxy.errors import IxproxyError

MOST_SENDERS = 64
"""Addresses to which there is a link at a time; one that is not used makes room."""

_OUTCOMES = {
    Delivery.REJECTED: "rejected",
    Delivery.RELEASED: "released",
    Delivery.MODIFIED: "given back",
}

Fire = Callable[[Callable[[], object]], None]


class AmqpLost(IxproxyError):
    """
    What was asked for is not done, or nobody knows.

    :ivar refused: the broker said why; the connection may be there still.
    """

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


@dataclass(slots=True, eq=False)
class _Sender:
    """A link to one address, and what waits for its credit or its outcome."""

    address: str
    link: Any
    waiting: deque[tuple[bytes, Deferred[None]]] = field(default_factory=deque)
    sent: dict[str, Deferred[None]] = field(default_factory=dict)


class Senders:
    """
    The links by which a session sends.

    :param kind: see `as_kind`.
    """

    def __init__(self, session: Any, fire: Fire, kind: str = "") -> None:
        self._session = session
        self._fire = fire
        self._kind = kind
        self._by_address: dict[str, _Sender] = {}
        self._by_name: dict[str, _Sender] = {}
        self._numbers = 0

    def send(self, address: str, encoded: bytes) -> Deferred[None]:
        """Send a message as soon as there is credit; fires when the broker has accepted it."""
        sender = self._by_address.get(address) or self._open(address)
        done: Deferred[None] = Deferred()
        sender.waiting.append((encoded, done))
        self._give(sender)
        return done

    def _open(self, address: str) -> _Sender:
        if len(self._by_address) >= MOST_SENDERS:
            idle = (
                each for each in self._by_address.values() if not each.waiting and not each.sent
            )
            if (unused := next(idle, None)) is not None:
                self._forget(unused)
        self._numbers += 1
        link = self._session.sender(f"outbound-{self._numbers}")
        link.target.address = address
        link.target.durability = Terminus.DELIVERIES
        as_kind(link.target, self._kind)
        link.snd_settle_mode = Link.SND_UNSETTLED
        link.open()
        sender = self._by_address[address] = self._by_name[link.name] = _Sender(address, link)
        return sender

    def _forget(self, sender: _Sender) -> None:
        self._by_name.pop(sender.link.name, None)
        if self._by_address.get(sender.address) is sender:
            del self._by_address[sender.address]
        sender.link.close()

    def credit_came(self, link: Any) -> None:
        """The broker takes more by a link."""
        if (sender := self._by_name.get(link.name)) is not None:
            self._give(sender)

    def _give(self, sender: _Sender) -> None:
        while sender.waiting and sender.link.credit > 0:
            encoded, done = sender.waiting.popleft()
            self._numbers += 1
            tag = f"d{self._numbers}"
            sender.link.delivery(tag)
            sender.link.send(encoded)
            sender.link.advance()
            sender.sent[tag] = done

    def outcome_came(self, delivery: Any) -> None:
        """The broker says what became of a message."""
        sender = self._by_name.get(delivery.link.name)
        done = sender.sent.pop(delivery.tag, None) if sender is not None else None
        state, why = delivery.remote_state, said(delivery.remote.condition)
        delivery.settle()
        if sender is None or done is None:
            return
        if state == Delivery.ACCEPTED:
            self._fire(lambda: done.callback(None))
        else:
            outcome = _OUTCOMES.get(state, "not accepted")
            lost = AmqpLost(f"a message for {sender.address!r} was {outcome}: {why}", refused=True)
            self._fire(lambda: done.errback(lost))

    def closed(self, link: Any) -> None:
        """The broker ends a link, and with it what was to be sent by it."""
        if (sender := self._by_name.get(link.name)) is not None:
            self._forget(sender)
            why = said(link.remote_condition)
            lost = AmqpLost(f"the broker refuses {sender.address!r}: {why}", refused=True)
            self._fire(lambda: _fail(sender, lost))

    def lost(self, why: AmqpLost) -> None:
        """The connection is no more."""
        senders = list(self._by_name.values())
        self._by_address.clear()
        self._by_name.clear()
        for sender in senders:
            _fail(sender, why)


class Receiver:
    """
    Puts messages together from their parts.

    :param most: bytes of an encoded message; of a longer one only the length is kept.
    :param came: called with the delivery, its bytes or None, and how many there were.
    """

    def __init__(
        self, most: int, fire: Fire, came: Callable[[Any, bytes | None, int], object]
    ) -> None:
        self._most = most
        self._fire = fire
        self._came = came
        self._parts: list[bytes] = []
        self._size = 0

    def part_came(self, delivery: Any) -> None:
        """More of a message is here, or it is withdrawn."""
        link = delivery.link
        if delivery.aborted:
            self._parts, self._size = [], 0
            delivery.settle()
            link.flow(1)
            return
        while delivery.pending and (part := link.recv(delivery.pending)):
            self._size += len(part)
            if self._size <= self._most:
                self._parts.append(part)
            else:
                self._parts = []
        if delivery.partial or not delivery.readable:
            return
        link.advance()
        size, parts = self._size, self._parts
        self._parts, self._size = [], 0
        encoded = b"".join(parts) if size <= self._most else None
        self._fire(lambda: self._came(delivery, encoded, size))


def as_kind(terminus: Any, kind: str) -> None:
    """
    Say of what kind an address is, for brokers that have several by one name; others do not mind.

    :param kind: "queue", or "": whatever the broker likes, such as a topic.
    """
    if kind:
        terminus.capabilities.put_symbol(symbol(kind))


def receiver_of(session: Any, name: str, address: str, kind: str = "") -> Any:
    """A link by which the messages of an address come, not open yet; `kind`: see `as_kind`."""
    link = session.receiver(name)
    link.source.address = address
    link.source.durability = Terminus.DELIVERIES
    as_kind(link.source, kind)
    return link


def _fail(sender: _Sender, why: AmqpLost) -> None:
    """Nothing that was to be sent, or was, will have an outcome."""
    waiting = [done for _, done in sender.waiting] + list(sender.sent.values())
    sender.waiting.clear()
    sender.sent.clear()
    for done in waiting:
        done.errback(why)


def said(condition: Any) -> str:
    """What a condition says, on one line that is not too long."""
    if condition is None:
        return "it does not say why"
    text = ": ".join(filter(None, (str(condition.name or ""), str(condition.description or ""))))
    return " ".join(text.split())[:300] or "it does not say why"
