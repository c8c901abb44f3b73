"""
HTTP/1.1 connections of the web service: what one may cost is bounded.

Theory of operation: Twisted reads the bytes. A request's body stays in memory,
which is why there is a limit for one and a limit for all together; a request
that breaks one is answered at once, and what still comes of it is thrown away
for a while, so that the answer is not lost with the connection. A request must
have come whole in a certain time, however steadily it trickles. The next one
of a connection is looked at when the last is answered and, where the peer does
not read, when the answer has left: a peer that sends ever more requests and
reads nothing costs one answer.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, HTTPFactory, Request, datetimeToString

from ixproxy.capture.web_values import Asked, Reply

LINGER_SECONDS = 5.0
"""How long what comes of a refused request is thrown away before the connection is closed."""

MOST_BUFFERED = 64
"""Bodies of all connections together, in bodies of the greatest size."""


class Answering(Protocol):
    """Who answers requests."""

    def asked(self, request: WebRequest, asked: Asked) -> None:
        """A request has come; `request.answer` is to be called once, at any time."""

    def refused(self, status: int, why: str, path: tuple[str, ...] = ()) -> Reply:
        """The answer to one that does not get that far; its connection will be closed."""

    def lost(self, request: WebRequest) -> None:
        """The connection of a request is gone; so are the bytes of its body."""


class WebRequest(Request):
    """
    One request, from its first line until it is answered or its connection is lost.

    :ivar gone: its connection is lost: nobody waits for the answer.
    """

    def __init__(self, channel: WebChannel, *_: object) -> None:
        super().__init__(channel, parsePOSTFormSubmission=False)
        self._factory: WebFactory = channel.web
        self._body = bytearray()
        self._held = 0
        self.gone = False

    def gotLength(self, length: int | None) -> None:
        """All headers were read."""
        # What Twisted would write a body to, perhaps on a disk, is not needed.
        self.content = BytesIO()
        if (length or 0) > self._factory.max_body:
            self.refuse(413, f"at most {self._factory.max_body} bytes are taken")

    def handleContentChunk(self, data: bytes) -> None:
        """More of the body came."""
        if len(self._body) + len(data) > self._factory.max_body:
            self.refuse(413, f"at most {self._factory.max_body} bytes are taken")
        elif not self._factory.hold(len(data)):
            self.refuse(503, "too much is on its way already")
        else:
            self._held += len(data)
            self._body += data

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The whole request came."""
        self.method, self.uri, self.clientproto = command, path, version
        body, self._body = bytes(self._body), bytearray()
        segments, query = _parts(path)
        asked = Asked(
            method=command.decode("ascii", "replace"),
            path=segments,
            query=_query(query),
            headers={
                name.decode("latin-1").lower(): values[-1].decode("latin-1")
                for name, values in self.requestHeaders.getAllRawHeaders()
            },
            body=body,
        )
        self._factory.answering.asked(self, asked)

    def refuse(self, status: int, why: str) -> None:
        """Answer before the request is complete; the connection ends soon after."""
        self._let_go()
        channel: Any = self.channel
        reply = self._factory.answering.refused(status, why, _parts(channel.target)[0])
        channel.refuse_rest(reply)

    def answer(self, reply: Reply) -> None:
        """Send the answer, where somebody still waits for it."""
        self._let_go()
        if self.gone or self.finished:
            return
        self.setResponseCode(reply.status, _phrase(reply.status))
        body = reply.body
        for name, value in (
            ("Date", datetimeToString(self._factory.clock.seconds()).decode()),
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
            *reply.headers,
        ):
            self.setHeader(name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        if self._factory.closing:
            self.channel.persistent = False
            self.setHeader(b"Connection", b"close")
        self.write(body)
        self.finish()

    def connectionLost(self, reason: Failure) -> None:
        """Nobody waits any more; what was handed in is done all the same."""
        self.gone = True
        self._factory.answering.lost(self)
        self._let_go()
        super().connectionLost(reason)

    def _let_go(self) -> None:
        self._factory.release(self._held)
        self._held, self._body = 0, bytearray()


class WebChannel(HTTPChannel):
    """One connection."""

    requestFactory: Any = WebRequest
    transport: Any
    web: WebFactory

    def __init__(self) -> None:
        super().__init__()
        self._deadline: IDelayedCall | None = None
        self._is_full = False
        self._answered: Request | None = None
        self._is_over = False
        self._is_refusing = False
        self._has_begun = False

    @property
    def target(self) -> bytes:
        """What the request is for whose body is being read, as its first line has it."""
        return getattr(self, "_path", b"")

    @property
    def idle(self) -> bool:
        """Whether no request is on its way."""
        return not self.requests

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        if self._is_over or self._is_refusing:
            return
        if self._deadline is None and not self._handlingRequest:
            self._deadline = self.web.clock.callLater(self.web.request_timeout, self._too_slow)
        self._has_begun = self._has_begun or bool(data.strip(b"\r\n"))
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """A line of a request's head came."""
        if not self._is_refusing:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line of it is too long."""
        self.refuse_rest(self.web.answering.refused(431, "a line of the head is too long"))

    def rawDataReceived(self, data: bytes) -> None:
        """Of a body, or of requests to come, so much came."""
        if not self._is_refusing:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """A whole request came."""
        self._in_time()
        self._has_begun = False
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """A request is answered; the next one waits until the answer has left."""
        if self._is_full and not self._is_over:
            self._answered = request
            self.setTimeout(self.web.timeOut)
            return
        super().requestDone(request)
        if not self.persistent and not self._is_over:
            # It is closed once all is sent, or else at the end of this.
            self.setTimeout(self.web.timeOut)

    def pauseProducing(self) -> None:
        """The peer does not read."""
        self._is_full = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """It has read."""
        self._is_full = False
        super().resumeProducing()
        answered, self._answered = self._answered, None
        if answered is not None:
            self.requestDone(answered)

    def refuse_rest(self, reply: Reply) -> None:
        """Answer, throw away what comes for a while, and close."""
        self._in_time()
        if self._is_refusing or self._is_over:
            return
        self._is_refusing = True
        self.setTimeout(None)
        head = f"HTTP/1.1 {reply.status} {_phrase(reply.status).decode()}\r\n"
        for name, value in (
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            ("Connection", "close"),
            *reply.headers,
        ):
            head += f"{name}: {value}\r\n"
        self.transport.write(head.encode("latin-1", "replace") + b"\r\n" + reply.body)
        self._deadline = self.web.clock.callLater(LINGER_SECONDS, self.abort)

    def close_soon(self) -> None:
        """The service ends: close now, or when the request that is under way is answered."""
        if self.idle or not self._handlingRequest:
            self._in_time()
            self.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The framework lost the connection."""
        self._is_over = True
        self._in_time()
        super().connectionLost(reason)
        self.web.lost(self)

    def _send100Continue(self) -> None:
        if not self._is_refusing:
            super()._send100Continue()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse_rest(self.web.answering.refused(400, "not HTTP/1.1"))

    def _too_slow(self) -> None:
        self._deadline = None
        if not self._has_begun:
            # An empty line came, and no request after it.
            self.loseConnection()
            return
        self.refuse_rest(self.web.answering.refused(408, "the request took too long to come"))

    def _in_time(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def abort(self) -> None:
        """Close it now, whatever is on its way."""
        self._in_time()
        if not self._is_over:
            self.transport.abortConnection()


class WebFactory(HTTPFactory):
    """
    Makes connections, and knows what all of them cost.

    :ivar closing: no connection outlives its request.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        answering: Answering,
        max_body: int,
        max_connections: int,
        request_timeout: float,
        idle_timeout: float,
    ) -> None:
        super().__init__(timeout=idle_timeout, reactor=clock)
        self.clock = clock
        self.answering = answering
        self.max_body = max_body
        self.max_connections = max_connections
        self.request_timeout = request_timeout
        self.closing = False
        self.turned_away = 0
        self._held = 0
        self._channels: dict[WebChannel, None] = {}
        self._empty: list[Callable[[], object]] = []

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._channels)

    def startFactory(self) -> None:
        """Nothing: requests are counted, and not written to a log."""

    def stopFactory(self) -> None:
        """Nothing."""

    def log(self, request: Any) -> None:
        """Nothing."""

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A connection for a peer; None where there are too many, which closes it."""
        if self.closing or len(self._channels) >= self.max_connections:
            self.turned_away += 1
            return None
        made: Any = WebChannel()
        made.web = self
        made.factory = self
        made.timeOut = self.timeOut
        made.callLater = self.clock.callLater
        self._channels[made] = None
        return made

    def lost(self, channel: WebChannel) -> None:
        """A connection is gone."""
        self._channels.pop(channel, None)
        if not self._channels:
            told, self._empty = self._empty, []
            for each in told:
                each()

    def hold(self, count: int) -> bool:
        """Whether so many more bytes of bodies may be kept; if so they count from now on."""
        if self._held + count > MOST_BUFFERED * self.max_body:
            return False
        self._held += count
        return True

    def release(self, count: int) -> None:
        """So many of them are not kept any more."""
        self._held -= count

    def close(self, told: Callable[[], object]) -> None:
        """Close all connections, those with a request once it is answered; then call `told`."""
        self.closing = True
        for channel in tuple(self._channels):
            channel.close_soon()
        if self._channels:
            self._empty.append(told)
        else:
            told()

    def abort(self) -> None:
        """Close all connections now."""
        for channel in tuple(self._channels):
            channel.abort()


def _phrase(status: int) -> bytes:
    return HTTPStatus(status).phrase.encode()


def _local(target: bytes) -> bytes:
    """The path and query of a request's target, which may be a whole URL."""
    for scheme in (b"http://", b"https://"):
        if target[: len(scheme)].lower() == scheme:
            _, slash, rest = target[len(scheme) :].partition(b"/")
            return slash + rest
    return target


def _parts(target: bytes) -> tuple[tuple[str, ...], bytes]:
    """The segments of a target's path, unquoted, and its query."""
    raw, _, query = _local(target).partition(b"?")
    return tuple(_unquoted(each) for each in raw.removeprefix(b"/").split(b"/")), query


def _query(raw: bytes) -> dict[str, str]:
    """
    The names and values of a query; the last of each name.

    Not parse_qs, which counts names, and refuses by raising.
    """
    found: dict[str, str] = {}
    for pair in raw.split(b"&") if raw else ():
        name, _, value = pair.partition(b"=")
        found[_unquoted(name.replace(b"+", b" "))] = _unquoted(value.replace(b"+", b" "))
    return found


def _unquoted(part: bytes) -> str:
    return unquote_to_bytes(part).decode("utf-8", "replace")
