"""
Asks the other server of a pair what it is: connect, register, read, close.

One question at a time, at most every few seconds; a server that does not
answer is as good as one that refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint

from ixproxy.core.greeting import own_registration
from ixproxy.core.state import ProxyState
from ixproxy.errors import IxproxyError, RemoteProtocolError
from ixproxy.messages import EventAck, ServerFacts
from ixproxy.net.connection import FrameConnection
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame

INTERVAL = 3.0
"""Seconds between two questions to the same server."""
PATIENCE = 3.0
"""Seconds that a server has for its answer."""

_REFERENCE = 1


class Probe:
    """
    One question to one server.

    :param done: is told what the server says of itself, once, or None where it
        says nothing; never when stopped before.
    """

    def __init__(
        self,
        clock: IReactorTime,
        turn: TurnEnd,
        state: ProxyState,
        done: Callable[[ServerFacts | None], None],
    ) -> None:
        self._state = state
        self._done: Callable[[ServerFacts | None], None] | None = done
        self._connection = FrameConnection(
            turn, self, max_frame=max(state.settings.max_frame, 1 << 20)
        )
        self._connecting: Deferred[object] | None = None
        self._late: IDelayedCall = clock.callLater(PATIENCE, self._settle, None)

    def start(self, endpoint: IStreamClientEndpoint) -> None:
        """Connect, and ask."""
        self._connecting = connecting = connectProtocol(endpoint, self._connection)
        connecting.addErrback(lambda _: self._settle(None))

    def stop(self) -> None:
        """The answer is no longer wanted; harmless when it came."""
        self._done = None
        self._settle(None)

    def _settle(self, server: ServerFacts | None) -> None:
        done, self._done = self._done, None
        if self._late.active():
            self._late.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        self._connection.abort("the other server of a pair was asked what it is")
        if done is not None:
            done(server)

    def connection_made(self, connection: FrameConnection) -> None:
        """It accepts: register."""
        connection.send(encode(own_registration(self._state), reference=_REFERENCE))

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        """It says something; what is no answer does not matter."""
        for raw in frames:
            if isinstance(raw, Skipped) or self._done is None:
                continue
            try:
                frame = read_frame(raw)
                if frame.reference == _REFERENCE and frame.kind in (Kind.REPLY, Kind.ERROR):
                    answer = decode(frame)
                    self._settle(answer.server if isinstance(answer, EventAck) else None)
            except IxproxyError:
                self._settle(None)

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """Whatever listens there is no node."""
        self._settle(None)

    def output_exceeded(self, connection: FrameConnection) -> None:
        """It does not read one frame: it does not answer either."""

    def output_drained(self, connection: FrameConnection) -> None:
        """Nothing waits for this."""

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """It closed before it answered."""
        self._settle(None)
