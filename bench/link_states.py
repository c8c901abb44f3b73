"""When a proxy's link to a node came into which state: asked again and again, by a thread."""

from __future__ import annotations

import socket
import threading
import time

from ixproxy.messages import EventServerStatus, RequestRegisterClient, RequestServerStatus
from ixproxy.messages.message import Message
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.prefix import read_frame

EVERY = 0.1
"""Seconds between two questions."""


class LinkStates:
    """
    :ivar since: state to when the link was seen in it first, on the monotonic
        clock, after it was seen down.
    """

    def __init__(self, port: int, node: str) -> None:
        self.since: dict[str, float] = {}
        self._node = node
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = FrameReader()
        self._ask(RequestRegisterClient(client_name="states", client_type="ReportingEngine"))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _ask(self, request: Message) -> Message:
        self._socket.sendall(encode(request, reference=1))
        while True:
            for raw in self._reader.feed(self._socket.recv(1 << 18)):
                assert isinstance(raw, bytes)
                frame = read_frame(raw)
                if frame.reference == 1:
                    return decode(frame)

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            status = self._ask(RequestServerStatus())
            assert isinstance(status, EventServerStatus)
            assert status.proxy_status is not None
            links = {each.node: each.state for each in status.proxy_status.links}
            state = links[self._node]
            if state == "down" or self.since:
                self.since.setdefault(state, time.monotonic())
                if state == "linked":
                    self.since.setdefault("joining", self.since["linked"])

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._thread.join()
        self._socket.close()
