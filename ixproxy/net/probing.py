"""
Asks the other server of a pair what it is: connect, register, read, close.

One question at a time. That a server refuses, keeps silent, or says what
makes no sense are three things, for the first is what a backup does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure

from ixproxy.core.greeting import own_registration
from ixproxy.core.pairs import Event
from ixproxy.core.state import ProxyState
from ixproxy.errors import IxproxyError, RemoteProtocolError
from ixproxy.messages import EventAck, EventError, ServerFacts
from ixproxy.net.connection import FrameConnection, OneConnection
from ixproxy.net.reasons import is_late, reason_of
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame

_REFERENCE = 1



Answer = ServerFacts | Event
"""What a server says of itself; or how it came to say nothing."""


class Probe:
    """
    One question to one server.

    :param done: is told the answer, and why there is none, once; never when
        stopped before.
    """

    def __init__(
        self,
        clock: IReactorTime,
        turn: TurnEnd,
        state: ProxyState,
        done: Callable[[Answer, str], None],
    ) -> None:
        self._state = state
        self._done: Callable[[Answer, str], None] | None = done
        self._connection = FrameConnection(
            turn, self, max_frame=max(state.settings.max_frame, 1 << 20)
        )
        self._connecting: Deferred[IProtocol] | None = None
        patience = state.settings.link_times.answer
        self._late: IDelayedCall = clock.callLater(
            patience, self._settle, Event.OTHER_LATE, "it does not answer"
        )

    def start(self, endpoint: IStreamClientEndpoint) -> None:
        """Connect, and ask."""
        self._connecting = connecting = endpoint.connect(OneConnection(self._connection))
        connecting.addErrback(self._not_connected)

    def _not_connected(self, failure: Failure) -> None:
        event = Event.OTHER_LATE if is_late(failure) else Event.OTHER_GONE
        self._settle(event, reason_of(failure))

    def stop(self) -> None:
        """The answer is no longer wanted; harmless when it came."""
        self._done = None
        self._settle(Event.OTHER_LATE)

    def _settle(self, answer: Answer, why: str = "") -> None:
        done, self._done = self._done, None
        if self._late.active():
            self._late.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        self._connection.abort("the other server of a pair was asked what it is")
        if done is not None:
            done(answer, why)

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
                    self._answered(decode(frame))
            except IxproxyError as problem:
                self._settle(Event.OTHER_UNFIT, str(problem))

    def _answered(self, answer: object) -> None:
        if isinstance(answer, EventAck) and answer.server is not None:
            self._settle(answer.server)
        elif isinstance(answer, EventError):
            why = f"{answer.error_code} {answer.error_description}"
            self._settle(Event.OTHER_UNFIT, f"it refuses the proxy: {why}")
        else:
            self._settle(Event.OTHER_UNFIT, "it says nothing of itself")

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """Whatever listens there is no node."""
        self._settle(Event.OTHER_UNFIT, problem.description)

    def output_exceeded(self, connection: FrameConnection) -> None:
        """It does not read one frame: it does not answer either."""

    def output_drained(self, connection: FrameConnection) -> None:
        """Nothing waits for this."""

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """It closed before it answered."""
        self._settle(Event.OTHER_GONE, "it closes the connection")
