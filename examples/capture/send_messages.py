"""
Sends documents to a queue of a broker, and prints the replies of all the nodes that share it.

    python examples/capture/send_messages.py 127.0.0.1:61613 --count 30

It speaks STOMP 1.2, with RabbitMQ's words for the id of a message, by which one that is sent
again is known again. It ends when each document is answered.
"""

from __future__ import annotations

import argparse
import os
import socket
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from contextlib import closing
from pathlib import Path

INBOUND, TOLD = "/queue/claims.in", "/queue/claims.out"
MOST = 1 << 20

Frame = tuple[str, dict[str, str], bytes]


class Broker:
    """A connection."""

    def __init__(self, address: str, seconds: float) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), seconds)
        self._rest = b""
        self.send("CONNECT", {"accept-version": "1.2", "host": "/", **LOGIN})
        self.receive("CONNECTED")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def send(self, command: str, headers: dict[str, str], body: bytes = b"") -> None:
        """Send one frame."""
        lines = [command, *(f"{name}:{value}" for name, value in headers.items()), "", ""]
        self._socket.sendall("\n".join(lines).encode() + body + b"\0")

    def receive(self, command: str) -> Frame:
        """The next frame, which is to be this one."""
        while b"\0" not in self._rest:
            came = self._socket.recv(65536)
            if not came or len(self._rest) > MOST:
                raise SystemExit("the broker has gone, or says too much")
            self._rest += came
        # What is told is XML, which has no zero byte.
        frame, _, self._rest = self._rest.partition(b"\0")
        head, _, body = frame.lstrip(b"\r\n").partition(b"\n\n")
        said, *lines = head.decode().split("\n")
        headers = dict(line.split(":", 1) for line in lines)
        if said != command:
            raise SystemExit(f"the broker says {said}: {headers} {body.decode()}")
        return said, headers, body


LOGIN = {"login": "guest", "passcode": "guest"}


def run(broker: Broker, names: list[str]) -> None:
    """Send the documents, and print what is said of each."""
    broker.send("SUBSCRIBE", {"destination": TOLD, "id": "1", "ack": "auto"})
    for name in names:
        body = f'<interaction operation="submit" ExternalId="{name}"/>'.encode()
        headers = {"destination": INBOUND, "persistent": "true", "amqp-message-id": name}
        broker.send("SEND", {**headers, "content-length": str(len(body))}, body)
    left, nodes = set(names), Counter[str]()
    while left:
        _, _, body = broker.receive("MESSAGE")
        told = ElementTree.fromstring(body).attrib
        name = told.get("ExternalId", "")
        if name in left:
            left.discard(name)
            nodes[told.get("EventId", "").partition("-")[0]] += 1
            identifier = told.get("InteractionId") or told.get("description", "")
            print(f"{name}: {told['operation']} {identifier}", flush=True)
    print("by dbid:", *(f"{dbid} {count}" for dbid, count in sorted(nodes.items())), flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("broker", help="HOST:PORT of its STOMP")
    parser.add_argument("--count", type=int, default=30, help="documents (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="to wait (%(default)s)")
    args = parser.parse_args()
    names = [f"claim-{time.time_ns()}-{os.getpid()}-{number}" for number in range(args.count)]
    try:
        with closing(Broker(args.broker, args.seconds)) as broker:
            run(broker, names)
    except (OSError, ValueError) as problem:
        raise SystemExit(f"{Path(__file__).name}: {args.broker}: {problem}") from None


if __name__ == "__main__":
    main()
