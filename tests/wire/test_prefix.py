from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.wire import prefix
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import (
    EMPTY_BODY,
    MAX_TTL,
    MIN_LENGTH,
    Flag,
    Frame,
    read_frame,
    readdress,
    with_body,
    with_flags,
    with_ttl,
    write_frame,
)

u32 = st.integers(0, 2**32 - 1)
strings = st.text(max_size=63)
FIELDS = ("kind", "name", "client", "reference", "tenant", "ttl", "flags")
STRINGS = ("media", "interaction", "agent", "queue")
fields = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([int(kind) for kind in Kind]),
        "name": st.integers(0, 2**16 - 1),
        "client": u32,
        "reference": u32,
        "tenant": u32,
        "ttl": u32,
        "flags": st.integers(0, 255),
        "media": strings,
        "interaction": strings,
        "agent": strings,
        "queue": strings,
        "body": st.binary(min_size=1, max_size=40),
    }
)


def written(values: dict[str, Any]) -> bytes:
    return write_frame(
        **{name: values[name].encode() if name in STRINGS else values[name] for name in values}
    )


def seen(frame: Frame) -> dict[str, Any]:
    return {name: getattr(frame, name) for name in (*FIELDS, *STRINGS, "body")}


@given(fields)
def test_a_prefix_is_read_as_it_was_written(values: dict[str, Any]) -> None:
    raw = written(values)
    frame = read_frame(raw)
    assert seen(frame) == values
    assert frame.raw is raw
    assert raw[frame.body_at :] == values["body"]
    assert int.from_bytes(raw[:4], "big") == len(raw) - 4


def test_the_layout_is_the_documented_one() -> None:
    raw = write_frame(
        Kind.REPLY,
        0x0102,
        client=0x03040506,
        reference=0x0708090A,
        tenant=0x0B0C0D0E,
        ttl=0x0F101112,
        flags=0x13,
        media=b"m",
        interaction=b"in",
        agent=b"age",
        queue=b"queu",
        body=b"\x81\xa1k\x01",
    )
    assert raw == bytes.fromhex(
        "0000002a e1 02 0102 03040506 0708090a 0b0c0d0e 0f101112 13 01020304 00 0000"
        + b"minagequeu".hex()
        + "81a16b01"
    )


def test_the_smallest_frame_is_the_smallest_that_is_allowed() -> None:
    raw = write_frame(Kind.PING, 0)
    assert len(raw) - 4 == MIN_LENGTH == 29
    assert read_frame(raw).body == EMPTY_BODY


@given(fields, u32, u32)
def test_readdressing_changes_eight_bytes(
    values: dict[str, Any], client: int, reference: int
) -> None:
    raw = written(values)
    again = readdress(raw, client, reference)
    assert seen(read_frame(again)) == values | {"client": client, "reference": reference}
    assert (again[:8], again[16:]) == (raw[:8], raw[16:])


@given(fields, u32, st.integers(0, 255), st.binary(min_size=1, max_size=40))
def test_ttl_flags_and_body_are_replaced_alone(
    values: dict[str, Any], ttl: int, flags: int, body: bytes
) -> None:
    raw = written(values)
    at = read_frame(raw).body_at
    assert seen(read_frame(with_flags(raw, flags))) == values | {"flags": flags}
    assert seen(read_frame(with_body(raw, at, body))) == values | {"body": body}
    assert seen(read_frame(with_ttl(raw, ttl))) == values | {"ttl": max(1, ttl)}


@pytest.mark.parametrize(("ttl", "written_as"), [(-5, 1), (0, 1), (1, 1), (2**40, MAX_TTL)])
def test_a_spent_ttl_never_reads_as_the_default(ttl: int, written_as: int) -> None:
    raw = write_frame(Kind.REQUEST, 40, ttl=100)
    assert read_frame(with_ttl(raw, ttl)).ttl == written_as


def test_reserved_bytes_are_ignored() -> None:
    raw = bytearray(write_frame(Kind.REQUEST, 40, queue=b"Q"))
    raw[29:32] = b"\xff\xff\xff"
    assert read_frame(bytes(raw)).queue == "Q"


GOOD = write_frame(
    Kind.REQUEST, 40, media=b"email", interaction=b"id", agent=b"agent", queue=b"queue"
)


def altered(at: int, *values: int) -> bytes:
    return GOOD[:at] + bytes(values) + GOOD[at + len(values) :]


@pytest.mark.parametrize(
    ("raw", "says", "fatal"),
    [
        (b"", "prefix takes 32 bytes, 0 are there", False),
        (GOOD[:31], "prefix takes 32 bytes, 31 are there", False),
        (altered(4, 0xE2), "magic is 0xe2", True),
        (altered(4, 0x16), "magic is 0x16", True),
        (altered(3, 200), "length is 200, 46 follow it", False),
        (GOOD + b"\x80", "length is 46, 47 follow it", False),
        (altered(5, 0), "kind is 0, expected 1 to 7", False),
        (altered(5, 8), "kind is 8, expected 1 to 7", False),
        (altered(25, 255), "four strings take 267 bytes, only 17 are there", False),
        (altered(28, 6), "four strings take 18 bytes, only 17 are there", False),
        (altered(32, 0xFF), "media string is not UTF-8: invalid start byte", False),
        (altered(37, 0xC3), "interaction string is not UTF-8: invalid continuation byte", False),
        (altered(39, 0xE2), "agent string is not UTF-8", False),
        (altered(44, 0x80), "queue string is not UTF-8", False),
        (altered(48, 0xC3), "queue string is not UTF-8: unexpected end", False),
    ],
)
def test_bad_bytes_are_refused_with_the_field_named(raw: bytes, says: str, fatal: bool) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        read_frame(raw)
    assert refused.value.code == Code.BAD_FRAME
    assert refused.value.fatal is fatal


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"media": b"m" * 256}, "media string takes 256 bytes, 255 allowed"),
        ({"queue": b"q" * 300}, "queue string takes 300 bytes"),
        ({"client": 2**32}, "client is 4294967296, which is no u32"),
        ({"reference": -1}, "reference is -1, which is no u32"),
        ({"tenant": 2**32}, "tenant is"),
        ({"ttl": -1}, "ttl is"),
        ({"flags": 256}, "flags is 256, which is no u8"),
        ({"name": 65536}, "name is 65536, which is no u16"),
        ({"kind": 256}, "kind is 256"),
    ],
)
def test_what_does_not_fit_is_not_written_and_named(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        write_frame(**({"kind": 1, "name": 1} | values))


def test_a_body_beyond_the_length_field_is_named() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 2**32

    with pytest.raises(ValueError, match="a body of 4294967296 bytes does not fit"):
        write_frame(1, 1, body=Huge())


def test_flags_have_their_documented_values() -> None:
    assert {flag.name: flag.value for flag in Flag} == {
        "NO_REPLY": 1,
        "TRACED": 2,
        "PARTIAL": 4,
        "MORE": 8,
        "COMPRESSED": 16,
        "RECEIPT": 32,
    }
    assert prefix.MAGIC == 0xE1
    assert prefix.VERSION == 1
