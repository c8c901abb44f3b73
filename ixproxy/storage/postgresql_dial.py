"""
The way to a PostgreSQL server, which can be given up while it is being made.

libpq waits for a server that accepts connections and says nothing, and for the
name of a host that nobody resolves, and cannot be interrupted in that. So it
is called in a thread of its own, for which nobody has to wait: whatever it
still comes to once it is given up is closed.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from threading import Thread
from typing import Any

import psycopg

from ixproxy.errors import StoreUnreachable

Connected = psycopg.Connection[Any]


class Dial:
    """
    Connects for one thread at a time.

    :ivar given_up: for good: nothing is connected any more.
    """

    def __init__(self) -> None:
        self.given_up = False
        self._connecting: Future[Connected] = Future()

    def connect(self, conninfo: str) -> Connected:
        """
        A new connection, which commits by itself.

        :raise StoreUnreachable: it was given up.
        :raise psycopg.Error: as `psycopg.connect`.
        """
        connecting = self._connecting = Future[Connected]()
        # `give_up` sets the flag first: one of the two sees what the other has done.
        if self.given_up:
            connecting.cancel()
        else:
            # A daemon: what cannot be ended must not keep the process alive.
            Thread(target=_connect, args=(conninfo, connecting), name="dial", daemon=True).start()
        try:
            return connecting.result()
        except CancelledError:
            raise StoreUnreachable("connecting to the database was given up") from None

    def give_up(self) -> None:
        """From any thread: who waits for a connection does so no longer."""
        self.given_up = True
        self._connecting.cancel()


def _connect(conninfo: str, connecting: Future[Connected]) -> None:
    try:
        connection = psycopg.connect(conninfo, autocommit=True)
    except Exception as problem:
        with suppress(InvalidStateError):
            connecting.set_exception(problem)
        return
    try:
        connecting.set_result(connection)
    except InvalidStateError:
        connection.close()
