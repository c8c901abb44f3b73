"""
The lease of a node whose store is PostgreSQL.

Theory of operation: who has the lease is whose session has the advisory lock of
the schema. That is the session by which the store writes (`Store.open` adopts
it), so the lock goes when that session does, and whoever gets the lock knows
that nothing is written by the one before. The row of the table lease says who
it is and is beaten by a second session: it shows that the process lives, while
the writer may be busy for long. To end a holder is to end the session that has
the lock, whatever the row says.

A pooler that gives each transaction another session of the server would make
all of this meaningless; it is refused.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import psycopg
from zope.interface import implementer

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.interfaces import ILease
from ixproxy.storage.postgresql_dial import Dial
from ixproxy.storage.postgresql_errors import BORDER
from ixproxy.storage.postgresql_locks import END_MILLISECONDS, HELD, lock, lock_holder, terminate
from ixproxy.storage.postgresql_schema import prepare
from ixproxy.storage.postgresql_session import POOLED, Place, Said, Session
from ixproxy.storage.postgresql_writer import Writer
from ixproxy.storage.schemas import Schema
from ixproxy.values import Holder

STUCK_SECONDS = END_MILLISECONDS / 1000 + 3
"""How long a server may take to answer; it waits that long itself for a session to end."""

_TAKEN = "UPDATE lease SET name = %s, pid = %s, beat = beat + 1"

# The lock may have gone from a session that broke to the one that followed it.
_BEAT = f"""
UPDATE lease SET beat = beat + 1, pid = %s WHERE name = %s AND pid IN (%s, %s)
RETURNING (SELECT l.pid FROM pg_locks l WHERE {HELD})
"""

_HOLDER = f"SELECT r.name, r.pid, r.beat, l.pid FROM lease r, pg_locks l WHERE {HELD}"

_END = f"""
SELECT pg_terminate_backend(l.pid, {END_MILLISECONDS}) FROM lease r, pg_locks l
WHERE r.beat = %s AND {HELD}
"""


@implementer(ILease)
class PostgresqlLease:
    """See `ILease`."""

    def __init__(self, place: Place, schema: Schema) -> None:
        self._place = place
        self._schema = schema
        self._name = f"process {os.getpid()} on {socket.gethostname()}"
        self._writer: Writer | None = None
        self._own: Session | None = None
        self._dial = Dial()
        self._locked_by = 0
        self._held = False
        self._adopted = False
        self._abandoned = False

    def take(self) -> Holder | None:
        """See `ILease`."""
        if self._held:
            return None
        try:
            with self._limited():
                writer = self._candidate()
                if lock(writer.session):
                    self._begin(writer)
                    return None
                return self._holder(writer.session)
        except BORDER as problem:
            self._close()
            raise self._place.problem(problem, "taking the lease of") from problem
        except StorageError:
            self._close()
            raise

    def end(self, holder: Holder) -> None:
        """See `ILease`; also where it was ended by somebody else meanwhile."""
        try:
            with self._limited():
                session = self._candidate().session
                if self._holder(session) != holder:
                    return
                ended = self._end(session, holder)
        except BORDER as problem:
            self._close()
            raise self._place.problem(problem, f"ending {holder.name} at") from problem
        if not ended:
            raise StorageError(f"ending {holder.name} at {self._place.name}: it does not end")

    def beat(self) -> None:
        """See `ILease`."""
        writer = self._writer
        if not self._held or writer is None:
            raise LeaseLost(f"the lease of {self._place.name} is not ours")
        pid = writer.session.pid
        beaten = Said(_BEAT, (pid, self._name, pid, self._locked_by))
        try:
            with self._limited():
                try:
                    found = self._second().trip(beaten)[0].fetchall()
                except psycopg.OperationalError:
                    # It may have broken long ago, when nothing was to be said.
                    self._drop_second()
                    found = self._second().trip(beaten)[0].fetchall()
        except BORDER as problem:
            self._drop_second()
            raise self._place.problem(problem, "beating the lease of") from problem
        if not found or found[0][0] not in (pid, None):
            raise LeaseLost(f"another server has taken the lease of {self._place.name}")
        self._locked_by = pid
        if found[0][0] is None:
            raise StorageError(
                f"the session that has the lease of {self._place.name} has ended, "
                "and the next one has not begun"
            )

    def release(self) -> None:
        """See `ILease`."""
        self._held = False
        self._close()

    def adopted(self) -> Writer:
        """
        The session that has the lock, for the store to write by.

        :raise LeaseLost: there is none, or it was given before.
        """
        writer = self._writer
        if writer is None or not self._held or self._adopted:
            raise LeaseLost(f"the lease of {self._place.name} is not ours")
        self._adopted = True
        return writer

    def abandon(self) -> None:
        """From any thread: whatever is under way is to fail soon."""
        self._abandoned = True
        self._dial.give_up()
        writer, own = self._writer, self._own
        if writer is not None:
            writer.abandon()
        if own is not None:
            own.shut()

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Have a server that hangs be an unreachable one: its sessions break when it takes long."""
        timer = Timer(STUCK_SECONDS, self._break)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _break(self) -> None:
        """In the timer's thread."""
        writer, own = self._writer, self._own
        if own is not None:
            own.shut()
        if writer is not None and not self._held:
            writer.shut()

    def _candidate(self) -> Writer:
        """A session that can have the lock, and is no pooler's."""
        if self._abandoned:
            raise StorageError(f"the lease of {self._place.name} was given up")
        if self._writer is not None and self._writer.session.broken:
            self._close()
        if self._writer is None:
            self._writer = Writer(self._place)
            try:
                self._writer.connect()
                self._check_sessions(self._writer.session)
            except BaseException:
                self._close()
                raise
        return self._writer

    def _begin(self, writer: Writer) -> None:
        """The lock is ours."""
        session = writer.session
        prepare(session, self._schema)
        session.ask(_TAKEN, self._name, session.pid)
        self._locked_by = session.pid
        writer.locked = self._held = True
        self._adopted = False

    def _holder(self, session: Session) -> Holder | None:
        """Who has the lock; None: nobody, by now."""
        try:
            found = session.ask(_HOLDER)
        except psycopg.errors.UndefinedTable:
            # He is about to make the tables.
            pid = lock_holder(session)
            return None if pid is None else _unnamed(pid, 0)
        if not found:
            return Holder("somebody who is gone", 0)
        ((name, pid, beat, locked_by),) = found
        return Holder(name, beat) if pid == locked_by else _unnamed(locked_by, beat)

    def _end(self, session: Session, holder: Holder) -> bool:
        try:
            found = session.ask(_END, holder.beat)
        except psycopg.errors.UndefinedTable:
            pid = lock_holder(session)
            return pid is None or terminate(session, pid)
        return found != [(False,)]

    def _check_sessions(self, session: Session) -> None:
        """
        See that two connections are two sessions, and stay so.

        :raise StorageError: they are not.
        """
        other = self._second()
        _, found = other.trip(Said("BEGIN"), Said("SELECT pg_backend_pid()"))
        ours = session.ask("SELECT pg_backend_pid()")
        other.trip(Said("COMMIT"))
        if ours != [(session.pid,)] or found.fetchall() != [(other.pid,)]:
            raise StorageError(f"{self._place.name} {POOLED}")

    def _second(self) -> Session:
        """The session for everything but writing."""
        if self._own is None or self._own.broken:
            self._drop_second()
            if self._abandoned:
                # Whoever waits for this lease to be given back must not wait for a connection.
                raise StorageError(f"the lease of {self._place.name} was given up")
            self._own = self._place.connect(known=self._known, dial=self._dial)
        return self._own

    def _known(self, session: Session) -> None:
        self._own = session

    def _drop_second(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def _close(self) -> None:
        self._held = False
        self._drop_second()
        writer, self._writer = self._writer, None
        if writer is not None:
            if self._adopted:
                # The store's thread may be in it, and closes it.
                writer.session.shut()
            else:
                writer.close()


def _unnamed(pid: int, beat: int) -> Holder:
    """One that has not said who it is."""
    return Holder(f"session {pid} of the server", beat)
