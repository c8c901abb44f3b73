"""
The one session that writes a node's PostgreSQL database, and what fences it.

Theory of operation: the row of the table meta has the epoch of the server that
may write, and the number of the session that it writes by. Every commit writes
the batch mark into that row in a statement that fails unless both are still
its own. So nothing of a deposed server is stored, and nothing of a session
that broke once another one has taken its place: `renew` raises the number of
sessions, which waits for a commit that the broken session has under way, and
makes one that is still on its way fail. What it reads then is final.

With the lease, the session also has an advisory lock; who is to write after it
must have that first.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg

from ixproxy.errors import CommitUncertain, LeaseLost, StorageError
from ixproxy.storage.postgresql_dial import Dial
from ixproxy.storage.postgresql_errors import BORDER, NOT_NULL, certain
from ixproxy.storage.postgresql_locks import lock, lock_holder, terminate, unlock
from ixproxy.storage.postgresql_schema import WRITTEN_BY
from ixproxy.storage.postgresql_session import BY_INDEXES, Place, Said, Session
from ixproxy.storage.restores import epoch_after_restore
from ixproxy.values import MAX_EPOCH

WRITER_SETTINGS = (BY_INDEXES, "SET lock_timeout = 10000")

# The timeline changes when a standby is promoted, or a moment of the past is recovered.
_HOME = """
SELECT epoch, written_by & 4294967295 = xmin::text::bigint, home,
    (SELECT system_identifier FROM pg_control_system()) || '/' ||
    (SELECT timeline_id FROM pg_control_checkpoint()) || '/' ||
    (SELECT oid FROM pg_database WHERE datname = current_database())
FROM meta FOR UPDATE
"""

_LEASE = f"""
UPDATE meta SET epoch = %s, home = %s, session_number = session_number + 1, {WRITTEN_BY}
RETURNING session_number, last_event_number, last_queue_seq
"""

_RENEWAL = f"""
UPDATE meta SET session_number = session_number + 1, {WRITTEN_BY} WHERE epoch = %s
RETURNING session_number, last_event_number, last_queue_seq
"""

# Not WHERE: a mark that finds no row would let the COMMIT behind it happen.
_MARK = f"""
UPDATE meta SET last_event_number = %s, last_queue_seq = greatest(last_queue_seq, %s),
    epoch = CASE WHEN epoch = %s AND session_number = %s THEN epoch END, {WRITTEN_BY}
"""


class Marks(NamedTuple):
    """What the row of meta says of the last commit."""

    event_number: int
    queue_seq: int


class Writer:
    """
    The right to write in one epoch.

    :ivar epoch: 0 until `begin_lease`.
    :ivar locked: whether its session has the advisory lock.
    :ivar abandoned: whether nothing may be written any more.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.locked = False
        self.epoch = 0
        self.abandoned = False
        self._dial = Dial()
        self._session: Session | None = None
        self._number = 0

    @property
    def session(self) -> Session:
        """
        As it is; another one after `renew`.

        :raise StorageError: there is none.
        """
        if self._session is None:
            raise StorageError(f"{self._place.name} is not open")
        return self._session

    def connect(self) -> None:
        """
        Open the session.

        :raise StorageError: see `Place.connect`.
        """
        self._place.connect(*WRITER_SETTINGS, known=self._known, dial=self._dial)

    def _known(self, session: Session) -> None:
        self._session = session

    def begin_lease(self, now: float) -> Marks:
        """
        Raise the epoch, and note the loss of every session that was connected.

        :raise StorageError: it is too high.
        :raise Exception: one of BORDER.
        """
        session = self.session
        _, row = session.trip(Said("BEGIN"), Said(_HOME, kept=False))
        ((stored, untouched, old_home, home),) = row.fetchall()
        epoch = stored + 1
        if stored and (not untouched or (old_home and old_home != home)):
            epoch = epoch_after_restore(
                stored,
                f"{session.name} was restored or copied, or is on another timeline, since it had "
                f"epoch {stored}",
            )
        if epoch > MAX_EPOCH:
            session.run("ROLLBACK")
            raise StorageError(f"epoch {epoch} is too high: at most {MAX_EPOCH} leases")
        leased, _, done = session.trip(
            Said(_LEASE, (epoch, home), kept=False),
            Said("UPDATE sessions SET lost_at = %s WHERE lost_at IS NULL", (now,), kept=False),
            Said("COMMIT", kept=False),
        )
        if done.statusmessage != "COMMIT":
            raise StorageError(f"beginning a lease of {session.name}: it was rolled back")
        ((self._number, number, queue_seq),) = leased.fetchall()
        self.epoch = epoch
        return Marks(number, queue_seq)

    def commit(
        self, number: int, queue_seq: int, *and_then: Said, first: Sequence[Said] = ()
    ) -> list[psycopg.Cursor[Any]]:
        """
        Write the batch mark and commit, in one round trip.

        :param first: what is to be said before.
        :param and_then: asked in the same trip, once it is committed.
        :return: what was found by these; nothing, if they failed.
        :raise LeaseLost: the right to write is another one's.
        :raise StorageError: it did not happen.
        :raise CommitUncertain: nobody knows.
        """
        mark = Said(_MARK, (number, queue_seq, self.epoch, self._number))
        done = len(first) + 1
        cursors: list[psycopg.Cursor[Any]] = []
        session = self.session
        try:
            session.trip(*first, mark, Said("COMMIT"), *and_then, into=cursors)
        except psycopg.Error as problem:
            if len(cursors) > done and cursors[done].statusmessage == "COMMIT":
                return []
            if certain(problem, not session.broken):
                if problem.sqlstate == NOT_NULL:
                    raise LeaseLost(f"{session.name} was taken over by another server") from problem
                raise session.problem(problem, "committing") from problem
            raise CommitUncertain(str(session.problem(problem, "committing"))) from problem
        if cursors[done].statusmessage != "COMMIT":
            raise StorageError("committing: the transaction had failed before")
        return cursors[done + 1 :]

    def renew(self) -> Marks:
        """
        Go on with another session.

        :return: what is stored, for good: nothing of the old session is added to it.
        :raise LeaseLost: the lock or the epoch is another one's.
        :raise StorageError: the database cannot be reached.
        """
        old = self.session.pid
        self.session.close()
        if self.abandoned:
            raise LeaseLost(f"{self._place.name} was given up")
        self.connect()
        session = self.session
        try:
            if self.locked:
                self._lock_again(session, old)
            found = session.ask(_RENEWAL, self.epoch)
        except BORDER as problem:
            raise session.problem(problem, f"opening {session.name} again") from problem
        if not found:
            raise LeaseLost(f"{session.name} was taken over by another server")
        ((self._number, number, queue_seq),) = found
        return Marks(number, queue_seq)

    def _lock_again(self, session: Session, old: int) -> None:
        """
        Get the lock that the broken session had, which may not have ended yet.

        :raise LeaseLost: another one has it.
        """
        if lock(session):
            return
        if lock_holder(session) == old:
            terminate(session, old)
            if lock(session):
                return
        raise LeaseLost(f"{session.name}: another server has taken the lease")

    def abandon(self) -> None:
        """From any thread: nothing is written any more."""
        self.abandoned = True
        self._dial.give_up()
        self.shut()

    def shut(self) -> None:
        """From any thread: whoever waits for the server does so no longer."""
        if self._session is not None:
            self._session.shut()

    def close(self) -> None:
        """Give the lock back and end the session; harmless when there is none."""
        session = self._session
        if session is not None:
            if self.locked and not session.broken and not self.abandoned:
                with suppress(*BORDER):
                    unlock(session)
            session.close()
