"""
A link over STOMP 1.2, with what brokers make of it differently.

* RabbitMQ's `message-id` is another at each delivery; what the sender called the
  message is `amqp-message-id`. Its transactions are not of one piece when it
  is killed, and the receipt of a COMMIT is there before the copies are durable:
  so copies are sent with receipts, and the messages acknowledged after these.
  What was sent to it in AMQP 1.0 as a text it hands on in that encoding, which
  nobody can read here; what was sent as data is the same in both.
* Elsewhere, in ActiveMQ, copies and acknowledgements are one transaction, and
  the `message-id` stays the same. There a message with a `content-length` is
  one of bytes, one without is a text. What is given back by NACK it puts
  away, so nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import clientFromString

from ixproxy.brokers.quietly import connect_quietly
from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_words import (
    ORIGINAL_ID,
    Came,
    Ended,
    LinkLost,
    Outgoing,
    Received,
    Settled,
)
from ixproxy.capture.stomp import Login, StompClient, StompLost
from ixproxy.capture.stomp_frames import Frame

SUBSCRIPTION = "0"

_NAMES = ("amqp-message-id", "JMSMessageID")
"""Headers in which RabbitMQ gives what the sender called a message."""

_OF_THE_BROKER = frozenset(
    {
        "ack", "content-length", "destination", "expires", "message-id", "persistent", "receipt",
        "redelivered", "subscription", "timestamp", "transaction", "transformation",
    }
)  # fmt: skip
"""Headers of a message that its copy gets anew, or not at all."""


async def open_link(
    reactor: Any, address: str, settings: JmsSettings, password: str, came: Came, ended: Ended
) -> StompLink:
    """
    Connect to a broker, and subscribe to the inbound queue.

    :raise LinkLost: that cannot be done; nothing is left open.
    """
    login = Login(settings.user, password, settings.virtual_host, settings.heart_beat)
    link = StompLink(settings, came, ended)
    client = StompClient(reactor, login, link.message_came, link.lost, settings.max_message_size)
    try:
        await connect_quietly(clientFromString(reactor, address), client)
        link.connected(client, await client.opened)
        await link.subscribe()
        link.open = True
    except Exception as problem:
        # Whatever an endpoint raises, nobody is there.
        client.abort("it is of no use")
        raise LinkLost(str(problem) or type(problem).__name__) from problem
    return link


class StompLink:
    """
    See `ixproxy.capture.jms_words.Link`.

    :ivar product: from the broker's CONNECTED.
    :ivar open: whoever opened it has it, and wants to know when it is lost.
    """

    def __init__(self, settings: JmsSettings, came: Came, ended: Ended) -> None:
        self._settings = settings
        self._came = came
        self._ended = ended
        self._client: StompClient | None = None
        self._subscribed = False
        self._transactions = 0
        self._rabbitmq = False
        self.product = ""
        self.open = False

    def connected(self, client: StompClient, said: Mapping[str, str]) -> None:
        """The broker has accepted the connection."""
        self._client = client
        self.product = said.get("server", "").split(" ")[0][:60] or "unknown"
        self._rabbitmq = self.product.startswith("RabbitMQ")

    async def subscribe(self) -> None:
        """Have messages come. :raise StompLost: the broker refuses."""
        many = str(self._settings.prefetch)
        headers = {
            "id": SUBSCRIPTION,
            "ack": "client-individual",
            "prefetch-count": many,
            "activemq.prefetchSize": many,
            **self._to(self._settings.inbound_queue),
        }
        if self._rabbitmq:
            del headers["activemq.prefetchSize"]
        # Messages may come before the receipt does.
        self._subscribed = True
        await self._client_now().request(Frame("SUBSCRIBE", headers))

    def message_came(self, frame: Frame) -> None:
        """The broker sent a message."""
        if self._subscribed:
            self._came(received(frame, rabbitmq=self._rabbitmq))

    def lost(self, why: StompLost) -> None:
        """The connection is no more."""
        if self.open:
            self._ended(LinkLost(str(why)))

    def settle(self, settled: Sequence[Settled]) -> Deferred[None]:
        """See `Link.settle`."""
        settling = self._confirmed(settled) if self._rabbitmq else self._committed(settled)
        return Deferred.fromCoroutine(settling)

    def send(self, outgoing: Sequence[Outgoing]) -> Deferred[None]:
        """See `Link.send`."""
        return Deferred.fromCoroutine(self._sent(outgoing))

    def listen(self, wanted: bool) -> None:
        """See `Link.listen`."""
        self._client_now().listen(wanted)

    def drop(self, why: str) -> None:
        """See `Link.drop`."""
        self._client_now().abort(why)

    def close(self) -> None:
        """See `Link.close`."""
        self._client_now().close()

    def _client_now(self) -> StompClient:
        assert self._client is not None
        return self._client

    def _to(self, queue: str) -> dict[str, str]:
        """The headers that name a queue; what begins with a slash is a destination already."""
        destination = queue if queue.startswith("/") else f"/queue/{queue}"
        headers = {"destination": destination}
        kind = self._settings.queue_type
        if self._rabbitmq and kind != "classic" and destination.startswith("/queue/"):
            headers["x-queue-type"] = kind
        return headers

    async def _confirmed(self, settled: Sequence[Settled]) -> None:
        """Copies that the broker has confirmed, and then the acknowledgements."""
        try:
            copies = [self._request(*self._copy(each)) for each in settled if each.queue]
            await _all(copies)
            await _all([self._request(self._ack(each.message)) for each in settled])
        except StompLost as problem:
            raise LinkLost(str(problem), refused=problem.refused) from problem

    async def _committed(self, settled: Sequence[Settled]) -> None:
        """Copies and acknowledgements in one transaction."""
        self._transactions += 1
        client, within = self._client_now(), {"transaction": f"t{self._transactions}"}
        client.send(Frame("BEGIN", within))
        for each in settled:
            if each.queue:
                copy, text = self._copy(each)
                client.send(_within(copy, within), text=text)
            client.send(_within(self._ack(each.message), within))
        try:
            await client.request(Frame("COMMIT", within))
        except StompLost as problem:
            raise LinkLost(str(problem), refused=problem.refused) from problem

    async def _sent(self, outgoing: Sequence[Outgoing]) -> None:
        frames = [self._frame(each) for each in outgoing]
        client = self._client_now()
        try:
            if self._rabbitmq or len(frames) == 1:
                await _all([self._request(frame, self._is_text(frame)) for frame in frames])
            elif frames:
                self._transactions += 1
                within = {"transaction": f"t{self._transactions}"}
                client.send(Frame("BEGIN", within))
                for frame in frames:
                    client.send(_within(frame, within), text=self._is_text(frame))
                await client.request(Frame("COMMIT", within))
        except StompLost as problem:
            raise LinkLost(str(problem), refused=problem.refused) from problem

    def _is_text(self, frame: Frame) -> bool:
        return self._settings.text and b"\0" not in frame.body

    def _request(self, frame: Frame, text: bool = False) -> Deferred[None]:
        return self._client_now().request(frame, text=text)

    def _ack(self, message: Received) -> Frame:
        return Frame("ACK", {"id": message.token})

    def _copy(self, settled: Settled) -> tuple[Frame, bool]:
        """A message once more, for another queue; whether it is a text."""
        message = settled.message
        headers = {**message.properties, **self._to(settled.queue), "persistent": "true"}
        if message.correlation:
            headers["correlation-id"] = message.correlation
        if message.reply_to:
            headers["reply-to"] = message.reply_to
        if message.name:
            headers[ORIGINAL_ID] = message.name
            if self._rabbitmq:
                headers["amqp-message-id"] = message.name
        text = message.text and b"\0" not in message.body
        headers |= settled.properties
        return Frame("SEND", _without_nul(headers), message.body), text

    def _frame(self, outgoing: Outgoing) -> Frame:
        headers = {**outgoing.properties, **self._to(outgoing.queue), "persistent": "true"}
        if outgoing.correlation:
            headers["correlation-id"] = outgoing.correlation
        if self._rabbitmq and outgoing.name:
            headers["amqp-message-id"] = outgoing.name
        return Frame("SEND", _without_nul(headers), outgoing.body)


def received(frame: Frame, *, rabbitmq: bool) -> Received:
    """What a MESSAGE says."""
    headers = frame.headers
    names = _NAMES if rabbitmq else ("message-id",)
    known = {*_OF_THE_BROKER, *_NAMES, "correlation-id", "reply-to"}
    properties = {
        name: value
        for name, value in headers.items()
        if name not in known and not name.startswith("x-")
    }
    return Received(
        frame.body,
        name=next((headers[name] for name in names if headers.get(name)), ""),
        correlation=headers.get("correlation-id", ""),
        reply_to=headers.get("reply-to", ""),
        text=not rabbitmq and "content-length" not in headers,
        deliveries=_deliveries(headers),
        skipped=frame.skipped,
        token=headers.get("ack", ""),
        properties=properties,
    )


def _deliveries(headers: Mapping[str, str]) -> int:
    """How often the message was given before: brokers that do not count say whether it was."""
    count = headers.get("x-delivery-count", "")
    if count.isascii() and count.isdecimal() and len(count) < 10:
        return int(count)
    return int(headers.get("redelivered") == "true")


def _without_nul(headers: Mapping[str, str]) -> dict[str, str]:
    """Senders in another protocol may have said what STOMP cannot."""
    return {
        name: value.replace("\0", "\ufffd") for name, value in headers.items() if "\0" not in name
    }


def _within(frame: Frame, transaction: Mapping[str, str]) -> Frame:
    return Frame(frame.command, {**frame.headers, **transaction}, frame.body)


async def _all(waiting: Sequence[Deferred[None]]) -> None:
    """Wait for all; where they fail they fail together, by one reason."""
    for done in waiting:
        done.addErrback(lambda failure: failure.value)
    for outcome in await gatherResults(waiting):
        if isinstance(outcome, Exception):
            raise outcome
