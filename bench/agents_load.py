"""
Many agents of a proxy, each a client of its own, and a reporting client that counts what it hears.

usage: agents_load.py PORT AGENTS

Everybody is logged in before the first line is printed. Then each line on
standard input is answered with one JSON object: how many agents are connected,
and what the reporting client was told since the last line: events by name, how
many of them were marked Resync, and how many said what the stream had said
already (a login of who is in, a logout of who is out, a state that is so).
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
from collections import Counter

from ixproxy.messages import (
    EventActivityReport,
    EventAgentLogin,
    EventAgentLogout,
    EventNotReadyForMedia,
    EventPlaceAgentState,
    EventReadyForMedia,
    RequestAgentLogin,
    RequestRegisterClient,
    RequestStartPlaceAgentStateReportingAll,
)
from ixproxy.messages.message import Message
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame, write_frame
from ixproxy.wire.streams import END, RESYNC

AT_A_TIME = 100
"""Logins on their way at a time."""


class Told:
    """What a reporting client knows, and what it was told in vain."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()
        self.complete = False
        self.agents: dict[str, dict[str, int]] = {}

    def event(self, event: Message) -> None:
        """One event of the stream."""
        self.names[type(event).__name__] += 1
        if RESYNC in event.extension:
            self.names["resync"] += 1
        match event:
            case EventActivityReport():
                self.complete = self.complete or event.activity == END
            case EventPlaceAgentState():
                self.agents[event.agent_id] = dict(event.media_list)
            case EventAgentLogin():
                self.names["repeated"] += event.agent_id in self.agents
                self.agents[event.agent_id] = dict(event.media_list)
            case EventAgentLogout():
                self.names["repeated"] += self.agents.pop(event.agent_id, None) is None
            case EventReadyForMedia() | EventNotReadyForMedia():
                state = int(isinstance(event, EventReadyForMedia))
                known = self.agents.setdefault(event.agent_id, {})
                self.names["repeated"] += known.get(event.media_type_name) == state
                known[event.media_type_name] = state


class Peer:
    """One connection; `told` is the reporting client's."""

    def __init__(self, port: int, told: Told | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self._reader = FrameReader()
        self._told = told
        self.answered = 0

    def ask(self, request: Message) -> None:
        """Send one request."""
        self.socket.sendall(encode(request, reference=1))

    def read(self) -> bool:
        """Read once; False: the connection is closed."""
        received = self.socket.recv(1 << 18)
        for raw in self._reader.feed(received):
            assert isinstance(raw, bytes)
            kind = raw[5]
            if kind == Kind.PING:
                self.socket.sendall(write_frame(Kind.PONG, 0))
            elif kind == Kind.ERROR:
                raise SystemExit(f"refused: {decode(read_frame(raw))}")
            elif kind == Kind.REPLY:
                self.answered += 1
            elif self._told is not None:
                self._told.event(decode(read_frame(raw)))
        return bool(received)


class Load:
    """All of them, on one selector."""

    def __init__(self, port: int, number: int) -> None:
        self.told = Told()
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        reporting = self._come(port, "ReportingEngine", "stat-1", self.told)
        reporting.ask(RequestStartPlaceAgentStateReportingAll())
        self._until(lambda: self.told.complete)
        self.agents: list[Peer] = []
        for start in range(0, number, AT_A_TIME):
            some = range(start, min(number, start + AT_A_TIME))
            fresh = [self._come(port, "AgentApplication", f"desk-{at}") for at in some]
            for at, peer in zip(some, fresh, strict=True):
                peer.ask(
                    RequestAgentLogin(
                        tenant_id=1, agent_id=f"agent-{at}", place_id=f"place-{at}",
                        media_list={"email": at % 2},
                    )
                )  # fmt: skip
            self._until(lambda fresh=fresh: all(peer.answered == 2 for peer in fresh))
            self.agents += fresh
        self._until(lambda: self.told.names["EventAgentLogin"] == number)

    def _come(self, port: int, client_type: str, name: str, told: Told | None = None) -> Peer:
        peer = Peer(port, told)
        peer.ask(RequestRegisterClient(client_name=name, client_type=client_type))
        self._selector.register(peer.socket, selectors.EVENT_READ, peer)
        self._until(lambda: peer.answered == 1)
        return peer

    def _until(self, done: object) -> None:
        assert callable(done)
        while not done():
            self.read()

    def read(self) -> str:
        """Read whatever has come; a line of standard input, if that is what came."""
        line = ""
        for key, _ in self._selector.select():
            if key.data is None:
                line = sys.stdin.readline() or "end"
            elif not key.data.read():
                self._selector.unregister(key.fileobj)
                self.agents = [peer for peer in self.agents if peer is not key.data]
        return line


def main() -> None:
    """Tell whenever asked."""
    port, number = map(int, sys.argv[1:])
    load = Load(port, number)
    line = "\n"
    while line != "end":
        if line:
            told = {"connected": len(load.agents), "in": len(load.told.agents), **load.told.names}
            print(json.dumps(told), flush=True)
            load.told.names.clear()
        line = load.read()


if __name__ == "__main__":
    main()
