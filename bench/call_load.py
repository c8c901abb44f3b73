"""
A closed-loop load of HTTP requests over plain sockets, for one server.

usage: call_load.py PORT CONNECTIONS SECONDS REQUEST

REQUEST names a file with the bytes of one request, sent again on each connection
when its answer is there; `%RECEIPT%` in it becomes a number of as many digits.
Prints one JSON object: answers, errors, and seconds, after half a second of
warming up, and `all` answers, those before that included.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from pathlib import Path

WARM = 0.5
MARK = b"%RECEIPT%"


class Lane:
    """One connection."""

    def __init__(self, port: int, number: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._next = number * 1_000_000
        self._rest = b""
        self.ask()

    def ask(self) -> None:
        """Send one request."""
        self._next += 1
        receipt = b"%0*d" % (len(MARK), self._next)
        self.socket.sendall(self._request.replace(MARK, receipt))

    def answers(self) -> tuple[int, int]:
        """Read once: whether the answer is there, and whether it is an error."""
        received = self.socket.recv(1 << 20)
        if not received:
            raise SystemExit("the server closed a connection")
        self._rest += received
        head, found, body = self._rest.partition(b"\r\n\r\n")
        if not found:
            return 0, 0
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return 0, 0
        self._rest = body[length:]
        return 1, int(head[9:10] != b"2")


def main() -> None:
    """Load, and say how it went."""
    port, connections, seconds, path = sys.argv[1:]
    request = Path(path).read_bytes()
    selector = selectors.DefaultSelector()
    for number in range(int(connections)):
        lane = Lane(int(port), number + int(time.time()) % 100_000 * 1000, request)
        selector.register(lane.socket, selectors.EVENT_READ, lane)
    answered = errors = whole = 0
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
            whole += number
            errors += wrong
            if number:
                lane.ask()
    told = {"answered": answered, "errors": errors, "seconds": now - begun, "all": whole}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
