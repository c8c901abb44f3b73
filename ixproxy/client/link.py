"""One socket of a client: frames in and out, kept alive, and lost once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred

from ixproxy.client.registration import FIRST_FRAME
from ixproxy.client.settings import Settings
from ixproxy.errors import RemoteProtocolError
from ixproxy.net.connection import FrameConnection
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.frames import Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, read_frame


class Link:
    """
    Owns one connection.

    :param received: told every frame but pings and pongs; what it raises as a
        `RemoteProtocolError` ends the connection.
    :param lost: told once, with the reason, if the connection was ever made.
    """

    def __init__(
        self,
        turn: TurnEnd,
        keep_alive: KeepAlive,
        settings: Settings,
        received: Callable[[Link, Frame], None],
        lost: Callable[[Link, str], None],
    ) -> None:
        self.connection = FrameConnection(
            turn, self, max_frame=settings.max_frame, output_limit=settings.max_output
        )
        self._keep_alive = keep_alive
        self._received = received
        self._lost = lost
        self._waiters: list[Deferred[str]] | None = []
        self._reason = ""
        self.peer_max_frame = FIRST_FRAME
        """The longest frame that the server takes, as far as is known."""

    def send(self, raw: bytes) -> None:
        """Send one frame; dropped when the connection is lost."""
        self.connection.send(raw)

    def close(self, reason: str) -> None:
        """Send what is gathered, then close."""
        self.connection.close(reason)

    def abort(self, reason: str) -> None:
        """Close at once."""
        self.connection.abort(reason)

    def when_lost(self) -> Deferred[str]:
        """Fires with the reason once the connection is lost."""
        waiter: Deferred[str] = Deferred()
        if self._waiters is None:
            waiter.callback(self._reason)
        else:
            self._waiters.append(waiter)
        return waiter

    def connection_made(self, connection: FrameConnection) -> None:
        """The socket is open."""
        self._keep_alive.watch(connection)

    def frames_received(
        self, connection: FrameConnection, frames: Sequence[bytes | Skipped]
    ) -> None:
        """Whole frames arrived, in order."""
        try:
            for raw in frames:
                if not connection.connected_now:
                    return
                if isinstance(raw, Skipped):
                    raise raw.problem
                frame = read_frame(raw)
                if frame.kind == Kind.PING:
                    connection.answer_ping(raw)
                elif frame.kind != Kind.PONG:
                    self._received(self, frame)
        except RemoteProtocolError as problem:
            self.stream_broken(connection, problem)

    def stream_broken(self, connection: FrameConnection, problem: RemoteProtocolError) -> None:
        """The server does not keep the protocol: what it sends cannot be trusted."""
        connection.abort(f"the server broke the protocol: {problem}")

    def output_exceeded(self, connection: FrameConnection) -> None:
        """The server does not read."""
        connection.abort(f"the server does not read: {connection.backlog} bytes wait for it")

    def output_drained(self, connection: FrameConnection) -> None:
        """It reads again; too late, the connection is being closed."""

    def connection_lost(self, connection: FrameConnection, reason: str) -> None:
        """The socket is gone."""
        self._keep_alive.forget(connection)
        waiters, self._waiters = self._waiters, None
        self._reason = reason
        self._lost(self, reason)
        for waiter in waiters or ():
            waiter.callback(reason)
