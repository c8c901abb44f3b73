"""
A closed-loop load of submits over plain sockets, for one node.

usage: submit_load.py PORT CONNECTIONS DEPTH SECONDS FRAME

FRAME names a file with one request; it is sent with running references, DEPTH
of them without an answer on each connection. Prints one JSON object: answers,
errors, and seconds, after half a second of warming up.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from pathlib import Path

from ixproxy.messages import RequestRegisterClient
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind

WARM = 0.5


class Lane:
    """One connection."""

    def __init__(self, port: int, number: int, frame: bytes, depth: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        register = RequestRegisterClient(client_name=f"m{number}", client_type="MediaServer")
        self.socket.sendall(encode(register, reference=1))
        self._rest = b""
        self.answers()
        self._head, self._tail = frame[:12], frame[16:]
        self._reference = 1
        self.ask(depth)

    def ask(self, number: int) -> None:
        """Send so many requests."""
        head, tail, first = self._head, self._tail, self._reference + 1
        self._reference += number
        self.socket.sendall(
            b"".join(
                head + reference.to_bytes(4, "big") + tail
                for reference in range(first, first + number)
            )
        )

    def answers(self) -> tuple[int, int]:
        """Read once: the number of answers, and of errors among them."""
        received = self.socket.recv(1 << 20)
        if not received:
            raise SystemExit("the node closed a connection")
        buffer = self._rest + received
        at, size, number, errors = 0, len(buffer), 0, 0
        while size - at >= 6:
            end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
            if end > size:
                break
            kind = buffer[at + 5]
            number += kind in (Kind.REPLY, Kind.ERROR)
            errors += kind == Kind.ERROR
            at = end
        self._rest = buffer[at:]
        return number, errors


def main() -> None:
    """Load, and say how it went."""
    port, connections, depth, seconds, path = sys.argv[1:]
    frame = Path(path).read_bytes()
    selector = selectors.DefaultSelector()
    for number in range(int(connections)):
        lane = Lane(int(port), number, frame, int(depth))
        selector.register(lane.socket, selectors.EVENT_READ, lane)
    answered = errors = 0
    begun = 0.0
    start = time.monotonic()
    while True:
        now = time.monotonic()
        if not begun and now - start >= WARM:
            begun, answered, errors = now, 0, 0
        if begun and now - begun >= float(seconds):
            break
        for key, _ in selector.select(1.0):
            lane = key.data
            number, wrong = lane.answers()
            answered += number
            errors += wrong
            if number:
                lane.ask(number)
    print(json.dumps({"answered": answered, "errors": errors, "seconds": now - begun}))


if __name__ == "__main__":
    main()
