"""`ixctl decode [FILE]`: what went over the wire, as one JSON object a frame."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ixproxy.cli.frame_text import FrameText
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.packets import Problem, is_capture, segments
from ixproxy.cli.tcp_streams import Flow, Gap, Piece, streams
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME

FORMS = ("auto", "hex", "raw", "pcap")

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# A line of a dump: its offset, the bytes, and the same as text.
_HEX_DUMP = re.compile(r"(?:0x)?[0-9a-fA-F]{4,16}: ?(.*?)(?:  .*)?")
_DIRECTIONS = {">": "to server", "<": "from server"}


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "decode",
        help="show recorded bytes as JSON lines",
        description="Shows the frames in recorded bytes as one JSON object a line: a capture of "
        "packets (pcap, pcapng), the bytes of one direction, or hexadecimal text, in which lines "
        "may begin with > (to the server) or < (from it) and # begins a remark. What cannot be "
        "read becomes a line with `error`, and exit code 1. Secrets are left out.",
    )
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="standard input if it is - or left out"
    )
    parser.add_argument("--form", choices=FORMS, default="auto", help="default: look what it is")
    parser.add_argument(
        "--port",
        type=int,
        action="append",
        default=[],
        metavar="PORT",
        help="of a packet capture: only connections from or to this port (may be repeated)",
    )
    parser.add_argument(
        "--max-frame",
        type=int,
        default=DEFAULT_MAX_FRAME,
        metavar="BYTES",
        help="the longest frame that is read (default: %(default)s)",
    )
    # There is no other output than JSON lines.
    parser.set_defaults(command=command, local=True, json=True)


def command(args: Namespace, output: Output) -> int:
    """Decode a file or standard input."""
    try:
        content = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as unread:
        raise UsageError(f"{args.file}: cannot be read: {unread.strerror}") from unread
    wrong = False
    for record in decode_capture(content, args.form, ports=args.port, max_frame=args.max_frame):
        wrong = wrong or "error" in record
        output.record(record)
    return Exit.REFUSED if wrong else Exit.OK


def decode_capture(
    content: bytes,
    form: str = "auto",
    *,
    ports: Collection[int] = (),
    max_frame: int = DEFAULT_MAX_FRAME,
) -> Iterator[dict[str, object]]:
    """
    One record for each frame in recorded bytes, in the order of the recording.

    :param form: one of `FORMS`.
    :param ports: of a packet capture: TCP ports to look at; empty: all.
    :param max_frame: the longest frame that is read, in bytes after the
        length field.
    """
    if form == "auto":
        form = _form_of(content)
    if form == "pcap":
        return _from_packets(content, frozenset(ports), max_frame)
    if form == "hex":
        return _from_hex(content, max_frame)
    return _from_bytes(content, max_frame)


def _form_of(content: bytes) -> str:
    if is_capture(content):
        return "pcap"
    # Every frame has control characters in its prefix, and no text has.
    return "raw" if _CONTROL.search(content) else "hex"


def _from_bytes(content: bytes, max_frame: int) -> Iterator[dict[str, object]]:
    text = FrameText(max_frame)
    yield from text.feed(content)
    yield from text.end()


def _from_hex(content: bytes, max_frame: int) -> Iterator[dict[str, object]]:
    texts = {direction: FrameText(max_frame) for direction in ("", *_DIRECTIONS.values())}
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        digits = line.partition("#")[0].strip()
        direction = _DIRECTIONS.get(digits[:1], "")
        said: dict[str, object] = {"direction": direction} if direction else {}
        digits = digits[1:].strip() if direction else digits
        if dumped := _HEX_DUMP.fullmatch(digits):
            digits = dumped[1]
        try:
            received = bytes.fromhex(digits.replace(":", " ").replace("0x", " "))
        except ValueError:
            yield {"line": number, "error": "this is not hexadecimal"}
            continue
        for record in texts[direction].feed(received):
            yield {"line": number, **said, **record}
    for direction, text in texts.items():
        for record in text.end():
            yield {"direction": direction, **record} if direction else record


def _from_packets(
    content: bytes, ports: frozenset[int], max_frame: int
) -> Iterator[dict[str, object]]:
    texts: dict[Flow, FrameText] = {}
    for piece in streams(segments(content)):
        if isinstance(piece, Problem):
            yield {"error": piece.text}
            continue
        flow = piece.flow
        if ports and not ports & {_port(flow.source), _port(flow.target)}:
            continue
        text = texts.get(flow)
        if text is None:
            whole = piece.begins_whole if isinstance(piece, Piece) else False
            text = texts[flow] = FrameText(max_frame, begins_whole=whole)
        records = text.lost(piece.missing) if isinstance(piece, Gap) else text.feed(piece.content)
        for record in records:
            yield {"at": _moment(piece.at), **_ends(flow), **record}
    for flow, text in texts.items():
        for record in text.end():
            yield {**_ends(flow), **record}


def _ends(flow: Flow) -> dict[str, object]:
    ends: dict[str, object] = {"from": flow.source, "to": flow.target}
    if flow.connection > 1:
        ends["connection"] = flow.connection
    return ends


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
