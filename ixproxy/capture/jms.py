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

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.brokers.complaining import Complaint
from ixproxy.brokers.secret_file import read_secret
from ixproxy.capture import jms_stomp
from ixproxy.capture.file_jobs import Jobs
from ixproxy.capture.jms_inbox import Inbox
from ixproxy.capture.jms_settings import STOMP, JmsSettings, read_settings
from ixproxy.capture.jms_telling import Telling
from ixproxy.capture.jms_words import Came, Ended, Link, LinkLost, Received
from ixproxy.errors import ConfigError, NotTold
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.node.intake_settings import UNSOLICITED
from ixproxy.node.intake_work import Notification

log = Logger()

Opening = Callable[[Any, str, JmsSettings, str, Came, Ended], Coroutine[Deferred[Any], Any, Link]]
TELL = "tell"

_COUNTS = (
    "received", "redelivered", "without_id", "too_large", "taken", "repeated", "later", "errors",
    "settled", "unsettled", "told", "connections",
)  # fmt: skip


@implementer(ICapturePoint)
class JmsCapturePoint:
    """
    See `ICapturePoint`.

    :param opens: makes a link; that of `jms_stomp` or of `jms_amqp`.
    """

    def __init__(self, settings: JmsSettings, opens: Opening) -> None:
        self._settings = settings
        self._opens = opens
        self._intake: Any = None
        self._link: Link | None = None
        self._inbox: Inbox | None = None
        self._opening: Deferred[Link] | None = None
        self._connects: Any = None
        self._settles_in: Any = None
        self._began = 0.0
        self._address = 0
        self._state = "idle"
        self._complaint: Complaint | None = None
        self._ended: Deferred[None] | None = None
        self._counts: Counter[str] = Counter()
        self._jobs: Jobs | None = None
        self._telling: Telling | None = None
        self._early: list[Received] = []
        self.wanted = UNSOLICITED if settings.notification_queue else frozenset()

    def begin(self, intake: Any) -> None:
        """See `ICapturePoint.begin`."""
        self._settings.forms.begin(intake.name)
        self._intake = intake
        self._complaint = Complaint(log, intake.name)
        self._jobs = Jobs(intake.reactor)
        self._telling = Telling(self._settings, intake.name)
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
        waiting: list[Deferred[None]] = []
        if self._link is not None:
            self._ended = Deferred()
            waiting.append(self._ended)
            self._link.close()
        if self._jobs is not None:
            waiting.append(self._jobs.settled())
        return gatherResults(waiting).addCallback(lambda _: self._settings.forms.close())

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        """See `ICapturePoint.tell`."""
        return Deferred.fromCoroutine(self._tell(notifications))

    async def _tell(self, notifications: Sequence[Notification]) -> None:
        if not notifications or self._telling is None or self._jobs is None:
            return
        if self._state == "ended":
            raise NotTold("the term of this capture point is over")
        outgoing, faults = await self._jobs.do(TELL, self._telling.write, notifications)
        if not outgoing:
            return
        if self._link is None or self._state != "connected":
            raise NotTold(f"there is no connection to the broker ({self._state})")
        try:
            await self._link.send(outgoing)
        except LinkLost as problem:
            if problem.refused:
                self._telling.refused(outgoing)
            raise
        self._counts["told"] += len(outgoing)
        for fault in faults:
            self._counts["errors"] += 1
            log.warn("Capture point {name}: {fault}", name=self._intake.name, fault=fault)

    def figures(self) -> Mapping[str, object]:
        """See `ICapturePoint.figures`."""
        inbox, link = self._inbox, self._link
        complaint = self._complaint.text if self._complaint is not None else ""
        waits = complaint and self._state in ("waiting", "connecting")
        return {
            "state": f"{self._state}: {complaint}"[:300] if waits else self._state_now(),
            "problem": complaint or self._hindrance(),
            "protocol": self._settings.protocol,
            "address": self._settings.addresses[self._address][:100],
            "broker": link.product if link is not None else "",
            "queue": self._settings.inbound_queue[:100],
            "waiting": inbox.waiting if inbox is not None else 0,
            "in_flight": inbox.in_flight if inbox is not None else 0,
            **{name: self._counts[name] for name in _COUNTS},
        }

    def _state_now(self) -> str:
        hindrance = self._hindrance()
        return f"{self._state}, and {hindrance}" if hindrance else self._state

    def _hindrance(self) -> str:
        """Why nothing comes by a connection that works, or ""."""
        inbox, prefetch = self._inbox, self._settings.prefetch
        if inbox is None or inbox.left < prefetch:
            return ""
        return (
            f"nothing comes: all of prefetch ({prefetch}) is held by "
            "messages larger than max-message-size"
        )

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
        # A connection that is lost again at once has ended no trouble.
        reactor, pause = self._intake.reactor, self._settings.reconnect_timeout
        self._settles_in = reactor.callLater(pause, self._settled)
        self._link = link
        assert self._jobs is not None
        inbox = Inbox(self._settings, self._intake, link, self._jobs, self._counts)
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

    def _settled(self) -> None:
        """The connection has lasted."""
        self._settles_in = None
        if self._complaint is not None:
            self._complaint.over()

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
        if self._settles_in is not None:
            self._settles_in.cancel()
            self._settles_in = None
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


def make(settings: Mapping[str, object]) -> JmsCapturePoint:
    """
    What the plug-in `jms` names.

    :raise ixproxy.errors.ConfigError: a setting is unknown or unusable.
    """
    read = read_settings(settings)
    return JmsCapturePoint(read, opening_for(read))


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
