"""Whole frames out of bytes that arrive in any pieces, within a limit."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME, MAGIC, MIN_LENGTH

_HEAD = Struct(">IBBHII")
_TO_MAGIC = 5


@dataclass(frozen=True, slots=True)
class Skipped:
    """
    A frame whose length is not allowed: skipped, but it can be answered.

    `kind`, `client` and `reference` are 0 when it is too short to hold them.
    """

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
    arrives and never kept. What is kept of an unfinished frame is looked at
    again only when all of it is there, so that a peer that sends byte by byte
    costs no more than one that does not.

    :ivar limit: the greatest length field taken; may change between calls.
    """

    __slots__ = ("_foreign_magic", "_needed", "_rest", "_to_skip", "limit")

    def __init__(self, limit: int = DEFAULT_MAX_FRAME) -> None:
        self.limit = limit
        self._rest = bytearray()
        self._needed = 0
        self._to_skip = 0
        self._foreign_magic: int | None = None

    def feed(self, received: bytes) -> list[bytes | Skipped]:
        """
        The frames that `received` completes, in order.

        Frames that came before a broken one are returned first; the break is
        raised by the next call, which must then be made with b"".

        :raise RemoteProtocolError: fatal: the peer does not speak this
            protocol (`magic`), or another version of it.
        """
        if self._foreign_magic is not None:
            raise wrong_magic(self._foreign_magic)
        if self._to_skip:
            skipped = min(self._to_skip, len(received))
            self._to_skip -= skipped
            received = received[skipped:]
        buffer = received
        if self._rest:
            self._rest += received
            if len(self._rest) < self._needed:
                return []
            buffer = bytes(self._rest)
            self._rest = bytearray()
        frames: list[bytes | Skipped] = []
        position, size, limit = 0, len(buffer), self.limit
        self._needed = _TO_MAGIC
        while size - position >= _TO_MAGIC:
            if buffer[position + 4] != MAGIC:
                self._foreign_magic = buffer[position + 4]
                if frames:
                    return frames
                raise wrong_magic(self._foreign_magic)
            length = int.from_bytes(buffer[position : position + 4], "big")
            end = position + 4 + length
            if MIN_LENGTH <= length <= limit:
                if end > size:
                    self._needed = end - position
                    break
                frames.append(buffer[position:end])
                position = end
                continue
            if end > size and size - position < _HEAD.size:
                self._needed = min(end - position, _HEAD.size)
                break
            kind = client = reference = 0
            if length >= _HEAD.size - 4:
                _, _, kind, _, client, reference = _HEAD.unpack_from(buffer, position)
            frames.append(Skipped(kind, client, reference, length, limit))
            # A length under one byte cannot hold the magic just read: skip at
            # least that, or the stream would never move on.
            end = max(end, position + _TO_MAGIC)
            self._to_skip = max(0, end - size)
            position = min(end, size)
        if position < size:
            self._rest += buffer[position:]
        return frames

    @property
    def kept(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._rest)

    @property
    def broken(self) -> bool:
        """Whether the next `feed` would raise."""
        return self._foreign_magic is not None


def wrong_magic(magic: int) -> RemoteProtocolError:
    """What is wrong with a stream whose fifth byte is `magic`: its version, or all of it."""
    if magic & 0xF0 == 0xE0:
        return RemoteProtocolError(
            Code.UNSUPPORTED_VERSION,
            f"protocol version {magic & 0x0F} is not supported, 1 is",
            fatal=True,
        )
    return RemoteProtocolError(Code.BAD_FRAME, f"magic is {magic:#04x}, 0xe1 expected", fatal=True)
