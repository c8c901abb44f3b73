"""
The capture point `jms`: documents are messages of a queue of a broker.

Theory of operation:

    idle --begin--> connecting --open--> connected
                      ^    |               |
                      |  failed          lost
                      +-- waiting <--------+            end: from all of them to ended

One connection at a time, to one of the addresses; after a whole round of them
without success, or a connection that did not last, there is a pause. What
comes goes through an `Inbox` of the connection; what is told goes out by the
same connection, or is refused, and then told again by the node.

A message that was taken is copied to the processed queue, one that cannot be read
to the error queue with the reason, and only then forgotten by the broker. Both
copies are what came, byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.capture import jms_stomp
from ixproxy.capture.asking import read_secret
from ixproxy.capture.complaining import Complaint
from ixproxy.capture.jms_inbox import Inbox
from ixproxy.capture.jms_settings import STOMP, JmsSettings, read_settings
from ixproxy.capture.jms_words import (
    CAPTURE_POINT,
    EVENT_ID,
    OPERATION,
    Came,
    Ended,
    Link,
    LinkLost,
    Outgoing,
    Received,
)
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_reading import read_document
from ixproxy.capture.xml_writing import write_notification
from ixproxy.errors import ConfigError
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.node.intake_work import Document, Notification, Said

log = Logger()

Opening = Callable[[Any, str, JmsSettings, str, Came, Ended], Coroutine[Deferred[Any], Any, Link]]
Reading = Callable[..., Document]
Writing = Callable[[Notification], bytes]

MESSAGE, CORRELATION, REPLY_TO = "message", "correlation", "reply-to"
"""Of a Document's correlation: the message's id, its correlation id, and where it wants replies."""

_COUNTS = (
    "received", "redelivered", "taken", "repeated", "later", "errors", "too_large", "settled",
    "told", "connections",
)  # fmt: skip

LONGEST_ID = 4096
"""Characters of a message's id, correlation id or queue for replies."""

MOST_UNREACHABLE = 1_000

_DECLARED = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


@implementer(ICapturePoint)
class JmsCapturePoint:
    """
    See `ICapturePoint`.

    :param opens: makes a link; that of `jms_stomp` or of `jms_amqp`.
    :param read: makes a Document of bytes, `receipt` and `correlation`.
    :param write: makes bytes of a Notification.
    """

    def __init__(
        self, settings: JmsSettings, opens: Opening, read: Reading, write: Writing
    ) -> None:
        self._settings = settings
        self._opens = opens
        self._read = read
        self._write = write
        self._intake: Any = None
        self._link: Link | None = None
        self._inbox: Inbox | None = None
        self._opening: Deferred[Link] | None = None
        self._connects: Any = None
        self._began = 0.0
        self._address = 0
        self._state = "idle"
        self._complaint: Complaint | None = None
        self._ended: Deferred[None] | None = None
        self._counts = dict.fromkeys(_COUNTS, 0)
        self._without_name = 0
        self._early: list[Received] = []
        self._unreachable: set[str] = set()
        self.wanted: frozenset[Said] = (
            settings.notifications if settings.notification_queue else frozenset()
        )

    def begin(self, intake: Any) -> None:
        """See `ICapturePoint.begin`."""
        self._intake = intake
        self._complaint = Complaint(log, intake.name)
        self._connect()

    def end(self) -> Deferred[None]:
        """See `ICapturePoint.end`."""
        self._state = "ended"
        if self._connects is not None:
            self._connects.cancel()
            self._connects = None
        if self._inbox is not None:
            self._inbox.close()
        if self._opening is not None:
            self._opening.cancel()
        if self._link is None:
            return succeed(None)
        self._ended = Deferred()
        self._link.close()
        return self._ended

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        """See `ICapturePoint.tell`."""
        outgoing = [told for each in notifications if (told := self._outgoing(each)) is not None]
        if not outgoing:
            return succeed(None)
        if self._link is None or self._state != "connected":
            return fail(LinkLost(f"there is no connection to the broker ({self._state})"))
        sending = self._link.send(outgoing)
        return sending.addCallbacks(
            self._told, self._not_told, (len(outgoing),), errbackArgs=(outgoing,)
        )

    def figures(self) -> Mapping[str, object]:
        """See `ICapturePoint.figures`."""
        inbox, link = self._inbox, self._link
        complaint = self._complaint.text if self._complaint is not None else ""
        state = f"{self._state}: {complaint}" if complaint else self._state
        return {
            "state": state[:300],
            "protocol": self._settings.protocol,
            "address": self._settings.addresses[self._address][:100],
            "broker": link.product if link is not None else "",
            "queue": self._settings.inbound_queue[:100],
            "waiting": inbox.waiting if inbox is not None else 0,
            "in_flight": inbox.in_flight if inbox is not None else 0,
            "without_id": self._without_name,
            **self._counts,
        }

    def _connect(self) -> None:
        """Try the address whose turn it is."""
        self._connects = None
        self._state = "connecting"
        self._began = self._intake.reactor.seconds()
        self._early = []
        file = self._settings.password_file
        try:
            password = read_secret(file) if file else ""
        except ValueError as problem:
            self._failed(Failure(LinkLost(f"password-file: {problem}")))
            return
        address = self._settings.addresses[self._address]
        opening = self._opens(
            self._intake.reactor, address, self._settings, password, self._came, self._lost
        )
        self._opening = Deferred.fromCoroutine(opening)
        self._opening.addCallbacks(self._connected, self._failed)
        self._opening.addErrback(self._broke)

    def _came(self, message: Received) -> None:
        """A message, perhaps before the link is known."""
        if self._inbox is None:
            self._early.append(message)
        else:
            self._inbox.came(message)

    def _connected(self, link: Link) -> None:
        self._opening = None
        if self._state == "ended":
            link.close()
            return
        self._counts["connections"] += 1
        self._state = "connected"
        self._link = link
        inbox = Inbox(self._settings, self._intake, link, self._document, self._counts)
        self._inbox = inbox
        log.info(
            "Capture point {name} reads {queue} of {product} at {address}",
            name=self._intake.name,
            queue=self._settings.inbound_queue,
            product=link.product,
            address=self._settings.addresses[self._address],
        )
        early, self._early = self._early, []
        for message in early:
            inbox.came(message)

    def _failed(self, failure: Failure) -> None:
        """Nobody is there, or nobody who lets us in."""
        failure.trap(LinkLost)
        self._opening = None
        if self._state == "ended":
            return
        self._complain(failure.value)
        self._address = (self._address + 1) % len(self._settings.addresses)
        self._connect_in(0 if self._address else self._settings.reconnect_timeout)

    def _lost(self, problem: LinkLost) -> None:
        """The connection is no more."""
        self._link = None
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None
        if self._state == "ended":
            if self._ended is not None:
                self._ended.callback(None)
            return
        self._complain(problem)
        lasted = self._intake.reactor.seconds() - self._began
        pause = self._settings.reconnect_timeout
        self._connect_in(0 if lasted > pause else pause)

    def _connect_in(self, seconds: float) -> None:
        self._state = "waiting"
        self._connects = self._intake.reactor.callLater(seconds, self._connect)

    def _complain(self, problem: BaseException | None) -> None:
        if self._complaint is not None:
            self._complaint.about(f"{self._settings.addresses[self._address]}: {problem}")

    def _broke(self, failure: Failure) -> None:
        log.failure("Capture point {name} broke", failure=failure, name=self._intake.name)

    def _document(self, message: Received) -> Document:
        """
        What a message asks for.

        :raise DocumentRefused: nothing of it can be used.
        """
        if message.text and (problem := wrong_with_text(message.body)):
            raise DocumentRefused(problem)
        said = {
            MESSAGE: message.name,
            CORRELATION: message.correlation,
            REPLY_TO: message.reply_to if self._settings.use_reply_to else "",
        }
        for what, value in said.items():
            if len(value) > LONGEST_ID:
                raise DocumentRefused(
                    f"its {what} id has {len(value)} characters, {LONGEST_ID} are allowed"
                )
        if not message.name:
            self._without_name += 1
            if self._without_name == 1:
                log.warn(
                    "Capture point {name}: messages come without an id; "
                    "whoever sends them again does so unnoticed",
                    name=self._intake.name,
                )
        document = self._read(
            message.body,
            receipt=message.name,
            correlation={what: value for what, value in said.items() if value},
        )
        replies = bool(self._settings.notification_queue or said[REPLY_TO])
        return structs.replace(document, replies=replies)

    def _outgoing(self, told: Notification) -> Outgoing | None:
        """The message that tells it; None: there is no queue for it."""
        queue, correlation = self._settings.notification_queue, ""
        if told.reply:
            wanted = CORRELATION if self._settings.use_correlation_id else MESSAGE
            correlation = told.correlation.get(wanted, "")
            to = told.correlation.get(REPLY_TO, "") if self._settings.use_reply_to else ""
            if to and to not in self._unreachable:
                queue = to
        if not queue:
            return None
        name = f"{told.dbid}-{told.number}"
        return Outgoing(
            queue,
            self._write(told),
            name=name,
            correlation=correlation,
            properties={
                CAPTURE_POINT: self._intake.name,
                OPERATION: told.said.value,
                EVENT_ID: name,
            },
        )

    def _told(self, _: None, count: int) -> None:
        self._counts["told"] += count

    def _not_told(self, failure: Failure, outgoing: Sequence[Outgoing]) -> Failure:
        """A queue for replies, named by a message, that the broker refuses is not used again."""
        if isinstance(failure.value, LinkLost) and failure.value.refused:
            own = self._settings.notification_queue
            if len(self._unreachable) > MOST_UNREACHABLE:
                self._unreachable.clear()
            self._unreachable.update(each.queue for each in outgoing if each.queue != own)
        return failure


def wrong_with_text(body: bytes) -> str:
    """
    Why a text message, which comes in UTF-8, cannot be read; empty: it can.

    What it declares must be what it is, as the field demands.
    """
    declared = _DECLARED.match(body)
    if declared is None or body.isascii():
        return ""
    name = declared[1].decode()
    if name.upper() in ("UTF-8", "UTF8"):
        return ""
    return (
        f"it is a text message, which comes in UTF-8, and declares the encoding {name}: "
        "declare UTF-8, or send it as bytes"
    )


def make(settings: Mapping[str, object]) -> JmsCapturePoint:
    """
    What the plug-in `jms` names.

    :raise ixproxy.errors.ConfigError: a setting is unknown or unusable.
    """
    read = read_settings(settings)
    return JmsCapturePoint(read, opening_for(read), read_document, write_notification)


def opening_for(settings: JmsSettings) -> Opening:
    """
    What makes links of the protocol.

    :raise ConfigError: it needs a library that is not installed.
    """
    if settings.protocol == STOMP:
        return jms_stomp.open_link
    try:
        from ixproxy.capture import jms_amqp
    except ImportError as problem:
        text = f"AMQP 1.0 needs python-qpid-proton: pip install 'ixproxy[amqp]' ({problem})"
        raise ConfigError(text) from problem
    return jms_amqp.open_link
