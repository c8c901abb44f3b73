"""A server that accepts connections and never says a word."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread


class SilentServer:
    """
    :ivar address: a libpq URI. The client would wait for ten minutes.
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(60)
        port = self._listening.getsockname()[1]
        self.address = f"postgresql://127.0.0.1:{port}/nowhere?connect_timeout=600"
        self._connections: list[socket.socket] = []

    def accept(self) -> None:
        """Wait for the next connection."""
        self._connections.append(self._listening.accept()[0])

    def close(self) -> None:
        for each in (self._listening, *self._connections):
            each.close()


@contextmanager
def silent_server() -> Iterator[SilentServer]:
    """One that is gone in the end."""
    server = SilentServer()
    try:
        yield server
    finally:
        server.close()


def problem_of(job: Callable[[], object], meanwhile: Callable[[], None]) -> Exception:
    """What `job` raises in a thread of its own once `meanwhile` is done."""
    problems: list[Exception] = []

    def run() -> None:
        try:
            job()
        except Exception as problem:
            problems.append(problem)

    thread = Thread(target=run)
    thread.start()
    meanwhile()
    thread.join(60)
    assert not thread.is_alive(), "it waits for the server still"
    (problem,) = problems
    return problem
