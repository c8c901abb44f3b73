"""
One ill-behaved client, or a crowd of them, of a proxy or a node.

usage: overload_flood.py KIND PORT SECONDS

Prints one JSON object: what was sent and what was heard, in frames and bytes.
Every kind is bounded: in time by SECONDS, in connections by `MOST`.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count

from ixproxy.messages import (
    RequestChangeProperties,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestPull,
    RequestRegisterClient,
    RequestSubmit,
)
from ixproxy.messages.message import Message
from ixproxy.wire.codec import encode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame, write_frame

MOST = 400
"""Connections of one crowd at a time."""
CHUNK = 64
"""Frames in one write."""
BIG = 200 << 10
"""Bytes of user data of what the client that never reads asks for."""

told: Counter[str] = Counter()


def connect(port: int) -> socket.socket:
    """One connection."""
    made = socket.create_connection(("127.0.0.1", port), 10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Closing resets: what is still on its way is not worked off while others are measured.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return made


class Client:
    """One registered client on a blocking socket."""

    def __init__(self, port: int, client_type: str = "MediaServer") -> None:
        self.socket = connect(port)
        self._reader = FrameReader(1 << 24)
        self._numbers = count(1)
        self.ask(RequestRegisterClient(client_name="flood", client_type=client_type))

    def ask(self, request: Message) -> str:
        """Ask one thing, and wait; the interaction that the answer names."""
        self.socket.sendall(encode(request, reference=next(self._numbers)))
        while True:
            received = self.socket.recv(1 << 18)
            if not received:
                raise SystemExit("closed at the start")
            for raw in self._reader.feed(received):
                if isinstance(raw, bytes) and raw[5] in (Kind.REPLY, Kind.ERROR):
                    return read_frame(raw).interaction

    def flood(self, frames: Iterator[bytes], seconds: float, *, read: bool = True) -> None:
        """Send as fast as it is taken, and read all that comes, or nothing."""
        self.socket.setblocking(False)
        selector = selectors.DefaultSelector()
        selector.register(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
        until, waiting = time.monotonic() + seconds, b""
        while time.monotonic() < until:
            for _, events in selector.select(0.1):
                try:
                    if events & selectors.EVENT_WRITE:
                        if not waiting:
                            waiting = b"".join(next(frames) for _ in range(CHUNK))
                            told["sent"] += CHUNK
                        waiting = waiting[self.socket.send(waiting) :]
                    elif not read:
                        time.sleep(0.01)  # noqa: TID251 - there is no reactor in a benchmark
                    if read and events & selectors.EVENT_READ and not self._hear():
                        return
                except ConnectionError:
                    told["closed"] += 1
                    return
        self.socket.close()

    def _hear(self) -> bool:
        received = self.socket.recv(1 << 18)
        told["bytes heard"] += len(received)
        for raw in self._reader.feed(received):
            assert isinstance(raw, bytes)
            if raw[5] == Kind.PING:
                self.socket.send(write_frame(Kind.PONG, 0))
            elif raw[5] == Kind.ERROR:
                told["errors"] += 1
            elif raw[5] == Kind.REPLY:
                told["answers"] += 1
        if not received:
            told["closed"] += 1
        return bool(received)


def numbered(request: Message) -> Iterator[bytes]:
    """One request again and again, under running references."""
    raw = encode(request, reference=1)
    head, tail = raw[:12], raw[16:]
    for reference in count(100):
        yield head + reference.to_bytes(4, "big") + tail


def submits(port: int, seconds: float) -> None:
    """Submits without end."""
    request = RequestSubmit(tenant_id=1, media_type="email", queue="Flood", user_data={"t": "x"})
    Client(port).flood(numbered(request), seconds)


def reads(port: int, seconds: float) -> None:
    """Reads of one interaction."""
    client = Client(port)
    own = client.ask(RequestSubmit(tenant_id=1, media_type="email", queue="Flood"))
    request = RequestGetInteractionProperties(tenant_id=1, interaction_id=own)
    client.flood(numbered(request), seconds)


def unknown(port: int, seconds: float) -> None:
    """Reads of interactions that nobody has, each another one."""

    def frames() -> Iterator[bytes]:
        for number in count(100):
            request = RequestGetInteractionProperties(tenant_id=1, interaction_id=f"no-{number}")
            yield encode(request, reference=number)

    Client(port).flood(frames(), seconds)


def pulls(port: int, seconds: float) -> None:
    """Pulls from a view that is empty."""
    request = RequestPull(tenant_id=1, view_id="Empty/All")
    Client(port, "RoutingEngine").flood(numbered(request), seconds)


def held(port: int, seconds: float) -> None:
    """The same, and each is to be held for as long as possible."""
    request = RequestPull(tenant_id=1, view_id="Empty/All", extension={"pull-for-strategy": 1})
    Client(port, "RoutingEngine").flood(numbered(request), seconds)


def finds(port: int, seconds: float) -> None:
    """Finds on all nodes."""
    request = RequestFindInteractions(tenant_id=1, condition="priority > 0")
    Client(port).flood(numbered(request), seconds)


def garbage(port: int, seconds: float) -> None:
    """Requests that are refused: a name that there is none of, an attribute that is missing."""

    def frames() -> Iterator[bytes]:
        lacking = encode(RequestChangeProperties(tenant_id=1, interaction_id=""), reference=1)
        for reference in count(100):
            if reference % 2:
                yield write_frame(Kind.REQUEST, 9999, reference=reference)
            else:
                yield lacking[:12] + reference.to_bytes(4, "big") + lacking[16:]

    Client(port).flood(frames(), seconds)


def mute(port: int, seconds: float) -> None:
    """Asks for much and never reads."""
    client = Client(port)
    own = client.ask(
        RequestSubmit(tenant_id=1, media_type="email", queue="Flood", user_data={"t": "x" * BIG})
    )
    request = RequestGetInteractionProperties(tenant_id=1, interaction_id=own)
    client.flood(numbered(request), seconds, read=False)


def crowd(port: int, seconds: float, each: Callable[[socket.socket], bool]) -> None:
    """Connect again and again; `each` says whether a connection is kept."""
    until, kept = time.monotonic() + seconds, list[socket.socket]()
    while time.monotonic() < until:
        try:
            made = connect(port)
            told["sent"] += 1
            keep = each(made)
        except OSError:
            told["closed"] += 1
            continue
        if keep:
            kept.append(made)
        else:
            made.close()
        if len(kept) > MOST:
            kept.pop(0).close()


def connects(port: int, seconds: float) -> None:
    """Connections that are closed at once."""
    crowd(port, seconds, lambda made: False)


def silent(port: int, seconds: float) -> None:
    """Connections that say nothing."""
    crowd(port, seconds, lambda made: True)


def halves(port: int, seconds: float) -> None:
    """Connections that send most of a long frame and no more."""
    request = RequestRegisterClient(client_name="half", client_type="MediaServer")
    head = (900_000).to_bytes(4, "big") + encode(request, reference=1)[4:32]

    def send(made: socket.socket) -> bool:
        made.settimeout(0.5)
        made.sendall(head + bytes(600_000))
        return True

    crowd(port, seconds, send)


def registers(port: int, seconds: float) -> None:
    """Clients that register, go and come again."""
    raw = encode(RequestRegisterClient(client_name="come", client_type="MediaServer"), reference=1)

    def send(made: socket.socket) -> bool:
        made.sendall(raw)
        made.recv(4096)
        return False

    crowd(port, seconds, send)


KINDS: dict[str, Callable[[int, float], None]] = {
    each.__name__: each
    for each in (
        submits, reads, unknown, pulls, held, finds, garbage, mute,
        connects, silent, halves, registers,
    )
}  # fmt: skip


def main() -> None:
    """Flood for a while."""
    kind, port, seconds = sys.argv[1:]
    KINDS[kind](int(port), float(seconds))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
