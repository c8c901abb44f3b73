"""
A peer that sends a node whatever it is given, and knows what must be answered.

Theory of operation: the peer reads its own output with a reader of its own, as
the node does. So it knows which whole requests the node must have read, where
the stream ends for it, and how many answers each client and reference must
get: one for each request, none where no reply is wanted, none twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPulledInteractions,
    RequestConference,
    RequestDeliver,
    RequestPull,
    RequestRegisterClient,
    RequestTransfer,
)
from ixproxy.messages.message import Message
from ixproxy.testing.fitting_frames import registration
from ixproxy.wire.codec import decode
from ixproxy.wire.frames import FrameReader, Skipped
from ixproxy.wire.names import Kind, code_of
from ixproxy.wire.prefix import (
    DEFAULT_MAX_FRAME,
    FLAGS_AT,
    Flag,
    Frame,
    read_frame,
    readdress,
    write_frame,
)

PONG = write_frame(Kind.PONG, 0)
_UNANSWERED = (Kind.PING, Kind.PONG, Kind.CANCEL, Kind.EVENT)
_REGISTER = code_of(RequestRegisterClient)
_WAITING = {
    code_of(each) for each in (RequestPull, RequestDeliver, RequestTransfer, RequestConference)
}
"""Requests that people, or work to come, answer."""


@dataclass(slots=True)
class Report:
    """
    What came of it.

    :ivar frames: how many were sent, of which `requests` awaited an answer and
        `checked` were on a connection that lasted until they had to have it.
    :ivar codes: error code to how often it was answered.
    :ivar events: how many events came.
    :ivar exceptions: what was logged as an error.
    :ivar wrong: requests with too many or too few answers, answers that cannot
        be read, and what contradicts itself in the node or its database.
    :ivar largest: how large each table grew, and `left`: those that were not
        empty some time after all peers had gone.
    """

    frames: int = 0
    requests: int = 0
    checked: int = 0
    events: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    exceptions: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    largest: Counter[str] = field(default_factory=Counter)
    left: dict[str, int] = field(default_factory=dict)


class _Wanted:
    """
    How many answers one client may get to one reference.

    :ivar waits: there is one among them that may be held.
    """

    __slots__ = ("answers", "least", "most", "waits")

    def __init__(self) -> None:
        self.answers = self.least = self.most = 0
        self.waits = False


LAST_WORDS = (Code.NOT_REGISTERED, Code.TOO_MANY_CLIENTS, Code.LIMIT_REACHED)
"""What a server says, of no request, before it closes a connection."""


def is_last_word(message: Message | None) -> bool:
    """Whether a server may say that of no request at all."""
    return isinstance(message, EventError) and message.error_code in LAST_WORDS


class FuzzPeer(Protocol):
    """
    One connection to a node.

    :param role: the client type that it registers as, or anything else.
    :param max_frame: the longest frame that the node reads.
    :ivar open: the connection is there.
    :ivar gone: the node reads no further, or we close.
    :ivar numbers: of its clients, each with its type in `types`.
    :ivar silent: how many times in a row nothing whole was given.
    :ivar told_why: it was told why it is closed.
    :ivar useless: how often it was told that it is not registered any more.
    """

    def __init__(self, role: str, report: Report, max_frame: int) -> None:
        self.role = role
        self.report = report
        self.mirror = FrameReader(max_frame)
        self.output = FrameReader(DEFAULT_MAX_FRAME)
        self.unsent: list[bytes] = []
        self.silent = 0
        self.open = True
        self.gone = False
        self.useless = 0
        self.told_why = False
        self.reference = 0
        self.numbers = [0]
        self.types = {0: role}
        self.registered: dict[int, str] = {}
        self.wanted: defaultdict[tuple[int, int], _Wanted] = defaultdict(_Wanted)

    def dataReceived(self, received: bytes) -> None:
        """The node said something."""
        for raw in self.output.feed(received):
            if isinstance(raw, Skipped):
                self.report.wrong.append(f"{self.role}: the node sent {raw}")
                continue
            frame = read_frame(raw)
            if frame.kind == Kind.PING:
                self.give(PONG)
                self.flush()
                continue
            if frame.kind == Kind.PONG:
                continue
            message = decode(frame)
            if frame.kind == Kind.EVENT:
                self.report.events += 1
                continue
            if isinstance(message, EventError):
                self.report.codes[message.error_code] += 1
                self.useless += message.error_code in (Code.SUPERSEDED, Code.NOT_REGISTERED)
            elif isinstance(message, EventPulledInteractions):
                self.report.codes.update(message.errors.values())
            elif isinstance(message, EventAck) and message.proxy_client_id:
                number = message.proxy_client_id
                self.numbers.append(number)
                self.types[number] = self.registered.get(frame.reference, self.role)
            if frame.kind == Kind.ERROR or not frame.flags & Flag.MORE:
                wanted = self.wanted[frame.client, frame.reference]
                if wanted.answers >= wanted.most and self._is_last(frame, message):
                    self.told_why = True
                    continue
                wanted.answers += 1
                if wanted.answers > wanted.most:
                    self.report.wrong.append(
                        f"{self.role}: {wanted.answers} answers to client {frame.client}, "
                        f"reference {frame.reference}, at most {wanted.most} expected: {message}"
                    )

    def _is_last(self, frame: Frame, message: Message) -> bool:
        """Whether the server says, once, why it closes the connection."""
        return not (frame.client or frame.reference or self.told_why) and is_last_word(message)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The node closed, or we did."""
        self.open = False

    def register(self, client_type: str, session: bytes, incarnation: int = 1) -> None:
        """Give a registration."""
        self.reference += 1
        self.registered[self.reference] = client_type
        self.give(registration(client_type, session, incarnation, self.reference))

    def ask(self, raw: bytes, number: int) -> None:
        """Give a frame in the name of a client, with a reference of its own."""
        self.reference += 1
        self.give(readdress(raw, number, self.reference))

    def flush(self) -> None:
        """Send what was given."""
        if self.open and self.unsent:
            ITransport(self.transport).write(b"".join(self.unsent))
        self.unsent.clear()

    def leave(self) -> None:
        """Send what was given, and close."""
        self.flush()
        self.gone = True
        ITransport(self.transport).loseConnection()

    def give(self, raw: bytes) -> bool:
        """
        Have bytes sent with the next turn; whether the node goes on reading.

        What it must answer is noted.
        """
        if self.gone or not self.open:
            return False
        self.unsent.append(raw)
        try:
            read = self.mirror.feed(raw)
            for each in read:
                self._note(each)
            if self.mirror.broken:
                self.mirror.feed(b"")
        except RemoteProtocolError:
            self.gone = True
            # Of what is wrong with the stream as a whole, client 0 is told.
            self.wanted[0, 0].most += 1
            return False
        self.silent = 0 if read else self.silent + 1
        return True

    def _note(self, read: bytes | Skipped) -> None:
        if isinstance(read, Skipped):
            if read.kind == Kind.REQUEST:
                self._expect(read.client, read.reference)
            return
        client, reference = (int.from_bytes(read[at : at + 4], "big") for at in (8, 12))
        try:
            frame = read_frame(read)
        except RemoteProtocolError:
            if not read[FLAGS_AT] & Flag.NO_REPLY:
                self._expect(client, reference)
            return
        if frame.kind in _UNANSWERED or frame.flags & Flag.NO_REPLY:
            return
        least = 1
        if frame.kind == Kind.REQUEST and frame.name == _REGISTER:
            try:
                message = decode(frame)
                # A part of a registration is answered only if it is refused.
                least = int(not getattr(message, "holding_continues", False))
            except RemoteProtocolError:
                pass
        self._expect(client, reference, least)
        self.wanted[client, reference].waits |= frame.name in _WAITING

    def _expect(self, client: int, reference: int, least: int = 1) -> None:
        self.report.requests += 1
        wanted = self.wanted[client, reference]
        wanted.least += least
        wanted.most += 1

    def check(self, *, at_last: bool = False) -> None:
        """
        Whatever was asked must have been answered by now.

        :param at_last: held pulls, too.
        """
        if self.gone or not self.open:
            return
        for (client, reference), wanted in list(self.wanted.items()):
            if wanted.waits and not at_last and wanted.answers < wanted.most:
                continue
            if wanted.answers < wanted.least:
                self.report.wrong.append(
                    f"{self.role}: {wanted.answers} answers to client {client}, "
                    f"reference {reference}, {wanted.least} expected"
                )
            self.report.checked += wanted.answers
            # A further answer is one too many.
            del self.wanted[client, reference]
