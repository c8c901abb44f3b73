"""
The recorded frames: one file a message, which only ever grows.

Each record is two lines: the bytes in hexadecimal behind `>` (sent to a
server) or `<` (sent by one), and behind `#` what they mean, as JSON; so
`ixctl decode` reads the files too. A frame that was ever sent must mean the
same for ever: no line is changed or removed, and what is new is added at the
end. `python -m tests.wire.recorded` writes files for messages, and for exchanges
of the protocol page, that have none, and adds a frame to the file of a message
that has attributes of which none is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ixproxy.cli.exchanges import EXCHANGES
from ixproxy.messages import Message
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import ROWS, Kind, NameRow
from ixproxy.wire.prefix import MAGIC, Flag, Frame, read_frame, write_frame
from tests.wire.samples import bare, full

FRAMES = Path(__file__).parent / "frames"

# Kinds without a message of their own.
BODILESS = {"Cancel": Kind.CANCEL, "Ping": Kind.PING, "Pong": Kind.PONG}
# A frame of another version is no frame that could be decoded.
EXCHANGED = {
    f"exchange-{exchange.name}": [step.raw for step in exchange.steps if step.raw[4] == MAGIC]
    for exchange in EXCHANGES
}
TO_SERVER = (Kind.REQUEST, Kind.CANCEL, Kind.PING)


class Record(NamedTuple):
    """One recorded frame, and what it means."""

    file: str
    raw: bytes
    means: dict[str, Any]


def records() -> Iterator[Record]:
    """All records, by file and in order."""
    for path in sorted(FRAMES.glob("*.txt")):
        lines = path.read_text().splitlines()
        for frame, means in zip(lines[::2], lines[1::2], strict=True):
            yield Record(
                path.stem,
                bytes.fromhex(frame[1:]),
                json.loads(means[1:]),
            )


def frames() -> list[bytes]:
    """The bytes of all recorded frames."""
    return [record.raw for record in records()]


def meaning(frame: Frame) -> dict[str, Any]:
    """A frame as JSON says it: its prefix, and its decoded body if it has a message."""
    prefix = ("kind", "name", "client", "reference", "tenant", "ttl", "flags")
    strings = ("media", "interaction", "agent", "queue")
    said: dict[str, Any] = {name: getattr(frame, name) for name in (*prefix, *strings)}
    if frame.kind not in BODILESS.values():
        message = decode(frame)
        said["message"] = {type(message).__name__: json.loads(msgspec.json.encode(message))}
    return said


def first_records(name: str) -> list[bytes]:
    """What is recorded of a message or an exchange that has no file yet."""
    if name in EXCHANGED:
        return EXCHANGED[name]
    if name in BODILESS:
        return [write_frame(BODILESS[name], 0, client=3, reference=70_000)]
    row = next(row for row in ROWS if row.name == name)
    samples: list[Message] = [bare(row), full(row)]
    return [
        encode(samples[0], reference=1),
        encode(samples[1], client=1_000_000, reference=4_000_000_000, ttl=2500, flags=Flag.TRACED),
    ]


def unrecorded(row: NameRow) -> set[str]:
    """The attributes of a message that no recorded frame has."""
    recorded = {
        name
        for record in records()
        if record.file == row.name
        for name in record.means["message"][row.name]
    }
    return {field.encode_name for field in msgspec.structs.fields(row.message)} - recorded


def lines_of(raw: bytes) -> str:
    """A frame as a record."""
    frame = read_frame(raw)
    said = json.dumps(meaning(frame), ensure_ascii=False, sort_keys=True)
    return f"{'>' if frame.kind in TO_SERVER else '<'} {raw.hex()}\n# {said}\n"


def main() -> None:
    for name in [*(row.name for row in ROWS), *BODILESS, *EXCHANGED]:
        path = FRAMES / f"{name}.txt"
        if not path.exists():
            path.write_text("".join(map(lines_of, first_records(name))))
    for row in ROWS:
        if unrecorded(row):
            with (FRAMES / f"{row.name}.txt").open("a") as file:
                file.write(lines_of(encode(full(row), client=7, reference=9)))


if __name__ == "__main__":
    main()
