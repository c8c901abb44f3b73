"""
The fixed prefix of a frame: written, read, and rewritten in eight bytes.

`doc/protocol.md` draws the layout. A frame is handled as one `bytes` object,
length field included, so that a hop that only forwards copies it twice at
most and never takes it apart.
"""

from __future__ import annotations

import struct
from enum import IntFlag

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.wire.names import Kind

MAGIC = 0xE1
VERSION = 1
SIZE = 32
MIN_LENGTH = SIZE - 4 + 1
DEFAULT_MAX_FRAME = 1 << 20
EMPTY_BODY = b"\x80"

LAYOUT = struct.Struct(">IBBHIIIIBBBBBBH")
ADDRESS = struct.Struct(">II")
ADDRESS_AT, ADDRESS_END = 8, 16
TTL_AT = 20
FLAGS_AT = 24

STRINGS = ("media", "interaction", "agent", "queue")
MAX_STRING = 255
MAX_TTL = (1 << 32) - 1

_KINDS = frozenset(Kind)


class Flag(IntFlag):
    """The prefix's `flags`."""

    NO_REPLY = 1
    TRACED = 2
    PARTIAL = 4
    MORE = 8
    COMPRESSED = 16
    RECEIPT = 32


class Frame:
    """
    One frame and its prefix, read once.

    :ivar raw: the whole frame, length field included.
    :ivar tenant: tenant id, 0 for none; `ttl` is in milliseconds, 0 for the
        server's default.
    :ivar body_at: where the body begins in `raw`.
    """

    __slots__ = (
        "agent",
        "body_at",
        "client",
        "flags",
        "interaction",
        "kind",
        "media",
        "name",
        "queue",
        "raw",
        "reference",
        "tenant",
        "ttl",
    )

    raw: bytes
    kind: int
    name: int
    client: int
    reference: int
    tenant: int
    ttl: int
    flags: int
    media: str
    interaction: str
    agent: str
    queue: str
    body_at: int

    @property
    def body(self) -> bytes:
        """The MessagePack map behind the prefix, undecoded."""
        return self.raw[self.body_at :]


def read_frame(raw: bytes) -> Frame:
    """
    Read the prefix of one whole frame.

    :raise RemoteProtocolError: names the field that is wrong; the frame can
        be answered (its reference is at a fixed place) and skipped.
    """
    frame = Frame()
    try:
        (
            length,
            magic,
            frame.kind,
            frame.name,
            frame.client,
            frame.reference,
            frame.tenant,
            frame.ttl,
            frame.flags,
            media,
            interaction,
            agent,
            queue,
            _,
            _,
        ) = LAYOUT.unpack_from(raw)
    except struct.error:
        raise RemoteProtocolError(
            Code.BAD_FRAME, f"the prefix takes {SIZE} bytes, {len(raw)} are there"
        ) from None
    if magic != MAGIC:
        raise RemoteProtocolError(Code.BAD_FRAME, f"magic is {magic:#04x}", fatal=True)
    if length + 4 != len(raw):
        raise RemoteProtocolError(Code.BAD_FRAME, f"length is {length}, {len(raw) - 4} follow it")
    if frame.kind not in _KINDS:
        raise RemoteProtocolError(Code.BAD_FRAME, f"kind is {frame.kind}, expected 1 to 7")
    frame.raw = raw
    end_media = SIZE + media
    end_interaction = end_media + interaction
    end_agent = end_interaction + agent
    frame.body_at = end_queue = end_agent + queue
    if end_queue >= len(raw):
        raise RemoteProtocolError(
            Code.BAD_FRAME,
            f"the four strings take {end_queue - SIZE} bytes, "
            f"only {len(raw) - SIZE - 1} are there before a body",
        )
    try:
        frame.media = raw[SIZE:end_media].decode() if media else ""
        frame.interaction = raw[end_media:end_interaction].decode() if interaction else ""
        frame.agent = raw[end_interaction:end_agent].decode() if agent else ""
        frame.queue = raw[end_agent:end_queue].decode() if queue else ""
    except UnicodeDecodeError as problem:
        # The slots are filled in order, so the first empty one is the bad one.
        bad = next(name for name in STRINGS if not hasattr(frame, name))
        raise RemoteProtocolError(
            Code.BAD_FRAME, f"the {bad} string is not UTF-8: {problem.reason}"
        ) from problem
    return frame


def write_frame(
    kind: int,
    name: int,
    *,
    client: int = 0,
    reference: int = 0,
    tenant: int = 0,
    ttl: int = 0,
    flags: int = 0,
    media: bytes = b"",
    interaction: bytes = b"",
    agent: bytes = b"",
    queue: bytes = b"",
    body: bytes = EMPTY_BODY,
) -> bytes:
    """
    Make one frame.

    :raise ValueError: a string is longer than 255 bytes, or a number does
        not fit its field; it is named.
    """
    try:
        prefix = LAYOUT.pack(
            SIZE - 4 + len(media) + len(interaction) + len(agent) + len(queue) + len(body),
            MAGIC,
            kind,
            name,
            client,
            reference,
            tenant,
            ttl,
            flags,
            len(media),
            len(interaction),
            len(agent),
            len(queue),
            0,
            0,
        )
    except struct.error:
        strings = (media, interaction, agent, queue)
        for field, string in zip(STRINGS, strings, strict=True):
            if len(string) > MAX_STRING:
                raise ValueError(
                    f"{field} string takes {len(string)} bytes, {MAX_STRING} allowed"
                ) from None
        numbers = {"kind": (kind, 1), "name": (name, 2), "flags": (flags, 1), "client": (client, 4)}
        numbers |= {"reference": (reference, 4), "tenant": (tenant, 4), "ttl": (ttl, 4)}
        for field, (number, size) in numbers.items():
            if not 0 <= number < 1 << 8 * size:
                raise ValueError(f"{field} is {number}, which is no u{8 * size}") from None
        raise ValueError(f"a body of {len(body)} bytes does not fit a frame") from None
    return b"".join((prefix, media, interaction, agent, queue, body))


def readdress(raw: bytes, client: int, reference: int) -> bytes:
    """`raw` for another client and reference: the only bytes a hop rewrites."""
    return raw[:ADDRESS_AT] + ADDRESS.pack(client, reference) + raw[ADDRESS_END:]


def with_ttl(raw: bytes, ttl: int) -> bytes:
    """
    `raw` with another ttl, for a hop that held it for a while.

    :param ttl: milliseconds left, put between 1 and `MAX_TTL`: a spent one
        must not read as 0, which gives the request the server's default.
    """
    return raw[:TTL_AT] + max(1, min(ttl, MAX_TTL)).to_bytes(4, "big") + raw[TTL_AT + 4 :]


def with_flags(raw: bytes, flags: int) -> bytes:
    """`raw` with other flags."""
    return raw[:FLAGS_AT] + bytes((flags,)) + raw[FLAGS_AT + 1 :]


def with_body(raw: bytes, body_at: int, body: bytes) -> bytes:
    """`raw` with another body behind the same prefix and strings."""
    return (body_at - 4 + len(body)).to_bytes(4, "big") + raw[4:body_at] + body
