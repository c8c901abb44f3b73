"""
The output half of a connection: gathered, bounded, sent once a turn.

Output is gathered while a turn lasts and sent by one `socket.send` at its
end, past the transport's own buffer whenever that is empty; what the kernel
does not take goes to the transport, which then pauses us like any producer.
While paused nothing is handed to the transport, and after that no more than it
takes: the backlog stays here, as the shared objects that it is made of, and is
limited. An owner is told when a backlog exceeds the limit, and decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.logger import Logger

from ixproxy.net.turn import TurnEnd

log = Logger()

DEFAULT_OUTPUT_LIMIT = 8 << 20
HARD_LIMIT_FACTOR = 4
"""A backlog so many times its limit ends the connection, whatever the owner does."""

AT_ONCE = 128 << 10
"""Bytes of a backlog that are joined for the transport at once."""


class GatheredOutput:
    """
    Frames on their way out of one socket.

    :param turn: whose end is awaited.
    :ivar backlog: bytes gathered and not handed on.
    :ivar output_limit: bytes of it above which the owner is told.
    :ivar exceeded: whether the backlog rose over its limit and is not within it again.
    :ivar connected_now: whether there is a socket.
    """

    # What is looked at for every frame that is sent, side by side: an event may go to thousands.
    __slots__ = (
        "_behind",
        "_closing",
        "_dirty",
        "_extra",
        "_out",
        "_paused",
        "_room",
        "_send",
        "_socket",
        "_tcp",
        "_turn",
        "backlog",
        "connected_now",
        "exceeded",
        "output_limit",
    )

    def __init__(self, turn: TurnEnd, output_limit: int) -> None:
        self._turn = turn
        self._out: list[bytes] = []
        self._dirty = False
        self._paused = False
        self._closing = False
        self._tcp: Any = None
        self._socket: Any = None
        self._send: Callable[[bytes], int] | None = None
        """Sends on the socket itself; None: there is only a transport."""
        self._behind = False
        """Whether the transport was given something, and may have some of it yet."""
        self._extra = 0
        self._room: list[Callable[[], None]] | None = None
        self.backlog = 0
        self.output_limit = output_limit
        self.exceeded = False
        self.connected_now = False

    def abort(self, reason: str) -> None:
        """Close at once."""
        raise NotImplementedError

    def _tell_exceeded(self) -> None:
        raise NotImplementedError

    def _tell_drained(self) -> None:
        raise NotImplementedError

    @property
    def paused(self) -> bool:
        """Whether what is sent waits here until the peer has read of what was sent before."""
        return self._paused

    def send(self, raw: bytes) -> None:
        """Gather one frame for the end of the turn; dropped when not connected, or closing."""
        if not self.connected_now or self._closing:
            return
        self._out.append(raw)
        self.backlog += len(raw)
        if not self._dirty:
            self._dirty = True
            self._turn.mark(self)
        if self._paused and self.backlog > self.output_limit + self._extra:
            self._exceed()

    def allow(self, extra: int) -> None:
        """Let so many bytes wait on top of the limit until the peer has read what is there."""
        self._extra = max(self._extra, extra)

    def send_all(self, frames: Sequence[bytes]) -> None:
        """Gather several frames, as `send` does each."""
        if not self.connected_now or self._closing or not frames:
            return
        self._out += frames
        self.backlog += len(frames[0]) if len(frames) == 1 else sum(map(len, frames))
        if not self._dirty:
            self._dirty = True
            self._turn.mark(self)
        if self._paused and self.backlog > self.output_limit + self._extra:
            self._exceed()

    def _exceed(self) -> None:
        if self.backlog > HARD_LIMIT_FACTOR * self.output_limit + self._extra:
            log.warn("A peer does not read: {backlog} bytes wait; cut off", backlog=self.backlog)
            self.abort(f"{self.backlog} bytes wait to be read")
        elif not self.exceeded:
            self.exceeded = True
            self._tell_exceeded()

    def when_read(self, tell: Callable[[], None]) -> None:
        """
        Call `tell` once, as soon as all that was gathered is handed on and more
        would be; not before this turn ends, and not when the connection is lost.
        """
        self._room = [*(self._room or ()), tell]
        if not self._dirty:
            self._dirty = True
            self._turn.mark(self)

    def flush(self) -> None:
        """Hand on what was gathered, unless the transport has paused us."""
        self._dirty = False
        out = self._out
        if self._paused:
            return
        if self.backlog > AT_ONCE:
            self._flush_much(out)
        elif out:
            self._hand_on(out)
        if self._room is not None and not self._paused and not self._closing:
            told, self._room = self._room, None
            for tell in told:
                tell()

    def _hand_on(self, out: list[bytes]) -> None:
        gathered = out[0] if len(out) == 1 else b"".join(out)
        self._out = []
        self.backlog = self._extra = 0
        if self.exceeded:
            self._drained()
        self._put(gathered)

    def _flush_much(self, out: list[bytes], *, all_of_it: bool = False) -> None:
        """Hand on a long backlog, as much as the transport takes or all of it."""
        while out and (all_of_it or not self._paused):
            size = count = 0
            for raw in out:
                size += len(raw)
                count += 1
                if size >= AT_ONCE:
                    break
            gathered = b"".join(out[:count])
            del out[:count]
            self.backlog -= size
            self._put(gathered)
        if not out:
            self._extra = 0
        if self.exceeded and self.backlog <= self.output_limit + self._extra:
            self._drained()

    def _drained(self) -> None:
        self.exceeded = False
        self._tell_drained()

    def _put(self, gathered: bytes) -> None:
        """Send it, past the transport's own buffer where that is empty."""
        if self._send is not None and not (self._behind and self._is_behind()):
            try:
                sent = self._send(gathered)
            except BlockingIOError:
                sent = 0
            except OSError:
                return  # the read side reports the loss
            if sent == len(gathered):
                return
            gathered = gathered[sent:]
        self._behind = True
        self._socket.write(gathered)

    def _is_behind(self) -> bool:
        """Whether the transport still has something to send."""
        tcp = self._tcp
        self._behind = bool(tcp._tempDataBuffer) or tcp.offset != len(tcp.dataBuffer)
        return self._behind

    def pauseProducing(self) -> None:
        """The framework has enough buffered."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The framework has sent what it had."""
        self._paused = False
        if (self._out or self._room is not None) and not self._dirty:
            self._dirty = True
            self._turn.mark(self)
