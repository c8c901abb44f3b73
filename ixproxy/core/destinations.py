"""
Where frames go: one list for each destination, shared by both paths.

A stream of events is handed on joined, as the same bytes for all who read it:
an entry of `out` is one frame or several whole ones.

Whoever moves the frames on drains `Outputs.dirty` after every input, so
order within one destination is the order of appending, whichever path a
frame took.
"""

from __future__ import annotations


class Outputs:
    """The destinations that have something to send."""

    __slots__ = ("dirty",)

    def __init__(self) -> None:
        self.dirty: list[Destination] = []

    def drain(self) -> list[Destination]:
        """The destinations with output, each once; the caller empties them."""
        dirty, self.dirty = self.dirty, []
        return dirty


class Destination:
    """
    One connection's output, as the mind sees it.

    :ivar full: the connection is above its high mark; set from outside.
    :ivar extra: bytes that may wait for it on top of its limit, until it has
        read what is there; whoever moves the frames on takes it.
    """

    __slots__ = ("extra", "full", "out", "outputs")

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs
        self.out: list[bytes] = []
        self.full = False
        self.extra = 0

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
