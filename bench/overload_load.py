"""
Well-behaved clients of a proxy: each asks, waits for the answer, thinks, asks again.

usage: overload_load.py PORT CLIENTS THINK

Each client submits one interaction and then changes and reads it, and now and
then submits another, THINK seconds after each answer. A line with a number of
seconds on standard input has that time measured; the answer is one JSON object:
answers, errors, and percentiles of the time to the answer in milliseconds; with
` every` behind the number, each of those times too.
"""

from __future__ import annotations

import heapq
import json
import random
import selectors
import socket
import sys
import time

from ixproxy.messages import (
    RequestChangeProperties,
    RequestGetInteractionProperties,
    RequestRegisterClient,
    RequestSubmit,
)
from ixproxy.messages.message import Message
from ixproxy.wire.codec import encode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame, write_frame

ONE_IN = 20
"""Of so many requests one is a submit, and four are reads."""
SUBMIT = RequestSubmit(
    tenant_id=1, media_type="email", queue="Inbound", user_data={"Subject": "x", "Text": "x" * 310}
)


class Lane:
    """One client."""

    def __init__(self, port: int, number: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = FrameReader()
        self._random = random.Random(number)
        self._reference = 0
        self._asked = 0.0
        self.errors = 0
        self.ask(RequestRegisterClient(client_name=f"calm-{number}", client_type="MediaServer"))
        self.wait()
        self.ask(SUBMIT)
        self._own = self.wait()

    def ask(self, request: Message) -> None:
        """Send one request."""
        self._reference += 1
        self._asked = time.monotonic()
        self.socket.sendall(encode(request, reference=self._reference))

    def ask_next(self) -> None:
        """Send what comes next."""
        chance = self._random.randrange(ONE_IN)
        if chance == 0:
            self.ask(SUBMIT)
        elif chance < 5:
            self.ask(RequestGetInteractionProperties(tenant_id=1, interaction_id=self._own))
        else:
            changed = {"Attempts": self._reference, "Text": "y" * 310}
            self.ask(
                RequestChangeProperties(
                    tenant_id=1, interaction_id=self._own, changed_properties=changed
                )
            )

    def answered(self) -> float | None:
        """Read once: seconds that the answer took; None: it is not there yet."""
        received = self.socket.recv(1 << 18)
        if not received:
            raise SystemExit("a well-behaved client was closed")
        taken = None
        for raw in self._reader.feed(received):
            assert isinstance(raw, bytes)
            kind = raw[5]
            if kind == Kind.PING:
                self.socket.sendall(write_frame(Kind.PONG, 0))
            elif kind in (Kind.REPLY, Kind.ERROR):
                self.errors += kind == Kind.ERROR
                self.last = raw
                taken = time.monotonic() - self._asked
        return taken

    def wait(self) -> str:
        """Wait for the answer; the interaction that it names."""
        while self.answered() is None:
            pass
        if self.errors:
            raise SystemExit("a well-behaved client was refused at the start")
        return read_frame(self.last).interaction


class Clients:
    """All of them, on one selector."""

    def __init__(self, port: int, number: int, think: float) -> None:
        self._think = think
        self._selector = selectors.DefaultSelector()
        self._lanes = [Lane(port, at) for at in range(number)]
        self._due: list[tuple[float, int]] = []
        chances = random.Random(1)
        now = time.monotonic()
        for at, lane in enumerate(self._lanes):
            self._selector.register(lane.socket, selectors.EVENT_READ, at)
            heapq.heappush(self._due, (now + think * chances.random(), at))

    def run(self, seconds: float) -> list[float]:
        """Go on for a while; how long each answer took that came in it."""
        times: list[float] = []
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            while self._due and self._due[0][0] <= now:
                self._lanes[heapq.heappop(self._due)[1]].ask_next()
            wait = min(until, self._due[0][0] if self._due else until) - time.monotonic()
            for key, _ in self._selector.select(max(0.0, wait)):
                taken = self._lanes[key.data].answered()
                if taken is not None:
                    times.append(taken)
                    again = time.monotonic() + self._think * (0.5 + random.random())
                    heapq.heappush(self._due, (again, key.data))
        # Who still waits is not left out because the answer is late.
        now = time.monotonic()
        thinking = {at for _, at in self._due}
        late = [now - lane._asked for at, lane in enumerate(self._lanes) if at not in thinking]
        return sorted(times + [each for each in late if each > seconds / 2])

    def errors(self) -> int:
        """Refusals since the last call."""
        number = sum(lane.errors for lane in self._lanes)
        for lane in self._lanes:
            lane.errors = 0
        return number


def main() -> None:
    """Measure whenever asked."""
    port, number, think = sys.argv[1:]
    clients = Clients(int(port), int(number), float(think))
    print("{}", flush=True)
    for line in sys.stdin:
        seconds, _, every = line.strip().partition(" ")
        times = clients.run(float(seconds))
        told = {
            "answers": len(times),
            "errors": clients.errors(),
            "p50": times[len(times) // 2] * 1e3 if times else 0.0,
            "p99": times[len(times) * 99 // 100] * 1e3 if times else 0.0,
            "times": [taken * 1e3 for taken in times] if every else [],
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
