"""What the tests of the PostgreSQL store need beside a server: a wire that is watched and cut."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

from ixproxy.storage.postgresql import PostgresqlStore, make
from ixproxy.testing.store_samples import CUSTOM


def store_at(address: str) -> PostgresqlStore:
    """A store that is not open yet."""
    return make({"address": address, "custom_columns": CUSTOM})


class Wire:
    """
    A way to a server that counts round trips, and is cut when something is said on it.

    :ivar address: that of the database, by way of the wire.
    :ivar trips: how often the server answered something that was asked.
    :ivar cut_at: when this is said, the wire breaks once it is answered. None: never.
    :ivar swallowed: it breaks before the server hears it.
    """

    def __init__(self, address: str) -> None:
        found = re.fullmatch(r"(.*@)127\.0\.0\.1:(\d+)(/.*)", address)
        assert found is not None
        self._port = int(found[2])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"{found[1]}127.0.0.1:{self._listener.getsockname()[1]}{found[3]}"
        self.trips = 0
        self.cut_at: bytes | None = None
        self.swallowed = False
        self._asked = False
        self._answer_is_cut = False
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break all connections."""
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Break them, and take no new ones."""
        self._listener.close()
        self.cut()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            with self._lock:
                self._sockets += (client, server)
            Thread(target=self._forward, args=(client, server, True), daemon=True).start()
            Thread(target=self._forward, args=(server, client, False), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        with suppress(OSError):
            while received := source.recv(1 << 20):
                with self._lock:
                    if asks:
                        self._asked = True
                    elif self._asked:
                        self._asked = False
                        self.trips += 1
                    cut = asks and self.cut_at is not None and self.cut_at in received
                    cut = cut or (self._answer_is_cut and not asks)
                    if cut and not self.swallowed and asks:
                        cut, self._answer_is_cut = False, True
                if cut:
                    self.cut_at, self._answer_is_cut = None, False
                    source.shutdown(socket.SHUT_RDWR)
                    break
                target.sendall(received)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(address: str) -> Iterator[Wire]:
    """A wire, closed at the end."""
    made = Wire(address)
    try:
        yield made
    finally:
        made.close()
