"""
The two ends of a connection in memory, and the bytes on their way between them.

Theory of operation: each direction is a stream. What one end writes waits in
its own buffer (64 KiB and its producer is paused, as Twisted's transports do)
until there is room on the way (the window: what kernels would hold). From
there it arrives in pieces cut by chance, each after a delay by chance, in
order. A reader that paused, or a cut on the way, leaves the pieces where they
are. A close follows the last byte; a reset may overtake what is on its way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

BUFFER = 64 << 10
WINDOW = 128 << 10

CUT = 0.15
"""How likely it is that what was written arrives in two pieces, or more."""

TOGETHER = 0.5
"""How unlikely it is that more than one of what is on its way arrives at once."""

MOST_TOGETHER = 8
"""So many of them at most."""


@implementer(IAddress)
class MemoryAddress:
    """Where an end is: the name of its host or endpoint."""

    def __init__(self, name: str) -> None:
        self.host = name

    def __repr__(self) -> str:
        return f"MemoryAddress({self.host!r})"


@implementer(ITransport, IConsumer, IPushProducer)
class MemoryTransport:
    """
    One end of a connection.

    :ivar host: the name of the host that it is on.
    :ivar blocked: nothing arrives here for now.
    :ivar lost: told when the connection is gone at this end.
    :ivar wrote: told everything that is written here.
    """

    log = Logger()
    disconnecting = False

    def __init__(self, clock: IReactorTime, random: Random, host: str, delay: float) -> None:
        self._clock = clock
        self._random = random
        self._delay = delay
        self.host = host
        self.peer: MemoryTransport = self
        self.protocol: IProtocol | None = None
        self.connected = True
        self.blocked = False
        self._halted = False
        self._producer: Any = None
        self._producer_paused = False
        self._unsent: deque[bytes] = deque()
        self._unsent_size = 0
        self._arriving: deque[bytes] = deque()
        self._arriving_size = 0
        self._ending: Failure | None = None
        self._reading = True
        self._arrival: Any = None
        self._reader: IProtocol | None = None
        self._read: Callable[[bytes], None] = lambda piece: None
        self.lost: Callable[[MemoryTransport], None] = lambda transport: None
        self.wrote: Callable[[MemoryTransport, bytes], None] | None = None

    def __repr__(self) -> str:
        return f"<MemoryTransport {self.host} to {self.peer.host}>"

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way to here that could arrive."""
        waits = bool(self._arriving) or self._ending is not None
        return not (waits and self.connected and self._reading and not self.blocked)

    def write(self, data: bytes) -> None:
        """Send bytes; dropped when closed."""
        if not self.connected or self.disconnecting or not data:
            return
        if self.wrote is not None:
            self.wrote(self, data)
        peer, size = self.peer, len(data)
        if not self._unsent and not self._halted and peer._arriving_size + size <= WINDOW:
            # By far the most often: there is room on the way.
            if peer.connected:
                peer._arriving.append(bytes(data))
                peer._arriving_size += size
                peer.schedule()
            return
        self._unsent.append(bytes(data))
        self._unsent_size += size
        self._move()
        if self._unsent_size > BUFFER and self._producer is not None and not self._producer_paused:
            self._producer_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send bytes that come in pieces."""
        self.write(b"".join(data))

    def getPeer(self) -> MemoryAddress:
        """Where the other end is."""
        return MemoryAddress(self.peer.host)

    def getHost(self) -> MemoryAddress:
        """Where this end is."""
        return MemoryAddress(self.host)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Pause and resume `producer` as the buffer fills and empties."""
        if self._producer is not None:
            raise RuntimeError(f"{self!r} has a producer already")
        if not streaming:
            raise NotImplementedError("only streaming producers are served")
        if not self.connected:
            producer.stopProducing()
            return
        self._producer = producer
        self._producer_paused = False

    def unregisterProducer(self) -> None:
        """Pause and resume nobody any more."""
        self._producer = None
        self._closed_when_sent()

    def pauseProducing(self) -> None:
        """Read nothing until `resumeProducing`."""
        self._reading = False

    def resumeProducing(self) -> None:
        """Read on."""
        if self.connected and not self._reading:
            self._reading = True
            self.schedule()

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    def loseConnection(self) -> None:
        """Close after what was written is sent."""
        if self.connected and not self.disconnecting:
            self.disconnecting = True
            self._closed_when_sent()

    def abortConnection(self) -> None:
        """Close at once; what was written may never arrive."""
        if self.connected:
            self.disconnecting = True
            self._unsent.clear()
            self._end(ConnectionAborted())
            self.peer.reset()

    def reset(self) -> None:
        """The other end, or the way to it, broke."""
        if self._random.random() < 0.5:
            self._arriving.clear()
            self._arriving_size = 0
        self._ending = Failure(ConnectionLost())
        self.schedule()

    def break_now(self) -> None:
        """The connection is lost at this moment, whatever is on its way."""
        self._arriving.clear()
        self._unsent.clear()
        self.end_with(Failure(ConnectionLost()))

    def schedule(self) -> None:
        """See to it that what is on its way arrives."""
        if (
            self._arrival is None
            and (self._arriving or self._ending is not None)
            and self.connected
            and self._reading
            and not self.blocked
        ):
            pause = self._delay * (0.5 + self._random.random())
            self._arrival = self._clock.callLater(pause, self._arrive)

    def end_with(self, reason: Failure) -> None:
        """The protocol is told that the connection is gone, once."""
        if not self.connected:
            return
        self.connected = False
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
        producer, self._producer = self._producer, None
        self.lost(self)
        try:
            if producer is not None:
                producer.stopProducing()
            if self.protocol is not None:
                self.protocol.connectionLost(reason)
        except Exception:
            self.log.failure("{transport} could not be closed", transport=self)

    def _arrive(self) -> None:
        self._arrival = None
        if self.idle:
            return
        if self._arriving:
            piece = self._arriving.popleft()
            size, chance = len(piece), self._random.random()
            if chance < CUT and size > 1:
                at = 1 + int((size - 1) * chance / CUT)
                self._arriving.appendleft(piece[at:])
                piece = piece[:at]
            elif chance > TOGETHER and self._arriving:
                more = min(len(self._arriving), MOST_TOGETHER - 1)
                piece = b"".join((piece, *(self._arriving.popleft() for _ in range(more))))
            self._arriving_size -= len(piece)
            self._receive(piece)
            self.peer.moved()
        elif self._ending is not None:
            self.end_with(self._ending)
        self.schedule()

    def _receive(self, piece: bytes) -> None:
        protocol = self.protocol
        assert protocol is not None
        if protocol is not self._reader:
            # Looked up once: a protocol of Twisted's client services looks for it every time.
            self._reader, self._read = protocol, protocol.dataReceived
        try:
            self._read(piece)
        except Exception:
            self.log.failure("{transport} could not read", transport=self)
            self.break_now()
            self.peer.reset()

    def halt(self, halted: bool) -> None:
        """Whether what is written here stays here for now, as its program is stopped."""
        self._halted = halted
        if self._unsent:
            self.moved()

    def moved(self) -> None:
        """There is room on the way again."""
        if self.connected:
            self._move()

    def _move(self) -> None:
        """Put on the way what there is room for."""
        if self._halted:
            return
        peer = self.peer
        while self._unsent and peer._arriving_size < WINDOW:
            piece = self._unsent.popleft()
            room = WINDOW - peer._arriving_size
            if len(piece) > room:
                self._unsent.appendleft(piece[room:])
                piece = piece[:room]
            self._unsent_size -= len(piece)
            if peer.connected:
                peer._arriving.append(piece)
                peer._arriving_size += len(piece)
                peer.schedule()
        if not self._unsent:
            if self._producer is not None and self._producer_paused:
                self._producer_paused = False
                self._producer.resumeProducing()
            self._closed_when_sent()

    def _closed_when_sent(self) -> None:
        # As Twisted's: a registered producer may still have something to say.
        if self.disconnecting and self.connected and not self._unsent and self._producer is None:
            self._end(ConnectionDone())
            self.peer._ending = self.peer._ending or Failure(ConnectionDone())
            self.peer.schedule()

    def _end(self, reason: Exception) -> None:
        self._reading = False
        self._clock.callLater(0, self.end_with, Failure(reason))
