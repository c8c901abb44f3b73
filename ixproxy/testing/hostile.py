"""
What broken and hostile peers send, as bytes: for tests of whatever listens.

All of it is well known: other protocols at the wrong port, frames that lie
about their size, bodies made to exhaust whoever decodes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ixproxy.errors import Code
from ixproxy.messages import RequestRegisterClient, RequestSubmit
from ixproxy.wire.codec import encode, encode_map
from ixproxy.wire.names import Kind, code_of
from ixproxy.wire.prefix import write_frame


class Stream(NamedTuple):
    """
    What a peer sends that does not speak the protocol.

    :ivar code: of the error frame that it gets before it is closed.
    """

    name: str
    raw: bytes
    code: int


_HELLO = bytes.fromhex(
    "16030100c6010000c20303"  # record, handshake, TLS 1.2 as all versions say
    + "5a" * 32  # random
    + "20" + "a5" * 32  # session id
    + "0004130213030100"  # ciphers, compression
)  # fmt: skip

_REGISTER = write_frame(Kind.REQUEST, code_of(RequestRegisterClient))

STREAMS: tuple[Stream, ...] = (
    Stream("TLS ClientHello", _HELLO + bytes(160), Code.BAD_FRAME),
    Stream("HTTP GET", b"GET / HTTP/1.1\r\nHost: node\r\n\r\n", Code.BAD_FRAME),
    Stream("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Code.BAD_FRAME),
    Stream("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", Code.BAD_FRAME),
    Stream("PostgreSQL", bytes.fromhex("0000000804d2162f"), Code.BAD_FRAME),
    Stream("AMQP", b"AMQP\x00\x01\x00\x00", Code.BAD_FRAME),
    Stream("PROXY protocol", b"\r\n\r\n\0\r\nQUIT\n" + bytes(20), Code.BAD_FRAME),
    Stream("1 MiB of zeros", bytes(1 << 20), Code.BAD_FRAME),
    Stream("1 MiB of ones", b"\xff" * (1 << 20), Code.BAD_FRAME),
    *(
        Stream(
            f"protocol version {magic & 0x0F}",
            _REGISTER[:4] + bytes((magic,)) + _REGISTER[5:],
            Code.UNSUPPORTED_VERSION,
        )
        for magic in (0xE0, 0xE2, 0xEF)
    ),
)


def announcement(length: int, reference: int, client: int = 0) -> bytes:
    """The prefix of a request that says it has `length` bytes, with nothing behind it."""
    raw = write_frame(Kind.REQUEST, code_of(RequestSubmit), client=client, reference=reference)
    return length.to_bytes(4, "big") + raw[4:32]


def deep_bodies() -> Iterator[tuple[str, bytes]]:
    """Bodies of a submit with values in values in values, each with what it is called."""
    for levels in (33, 1_000, 100_000, 900_000):
        openings = (("lists", b"\x91"), ("maps", b"\x81\xa1k"), ("odd maps", b"\x81\x01"))
        for name, opening in openings:
            size = min(levels, 900_000 // len(opening))
            yield f"{size} {name}", b"\x81\xa8UserData\x81\xa1k" + opening * size + b"\x01"


def lying_bodies() -> Iterator[tuple[str, bytes]]:
    """Bodies of a submit with a value that says it is far larger than it is."""
    for name, head in (
        ("list", b"\xdd\xff\xff\xff\xff"), ("map", b"\xdf\xff\xff\xff\xff"),
        ("string", b"\xdb\xff\xff\xff\xff"), ("bytes", b"\xc6\xff\xff\xff\xff"),
        ("extension", b"\xc9\xff\xff\xff\xff\x01"),
        ("nested lists", b"\xdd\x00\xff\xff\xff" * 1000),
    ):  # fmt: skip
        yield name, b"\x81\xa8UserData\x81\xa1k" + head
        yield f"{name} as the body", head


def submit_with(body: bytes, reference: int, client: int = 0) -> bytes:
    """A submit for tenant 1 with these bytes as its body."""
    return write_frame(
        Kind.REQUEST, code_of(RequestSubmit), client=client, reference=reference, tenant=1,
        media=b"email", queue=b"In", body=body,
    )  # fmt: skip


def endless_registration(reference: int, ids: int, a_part: int = 1) -> Iterator[bytes]:
    """A registration in ever more parts of `a_part` ids each, the last one never sent."""
    for first in range(0, ids, a_part):
        message = RequestRegisterClient(
            client_name="endless",
            client_type="RoutingEngine",
            session=b"endless session.",
            holding={f"{number:016}": number for number in range(first, first + a_part)},
            holding_continues=True,
        )
        yield encode(message, reference=reference)


def many_versions(reference: int) -> bytes:
    """A registration whose refusal would name a hundred thousand versions."""
    body = {"ClientName": "v", "ClientType": "Proxy", "Versions": list(range(2, 100_002))}
    return write_frame(
        Kind.REQUEST, code_of(RequestRegisterClient), reference=reference, body=encode_map(body)
    )
