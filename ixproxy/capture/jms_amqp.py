"""
A link over AMQP 1.0.

There are no transactions that brokers agree on: copies are sent, and when the broker
has accepted all of a group, its messages are accepted.

A message whose body is a text (an AMQP value) is one of text; one whose body is
data is one of bytes. A copy is the whole message as it came, of whatever
kind, with a few more properties; where that cannot be written, such as with
properties whose names are no texts, it is the body alone.

RabbitMQ 3 accepts what is sent to a queue that is not there, and drops it. So
names of queues become "/queue/NAME", which it makes where they are missing;
for queues of another type, which cannot be made so, it is asked whether they
are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from proton import Message
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import clientFromString

from ixproxy.brokers.amqp import AmqpClient, AmqpLogin
from ixproxy.brokers.amqp_links import AmqpLost
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

ENVELOPE = 65_536
"""Bytes that a message may have beside its body."""


async def open_link(
    reactor: Any, address: str, settings: JmsSettings, password: str, came: Came, ended: Ended
) -> AmqpLink:
    """
    Connect to a broker, and have the messages of the inbound queue come.

    :raise LinkLost: that cannot be done; nothing is left open.
    """
    login = AmqpLogin(settings.user, password, virtual_host(settings), settings.heart_beat * 2)
    link = AmqpLink(settings, came, ended)
    most = settings.max_message_size + ENVELOPE
    client = AmqpClient(reactor, login, link.message_came, link.lost, most)
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


def virtual_host(settings: JmsSettings) -> str:
    """What the broker is asked for: the field's "/" is the one that it has by itself."""
    return "" if settings.virtual_host == "/" else f"vhost:{settings.virtual_host}"


class AmqpLink:
    """
    See `ixproxy.capture.jms_words.Link`.

    :ivar open: whoever opened it has it, and wants to know when it is lost.
    """

    def __init__(self, settings: JmsSettings, came: Came, ended: Ended) -> None:
        self._settings = settings
        self._came = came
        self._ended = ended
        self._client: AmqpClient | None = None
        self._rabbitmq = False
        self.product = ""
        self.open = False

    def connected(self, client: AmqpClient, said: Mapping[str, Any]) -> None:
        """The broker has accepted the connection."""
        self._client = client
        name, version = (str(said.get(key, "")) for key in ("product", "version"))
        self.product = "/".join(filter(None, (name, version)))[:60] or "unknown"
        self._rabbitmq = name == "RabbitMQ"

    async def subscribe(self) -> None:
        """Have messages come. :raise AmqpLost: the broker refuses."""
        settings, client = self._settings, self._client_now()
        if self._rabbitmq and settings.queue_type != "classic":
            for queue in (
                settings.processed_queue,
                settings.error_queue,
                settings.notification_queue,
            ):
                if queue:
                    await client.look_for(self._to(queue))
        await client.receive(self._to(settings.inbound_queue), settings.prefetch)

    def message_came(self, delivery: Any, encoded: bytes | None, size: int) -> None:
        """The broker sent a message."""
        self._came(received(delivery, encoded, size))

    def lost(self, why: AmqpLost) -> None:
        """The connection is no more."""
        if self.open:
            self._ended(LinkLost(str(why)))

    def settle(self, settled: Sequence[Settled]) -> Deferred[None]:
        """See `Link.settle`."""
        return Deferred.fromCoroutine(self._settled(settled))

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

    def _client_now(self) -> AmqpClient:
        assert self._client is not None
        return self._client

    def _to(self, queue: str) -> str:
        """The address of a queue; what begins with a slash is one already."""
        if queue.startswith("/") or not self._rabbitmq:
            return queue
        kind = "/queue/" if self._settings.queue_type == "classic" else "/amq/queue/"
        return kind + queue

    async def _settled(self, settled: Sequence[Settled]) -> None:
        client = self._client_now()
        copies = [(self._to(each.queue), encoded_copy(each)) for each in settled if each.queue]
        try:
            await _all([client.send(*copy) for copy in copies])
        except AmqpLost as problem:
            # Without a copy nothing can be settled: all comes again by another connection.
            client.abort(str(problem), refused=problem.refused)
            raise LinkLost(str(problem), refused=problem.refused) from problem
        for each in settled:
            client.accept(each.message.token[0])

    async def _sent(self, outgoing: Sequence[Outgoing]) -> None:
        client = self._client_now()
        try:
            await _all(
                [client.send(self._to(each.queue), self._message(each)) for each in outgoing]
            )
        except AmqpLost as problem:
            raise LinkLost(str(problem), refused=problem.refused) from problem

    def _message(self, outgoing: Outgoing) -> Message:
        # Text in AMQP is Unicode; what is not UTF-8 can only go out as bytes.
        body: bytes | str = outgoing.body
        if self._settings.text:
            body = _as_text(outgoing.body)
        return Message(
            body=body,
            inferred=isinstance(body, bytes),
            durable=True,
            id=outgoing.name or None,
            correlation_id=outgoing.correlation or None,
            properties=dict(outgoing.properties),
        )


def received(delivery: Any, encoded: bytes | None, size: int) -> Received:
    """What a delivery says."""
    if encoded is None:
        return Received(b"", skipped=size, token=(delivery, None))
    message = Message()
    try:
        message.decode(encoded)
    except Exception:
        # Bytes may mean what Proton reads and Python cannot hold, such as bytes as a name.
        return Received(encoded, token=(delivery, None))
    body, text = _body(message)
    if message.body is None:
        # It has no body, or is no message of AMQP's own form, which Proton does not always
        # say: what came is what is kept.
        body, kept = encoded, None
    else:
        kept = message
    return Received(
        body,
        name=_name(message.id),
        correlation=_name(message.correlation_id),
        reply_to=message.reply_to or "",
        text=text,
        deliveries=message.delivery_count or int(not message.first_acquirer),
        token=(delivery, kept),
    )


def _body(message: Message) -> tuple[bytes, bool]:
    """The bytes of a body, and whether it is a text; none of what is neither."""
    if isinstance(message.body, bytes | memoryview | bytearray):
        return bytes(message.body), False
    if isinstance(message.body, str):
        return message.body.encode("utf-8", "surrogatepass"), True
    return b"", False


def _name(given: Any) -> str:
    """A message id, which may be a text, a number, a UUID or bytes."""
    if given is None:
        return ""
    return bytes(given).hex() if isinstance(given, bytes | memoryview) else str(given)


def _as_text(body: bytes) -> bytes | str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def copy_of(settled: Settled) -> Message:
    """A message once more, for another queue."""
    kept: Message | None = settled.message.token[1]
    message = kept or Message(body=settled.message.body, inferred=True)
    properties: Any = dict(message.properties or {})
    message.ttl = 0
    message.expiry_time = 0
    message.delivery_count = 0
    message.instructions = None
    if settled.message.name:
        properties[ORIGINAL_ID] = settled.message.name
    properties.update(settled.properties)
    message.properties = properties
    message.durable = True
    return message


def encoded_copy(settled: Settled) -> bytes:
    """A message once more: all of it, or its body alone where the rest cannot be written."""
    try:
        return bytes(copy_of(settled).encode())
    except Exception:
        # What Proton reads it does not always write; the message must be settled all the same.
        kept: Message | None = settled.message.token[1]
        body: Any = settled.message.body if kept is None else kept.body
        token = (None, Message(body=body, inferred=kept is None or kept.inferred))
        return bytes(
            copy_of(replace(settled, message=replace(settled.message, token=token))).encode()
        )


async def _all(waiting: Sequence[Deferred[None]]) -> None:
    """Wait for all; the first failure is that of all."""
    for done in waiting:
        done.addErrback(lambda failure: failure.value)
    for outcome in await gatherResults(waiting):
        if isinstance(outcome, Exception):
            raise outcome
