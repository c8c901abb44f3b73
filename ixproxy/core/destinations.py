"""
Where frames go: one list for each destination, shared by both paths.

A stream of events is handed on joined, as the same bytes for all who read it:
an entry of `out` is one frame or several whole ones. As long as nobody has
anything to send, what is for many goes to them at once (`Outputs.shared`),
and is sent before all that comes after it.

Whoever moves the frames on drains `Outputs.dirty` after every input, so
order within one destination is the order of appending, whichever path a
frame took.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Sink(Protocol):
    """A connection, as whoever moves frames on sees it."""

    def send(self, raw: bytes) -> None:
        """Send one frame, or several whole ones, at the end of the turn."""

    def send_all(self, frames: Sequence[bytes]) -> None:
        """Send frames at the end of the turn."""

    def allow(self, extra: int) -> None:
        """Let so many bytes wait on top of the limit."""


class Outputs:
    """
    The destinations that have something to send.

    :ivar shared: frames, and the destinations to which they go before all else.
    """

    __slots__ = ("dirty", "shared")

    def __init__(self) -> None:
        self.dirty: list[Destination] = []
        self.shared: list[tuple[bytes, Sequence[Destination]]] = []

    def share(self, raw: bytes, destinations: Sequence[Destination]) -> None:
        """Send the same to many, behind what each of them has to send."""
        if not self.dirty:
            self.shared.append((raw, destinations))
        else:
            for destination in destinations:
                destination.send(raw)

    def drain_shared(self) -> list[tuple[bytes, Sequence[Destination]]]:
        """What is for many; the caller sends it before it drains the rest."""
        shared, self.shared = self.shared, []
        return shared

    def drain(self) -> list[Destination]:
        """The destinations with output, each once; the caller empties them."""
        dirty, self.dirty = self.dirty, []
        return dirty


class Destination:
    """
    One connection's output, as the mind sees it.

    :ivar full: the connection is above its high mark; set from outside.
    :ivar sink: its connection; set and used from outside, None while there is none.
    :ivar extra: bytes that may wait for it on top of its limit, until it has
        read what is there; whoever moves the frames on takes it.
    """

    __slots__ = ("extra", "full", "out", "outputs", "sink")

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs
        self.out: list[bytes] = []
        self.full = False
        self.extra = 0
        self.sink: Sink | None = None

    def send(self, raw: bytes) -> None:
        """Append one frame, or several whole ones."""
        if not self.out:
            self.outputs.dirty.append(self)
        self.out.append(raw)

    def stir(self) -> None:
        """Have whoever moves frames look here, though there is none: a request was settled."""
        if not self.out:
            self.outputs.dirty.append(self)

    def take(self) -> list[bytes]:
        """The frames to send now."""
        out, self.out = self.out, []
        return out
