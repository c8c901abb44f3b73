"""
Frames with something wrong in them, by the thousand, from recorded ones and a seed.

Theory of operation: a recorded frame is taken apart into its prefix, strings
and body, damaged there one to three times, and put together again with a
right length, so that most damage gets past the reader; then, now and then, its
bytes are damaged as well. One in sixteen stays whole, so that what is fed with
these frames also gets somewhere. Whatever comes out must be answered, skipped
or end the stream: `refusals` says how the wire takes one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from ixproxy.errors import RemoteProtocolError
from ixproxy.wire.codec import decode, decode_map, missing_attribute
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import ROWS
from ixproxy.wire.parts import join_frames, split_frame
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME, LAYOUT, MAGIC, SIZE, read_frame
from ixproxy.wire.splice import drop_extension, get_extension, set_extension

_encode = msgspec.msgpack.Encoder().encode
_outline = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])

WHOLE_ONE_IN = 16
LONGEST = 96 << 10
"""No frame is longer than this, though many say that they are."""

LENGTHS = (0, 1, 3, 11, 12, 27, 28, 29, 30, 255, 65535, 1 << 20, (1 << 20) + 1, 1 << 31, 2**32 - 1)
NUMBERS = (0, 1, 2, 3, 7, 255, 256, 65535, 1 << 16, 2**31 - 1, 1 << 31, 2**32 - 1)
BYTES = bytes.fromhex("00207f808f909fa0bfc0c1c4c7cfd4d8d9dbdcdddedfe0e1e2eff0feff")
NO_UTF8 = (b"\xff", b"\xc3", b"\x80", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\x80")

# MessagePack values of all sorts, as bytes: right, wrong, endless and lying about their size.
VALUES = (
    b"\xc0", b"\xc2", b"\xc3", b"\x00", b"\x7f", b"\xff", b"\xcb\x3f\xf8" + bytes(6),
    b"\xcb\x7f\xf8" + bytes(6), b"\xcb\x7f\xf0" + bytes(6), b"\xca\xff\x80\x00\x00",
    b"\xcf" + b"\xff" * 8, b"\xcf\x80" + bytes(7), b"\xd3\x80" + bytes(7), b"\xce" + b"\xff" * 4,
    b"\xa0", b"\xa3abc", b"\xa1\xff", b"\xa3\xed\xa0\x80", b"\xa1\x00", b"\xc4\x00",
    b"\xc4\x02\xff\x00",
    b"\x90", b"\x80", b"\x91\x80", b"\x81\x01\x02", b"\x81\xa1k\x01", b"\x81\xc0\xc0",
    b"\x81\x90\x90", b"\x81\x80\x80", b"\x82\xa1k\x01\xa1k\x02", b"\x81\xa1\xff\x01",
    b"\xd4\x01\x02", b"\xd6\xff\x00\x00\x00\x01", b"\xd7\xff" + b"\xff" * 8,
    b"\xc7\x0c\xff" + b"\xff" * 12, b"\xc7\x00\x05", b"\xc9\x7f\xff\xff\xff\x01", b"\xc1",
    b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xdc\xff\xff", b"\xde\xff\xff", b"\xd9\xff", b"\xa3ab",
)  # fmt: skip
NAMES = (
    "Extension", "Reason", "TenantId", "InteractionId", "AgentId", "Queue", "ViewId", "MediaType",
    "UserData", "Holding", "HoldingContinues", "Interactions", "ClientName", "Session", "Versions",
    "TakeNumber", "Held", "Unknown", "", "é",
)  # fmt: skip


@dataclass(slots=True)
class _Taken:
    """A frame taken apart."""

    numbers: list[int]
    """kind, name, client, reference, tenant, ttl, flags."""
    strings: list[bytes]
    lengths: list[int] | None
    body: bytes
    magic: int = MAGIC

    def together(self) -> bytes:
        content = b"".join(self.strings) + self.body
        lengths = self.lengths or [min(len(string), 255) for string in self.strings]
        kind, name, *others = self.numbers
        return (
            LAYOUT.pack(SIZE - 4 + len(content), self.magic, kind, name, *others, *lengths, 0, 0)
            + content
        )


def mutated_frames(frames: Sequence[bytes], seed: int, count: int) -> Iterator[bytes]:
    """
    `count` frames, the same for the same seed.

    :param frames: whole frames without a fault, such as recorded ones.
    """
    chance = random.Random(seed)
    for _ in range(count):
        raw = chance.choice(frames)
        if chance.randrange(WHOLE_ONE_IN):
            taken = _take_apart(raw)
            for _ in range(chance.randint(1, 3)):
                chance.choice(_CHANGES)(taken, chance, frames)
            raw = taken.together()
            if not chance.randrange(3):
                raw = chance.choice(_DAMAGES)(raw, chance)
        yield raw[:LONGEST]


def refusals(raw: bytes, limit: int = DEFAULT_MAX_FRAME) -> list[int]:
    """
    The codes with which the wire refuses parts of `raw`, as they come up.

    Reads it from a stream and then, each whole frame: its prefix, its typed
    message, its body as a map, what it lacks, its extension, and its parts.

    :raise Exception: anything but a `RemoteProtocolError` is a bug.
    """
    codes: list[int] = []

    def attempt(call: Callable[..., object], *arguments: object) -> object:
        try:
            return call(*arguments)
        except RemoteProtocolError as problem:
            codes.append(problem.code)
            return None

    read = attempt(FrameReader(limit).feed, raw)
    for each in read if isinstance(read, list) else ():
        if not isinstance(each, bytes):
            codes.append(each.problem.code)
            continue
        frame = attempt(read_frame, each)
        if frame is None:
            continue
        for call in (decode, decode_map, missing_attribute):
            attempt(call, frame)
        body = each[getattr(frame, "body_at", SIZE) :]
        attempt(get_extension, body, "pull-for-strategy")
        attempt(drop_extension, body, "pull-for-strategy")
        attempt(set_extension, body, {"pull-hold-timeout": 10})
        attempt(join_frames, [each, each])
        attempt(split_frame, each, len(each) - 4)
    return codes


def _take_apart(raw: bytes) -> _Taken:
    frame = read_frame(raw)
    numbers = [frame.kind, frame.name, frame.client, frame.reference, frame.tenant, frame.ttl]
    strings = [frame.media, frame.interaction, frame.agent, frame.queue]
    return _Taken(
        [*numbers, frame.flags], [string.encode() for string in strings], None, frame.body
    )


Change = Callable[[_Taken, random.Random, Sequence[bytes]], None]


def _other_kind(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    taken.numbers[0] = chance.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 255))


def _other_name(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    known = chance.choice(ROWS).code
    taken.numbers[1] = chance.choice((known, known, known, 0, 999, 65535))


def _other_number(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    taken.numbers[chance.randrange(2, 6)] = chance.choice(NUMBERS)


def _other_flags(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    taken.numbers[6] = chance.choice((1, 2, 4, 8, 16, 32, 64, 128, 255, chance.randrange(256)))


def _other_string(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    strings = (b"", b"x", b"x" * 255, "日本".encode(), b"\0", *NO_UTF8, b"x" * 254 + b"\xc3")
    taken.strings[chance.randrange(4)] = chance.choice(strings)


def _lying_strings(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    taken.lengths = [chance.choice((0, 1, 5, 16, 254, 255)) for _ in range(4)]


def _other_body(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    taken.body = read_frame(chance.choice(frames)).body


def _no_map(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    taken.body = chance.choice(VALUES)


def _deep_body(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    levels = chance.choice((31, 32, 33, 100, 900, 5_000, 40_000))
    opening = chance.choice((b"\x91", b"\x81\xa1k", b"\x92\x01", b"\x81\x01"))
    nested = (opening * levels)[: LONGEST // 2] + b"\x01"
    taken.body = b"\x81" + _encode(chance.choice(NAMES)) + nested


def _wide_body(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    count = chance.choice((15, 16, 1_000, 10_000))
    entries = b"".join(_encode(f"k{number % 70}") + b"\x01" for number in range(count))
    head = b"\xde" + count.to_bytes(2, "big")
    body = head + entries
    if chance.randrange(2):
        body = b"\x81" + _encode(chance.choice(NAMES)) + body
    taken.body = body


def _other_attribute(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    """One attribute gets another value, or a value under another name."""
    try:
        attributes = {key: bytes(raw) for key, raw in _outline.decode(taken.body).items()}
    except (msgspec.DecodeError, ValueError, RecursionError):
        return
    names = [*attributes, chance.choice(NAMES)]
    name = chance.choice(names)
    value = chance.choice(VALUES)
    if chance.randrange(2):
        value = b"\x81" + chance.choice((b"\xa1k", b"\xa6nested", b"\x05")) + value
    entries = [(key, raw) for key, raw in attributes.items() if key != name]
    entries.insert(chance.randint(0, len(entries)), (name, value))
    if not chance.randrange(8):
        entries.append(chance.choice(entries))
    count = len(entries)
    head = bytes((0x80 | count,)) if count < 16 else b"\xde" + count.to_bytes(2, "big")
    taken.body = head + b"".join(_encode(key) + raw for key, raw in entries)


def _broken_text(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    """Bytes that are no UTF-8 somewhere in the body, of the same length."""
    bad = chance.choice(NO_UTF8)
    if len(taken.body) > len(bad):
        at = chance.randrange(len(taken.body) - len(bad))
        taken.body = taken.body[:at] + bad + taken.body[at + len(bad) :]


def _shorter_body(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    taken.body = taken.body[: chance.randint(0, len(taken.body))]


def _longer_body(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    more = chance.randbytes(chance.randint(1, 40))
    taken.body += chance.choice((b"\x80", b"\x00", b"\xc1", more))


def _random_body(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    taken.body = chance.randbytes(chance.randint(1, 200))


def _other_magic(taken: _Taken, chance: random.Random, frames: Sequence[bytes]) -> None:
    if not chance.randrange(4):
        taken.magic = chance.choice((0xE0, 0xE2, 0xEF, 0x00, 0x16, 0x2F, 0xFF))


_CHANGES: tuple[Change, ...] = (
    _other_kind, _other_name, _other_number, _other_flags, _other_string, _lying_strings,
    _other_body, _no_map, _deep_body, _wide_body, _other_attribute, _other_attribute,
    _other_attribute, _broken_text, _shorter_body, _longer_body, _random_body, _other_magic,
)  # fmt: skip


def _flipped_bits(raw: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _other_bytes(raw: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        damaged[chance.randrange(len(damaged))] = chance.choice(BYTES)
    return bytes(damaged)


def _lying_length(raw: bytes, chance: random.Random) -> bytes:
    length = chance.choice((*LENGTHS, len(raw) - 5, len(raw) - 3, chance.randrange(2**32)))
    return length.to_bytes(4, "big") + raw[4:]


def _cut_off(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw))]


def _cut_off_honestly(raw: bytes, chance: random.Random) -> bytes:
    short = raw[: chance.randint(min(len(raw), 5), len(raw))]
    return max(0, len(short) - 4).to_bytes(4, "big") + short[4:]


def _twice(raw: bytes, chance: random.Random) -> bytes:
    return raw + raw


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped_bits,
    _flipped_bits,
    _other_bytes,
    _other_bytes,
    _lying_length,
    _cut_off,
    _cut_off_honestly,
    _twice,
)
