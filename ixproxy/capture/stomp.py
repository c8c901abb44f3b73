"""
A client's end of a STOMP 1.2 connection.

Theory of operation:

    opening --CONNECTED--> open --close--> closing --> closed
       |                    |                |
       +---- too late, ERROR, bad bytes, silence, lost ---> closed

A request is a frame that asks for a receipt, and is done when the receipt is here.
The broker answers a mistake with ERROR and closes; so the first thing that
goes wrong ends the connection, and with it, by one reason, all that waits.
Whoever wants to go on makes a new connection. How much waits is bounded by
who asks: messages come only as far as SUBSCRIBE lets them.

Where both ends agreed to it, an empty line is sent in every interval, and a broker
from which nothing came for two of its own is taken for lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from ixproxy.capture.stomp_frames import HEART_BEAT, MOST_BODY, Frame, FrameReader, written
from ixproxy.errors import IxproxyError, RemoteProtocolError

OPEN_SECONDS = 20.0
"""How long a broker may take to accept a connection."""

CLOSE_SECONDS = 5.0
"""How long it may take to say that it has all that was sent."""

HEART_BEAT_SECONDS = 10.0
SILENT_INTERVALS = 2


class StompLost(IxproxyError):
    """
    The connection is no more, and whether a request was done is not known.

    :ivar refused: the broker said why, in an ERROR.
    """

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class Phase(Enum):
    """Where a connection stands."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Login:
    """
    What a connection begins with.

    :ivar host: the virtual host of the broker.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    host: str = "/"
    heart_beat: float = HEART_BEAT_SECONDS


class StompClient(Protocol):
    """
    One connection.

    :param message_came: called with each MESSAGE.
    :param ended: called once with the reason, after `opened` has fired.
    :ivar opened: fires with the headers of CONNECTED; fails with StompLost.
    """

    def __init__(
        self,
        clock: IReactorTime,
        login: Login,
        message_came: Callable[[Frame], object],
        ended: Callable[[StompLost], object],
        most_body: int = MOST_BODY,
    ) -> None:
        self._clock = clock
        self._login = login
        self._message_came = message_came
        self._ended = ended
        self._reader = FrameReader(most_body)
        self._waiting: dict[str, Deferred[None]] = {}
        self._receipts = 0
        self._heard = True
        self._silent = 0
        self._listening = True
        self._limit: IDelayedCall | None = None
        self._beats: list[LoopingCall] = []
        self._why: StompLost | None = None
        self.phase = Phase.OPENING
        self.opened: Deferred[Mapping[str, str]] = Deferred()

    @property
    def waiting(self) -> int:
        """How many requests are without a receipt."""
        return len(self._waiting)

    def connectionMade(self) -> None:
        """The framework connected us."""
        self._limit = self._clock.callLater(
            OPEN_SECONDS, self.abort, f"the broker did not answer in {OPEN_SECONDS:g} seconds"
        )
        beat = str(round(self._login.heart_beat * 1000))
        headers = {"accept-version": "1.2", "host": self._login.host}
        headers["heart-beat"] = f"{beat},{beat}"
        if self._login.user:
            headers |= {"login": self._login.user, "passcode": self._login.password}
        self._write(Frame("CONNECT", headers))

    def send(self, frame: Frame, *, text: bool = False) -> None:
        """Send a frame, and do not ask whether it came; of no use once the connection is lost."""
        if self.phase in (Phase.OPEN, Phase.CLOSING):
            self._write(frame, text=text)

    def request(self, frame: Frame, *, text: bool = False) -> Deferred[None]:
        """Send a frame; fires when the broker has done what it asks. Fails with StompLost."""
        if self.phase not in (Phase.OPEN, Phase.CLOSING):
            return fail(self._why or StompLost("the connection is not open"))
        self._receipts += 1
        name = f"r{self._receipts}"
        done = self._waiting[name] = Deferred[None]()
        self._write(Frame(frame.command, {**frame.headers, "receipt": name}, frame.body), text=text)
        return done

    def listen(self, wanted: bool) -> None:
        """Whether bytes that come are read; while they are not, silence means nothing."""
        transport: Any = self.transport
        if self.phase is Phase.OPEN and wanted is not self._listening:
            self._listening = wanted
            if wanted:
                transport.resumeProducing()
            else:
                transport.pauseProducing()

    def close(self) -> None:
        """Close it once the broker has all that was sent; harmless when it is closed."""
        if self.phase is Phase.OPENING:
            self.abort("it was closed before it was open")
        elif self.phase is Phase.OPEN:
            self.listen(True)
            self.phase = Phase.CLOSING
            self._limit = self._clock.callLater(CLOSE_SECONDS, self.abort, "it was closed")
            done = self.request(Frame("DISCONNECT"))
            done.addCallbacks(lambda _: self.abort("it was closed"), lambda _: None)

    def abort(self, why: str, *, refused: bool = False) -> None:
        """End it now."""
        if self._why is None:
            self._why = StompLost(why, refused=refused)
        transport: Any = self.transport
        if transport is not None and self.phase is not Phase.CLOSED:
            transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """The framework read bytes."""
        self._heard = True
        try:
            for frame in self._reader.feed(data):
                if self._why is not None:
                    return
                self._frame_came(frame)
        except RemoteProtocolError as problem:
            self.abort(f"the broker sent what is no STOMP: {problem.description}")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The framework lost the connection."""
        why = self._why = self._why or StompLost(reason.getErrorMessage())
        was, self.phase = self.phase, Phase.CLOSED
        self._stop_limit()
        for beat in self._beats:
            beat.stop()
        waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            done.errback(why)
        if was is Phase.OPENING:
            self.opened.errback(why)
        else:
            self._ended(why)

    def _write(self, frame: Frame, *, text: bool = False) -> None:
        transport: Any = self.transport
        transport.write(written(frame, text=text))

    def _frame_came(self, frame: Frame) -> None:
        if frame.command == "ERROR":
            self.abort(f"the broker refuses: {_said(frame)}", refused=True)
        elif self.phase is Phase.OPENING:
            self._answered(frame)
        elif frame.command == "MESSAGE":
            if self.phase is Phase.OPEN:
                self._message_came(frame)
        elif frame.command == "RECEIPT":
            name = frame.headers.get("receipt-id", "")
            if name not in self._waiting:
                self.abort(f"the broker sent a receipt that nobody waits for: {name[:40]!r}")
            else:
                self._waiting.pop(name).callback(None)
        else:
            self.abort(f"the broker sent {frame.command}, which no client expects")

    def _answered(self, frame: Frame) -> None:
        if frame.command != "CONNECTED":
            self.abort(f"the broker sent {frame.command} where CONNECTED was expected")
            return
        if frame.headers.get("version") != "1.2":
            self.abort("the broker does not speak STOMP 1.2")
            return
        try:
            sends, wants = _heart_beat(frame.headers.get("heart-beat", "0,0"))
        except ValueError as problem:
            self.abort(str(problem))
            return
        self._stop_limit()
        self.phase = Phase.OPEN
        if self._login.heart_beat:
            if wants:
                self._every(max(self._login.heart_beat, wants), self._beat)
            if sends:
                self._every(max(self._login.heart_beat, sends), self._listen)
        self.opened.callback(frame.headers)

    def _every(self, seconds: float, called: Callable[[], object]) -> None:
        beat = LoopingCall(called)
        beat.clock = self._clock
        self._beats.append(beat)
        beat.start(seconds, now=False)

    def _beat(self) -> None:
        transport: Any = self.transport
        transport.write(HEART_BEAT)

    def _listen(self) -> None:
        self._silent = 0 if self._heard or not self._listening else self._silent + 1
        self._heard = False
        if self._silent >= SILENT_INTERVALS:
            self.abort("nothing was heard of the broker in two intervals of its heart-beat")

    def _stop_limit(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None and limit.active():
            limit.cancel()


def _heart_beat(text: str) -> tuple[float, float]:
    """
    What the broker sends and wants, in seconds; 0: nothing.

    :raise ValueError: it is no pair of numbers.
    """
    sends, comma, wants = text.partition(",")
    if not comma or not all(
        part.isascii() and part.isdecimal() and len(part) < 10 for part in (sends, wants)
    ):
        raise ValueError(f"the broker sent as heart-beat {text[:40]!r}, not two numbers")
    return int(sends) / 1000, int(wants) / 1000


def _said(frame: Frame) -> str:
    """What an ERROR says, on one line that is not too long."""
    body = frame.body.decode("utf-8", "replace").split("\n")[0]
    said = ": ".join(filter(None, (frame.headers.get("message", ""), body.strip())))
    return " ".join(said.split())[:300] or "it does not say why"
