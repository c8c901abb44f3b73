"""Whole frames out of bytes that arrive in any pieces, within a limit."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME, MAGIC, MIN_LENGTH

_HEAD = Struct(">IBBHII")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A frame whose length is not allowed: skipped, but it can be answered."""

    kind: int
    client: int
    reference: int
    length: int
    limit: int

    @property
    def problem(self) -> RemoteProtocolError:
        """What to answer the requester with."""
        if self.length > self.limit:
            return RemoteProtocolError(
                Code.TOO_LARGE, f"length is {self.length}, {self.limit} allowed"
            )
        return RemoteProtocolError(
            Code.BAD_FRAME, f"length is {self.length}, at least {MIN_LENGTH} expected"
        )


class FrameReader:
    """
    Cuts a stream into frames.

    Memory is bounded at birth: a frame longer than `limit` is skipped as it
    arrives and never kept.
    """

    def __init__(self, limit: int = DEFAULT_MAX_FRAME) -> None:
        self.limit = limit
        self._rest = b""
        self._to_skip = 0

    def feed(self, received: bytes) -> list[bytes | Skipped]:
        """
        The frames that `received` completes, in order.

        Frames that came before a broken one are returned first; the break is
        raised by the next call, which must then be made with b"".

        :raise RemoteProtocolError: fatal: the peer does not speak this
            protocol (`magic`), or another version of it.
        """
        if self._to_skip:
            skipped = min(self._to_skip, len(received))
            self._to_skip -= skipped
            received = received[skipped:]
        buffer = self._rest + received if self._rest else received
        frames: list[bytes | Skipped] = []
        position, size, limit = 0, len(buffer), self.limit
        while size - position >= 5:
            if buffer[position + 4] != MAGIC:
                if frames:
                    break
                self._rest = buffer[position:]
                raise _foreign(buffer[position + 4])
            length = int.from_bytes(buffer[position : position + 4], "big")
            end = position + 4 + length
            if MIN_LENGTH <= length <= limit:
                if end > size:
                    break
                frames.append(buffer[position:end])
                position = end
                continue
            if size - position < _HEAD.size and end > size:
                break
            head = buffer[position : position + _HEAD.size].ljust(_HEAD.size, b"\0")
            if length < _HEAD.size - 4:
                head = head[: 4 + length].ljust(_HEAD.size, b"\0")
            _, _, kind, _, client, reference = _HEAD.unpack(head)
            frames.append(Skipped(kind, client, reference, length, limit))
            # A length under one byte cannot hold the magic just read: skip at
            # least that, or the stream would never move on.
            end = max(end, position + 5)
            self._to_skip = max(0, end - size)
            position = min(end, size)
        self._rest = buffer[position:]
        return frames

    @property
    def broken(self) -> bool:
        """Whether the next `feed` would raise."""
        return len(self._rest) >= 5 and self._rest[4] != MAGIC


def _foreign(magic: int) -> RemoteProtocolError:
    if magic & 0xF0 == 0xE0:
        return RemoteProtocolError(
            Code.UNSUPPORTED_VERSION,
            f"protocol version {magic & 0x0F} is not supported, 1 is",
            fatal=True,
        )
    return RemoteProtocolError(Code.BAD_FRAME, f"magic is {magic:#04x}, 0xe1 expected", fatal=True)
