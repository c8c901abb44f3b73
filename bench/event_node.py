"""A node with a reporting stream that a benchmark writes, and clients that read the proxy's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

from ixproxy.messages import (
    EventAck,
    EventActivityReport,
    EventInteractionSubmitted,
    RequestRegisterClient,
    RequestStartPlaceAgentStateReportingAll,
    ServerFacts,
)
from ixproxy.messages.message import Message
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, read_frame
from ixproxy.wire.streams import BEGIN, END, numbered

SERVER = ServerFacts(name="ixn1", role="node", dbid=101, epoch=1, tenants=[1])
PLACE = 0xFFFFFFFE
"""A number of four bytes, in whose place the load writes its own."""
PATIENCE = 60.0


def event_frame(text: int) -> tuple[bytes, int]:
    """
    One event of a stream, and where its number stands in it.

    :param text: how long the longest of its properties is.
    """
    event = EventInteractionSubmitted(
        tenant_id=1,
        media_type="email",
        interaction_id="000002s0010000ab",
        queue="Inbound",
        event_time=1_790_000_000.25,
        event_number=PLACE - 1,
        dbid=101,
        interaction={"Queue": "Inbound", "Priority": 7, "SubmittedBy": "mail", "Text": "x" * text},
    )
    raw = encode(numbered(event, PLACE))
    return raw, raw.index(PLACE.to_bytes(4, "big"))


class EventNode:
    """
    The far side of the proxy, until a benchmark takes its socket over.

    :ivar connection: the proxy's.
    """

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._ended = threading.Event()
        self._clients = 0
        self.connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._listener.settimeout(PATIENCE)
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        connection.settimeout(0.1)
        reader = FrameReader()
        while not self._ended.is_set():
            try:
                received = connection.recv(1 << 16)
            except TimeoutError:
                continue
            if not received:
                return
            for raw in reader.feed(received):
                assert isinstance(raw, bytes)
                frame = read_frame(raw)
                for message in self._answers(frame):
                    reply = isinstance(message, EventAck)
                    reference = frame.reference if reply else 0
                    connection.sendall(encode(message, reference=reference))

    def _answers(self, frame: Frame) -> Iterator[Message]:
        if frame.kind != Kind.REQUEST:
            return
        match decode(frame):
            case RequestRegisterClient(client_type="Proxy"):
                yield EventAck(server=SERVER)
            case RequestRegisterClient():
                self._clients += 1
                yield EventAck(proxy_client_id=self._clients)
            case RequestStartPlaceAgentStateReportingAll():
                yield EventAck()
                yield EventActivityReport(activity=BEGIN)
                yield EventActivityReport(activity=END)
            case _:
                yield EventAck()

    def release(self) -> socket.socket:
        """Nothing more is read or answered: the socket is the caller's."""
        self._ended.set()
        self._thread.join(PATIENCE)
        assert self.connection is not None
        self.connection.settimeout(PATIENCE)
        return self.connection


def reporters(port: int, number: int) -> list[socket.socket]:
    """Reporting clients of the proxy at `port`, whose streams have begun."""
    clients = []
    for each in range(number):
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        registration = RequestRegisterClient(
            client_name=f"stat-{each}", client_type="ReportingEngine"
        )
        client.sendall(encode(registration, reference=1))
        clients.append(client)
    for client in clients:
        _read_until(client, EventAck)
        client.sendall(encode(RequestStartPlaceAgentStateReportingAll(), reference=2))
    for client in clients:
        _read_until(client, EventActivityReport, 2)
    return clients


def _read_until(client: socket.socket, kind: type[Message], times: int = 1) -> None:
    reader, found = FrameReader(), 0
    while found < times:
        received = client.recv(1 << 16)
        if not received:
            raise SystemExit("the proxy has closed a reporting client")
        for raw in reader.feed(received):
            if isinstance(raw, bytes) and isinstance(decode(read_frame(raw)), kind):
                found += 1
