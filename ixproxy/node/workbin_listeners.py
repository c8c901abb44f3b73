"""
Who listens to which workbin, as the node remembers it.

Kept in memory, for as long as the connection, as topics are: a client, and the
proxy before it, listens again whenever it registers. So a restart loses all of
it, and it is made again from outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ixproxy.node.journal import Journal
from ixproxy.node.rows import InteractionRow
from ixproxy.wire.workbins import Wishes


class WorkbinKey(NamedTuple):
    """A workbin of one owner, as the columns of what lies in it say."""

    tenant_id: int
    type: str | None
    agent: str | None
    group: str | None
    place: str | None
    place_group: str | None


def key_of(row: InteractionRow) -> WorkbinKey:
    """The workbin that an interaction lies in, or goes back to."""
    return WorkbinKey(
        row.tenant_id,
        row.workbin_type,
        row.workbin_agent,
        row.workbin_group,
        row.workbin_place,
        row.workbin_place_group,
    )


class WorkbinListeners:
    """Client sessions by workbin, and workbins by client session."""

    __slots__ = ("_journal", "_of", "_of_session")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._of: dict[WorkbinKey, dict[bytes, Wishes]] = {}
        self._of_session: dict[bytes, dict[WorkbinKey, None]] = {}

    def __len__(self) -> int:
        """Workbins that somebody listens to."""
        return len(self._of)

    def hears(self, session: bytes, key: WorkbinKey) -> bool:
        """Whether a session listens to a workbin."""
        return session in self._of.get(key, ())

    def number_of(self, session: bytes) -> int:
        """How many workbins a session listens to."""
        return len(self._of_session.get(session, ()))

    def told(self, row: InteractionRow, operation: str) -> Iterator[bytes]:
        """The sessions that hear of something about the workbin of an interaction."""
        if not self._of:
            return
        for session, wishes in self._of.get(key_of(row), {}).items():
            if wishes.accept(operation):
                yield session

    def listen(self, session: bytes, key: WorkbinKey, wishes: Wishes) -> None:
        """A session listens from now on, with these wishes in the place of older ones."""
        journal = self._journal
        if key not in self._of:
            journal.set(self._of, key, {})
        journal.set(self._of[key], session, wishes)
        if session not in self._of_session:
            journal.set(self._of_session, session, {})
        journal.set(self._of_session[session], key, None)

    def listen_no_more(self, session: bytes, key: WorkbinKey) -> None:
        """A session listens to a workbin no more; harmless when it did not."""
        journal = self._journal
        listeners = self._of.get(key)
        if listeners is not None:
            journal.remove(listeners, session)
            if not listeners:
                journal.remove(self._of, key)
        mine = self._of_session.get(session)
        if mine is not None:
            journal.remove(mine, key)
            if not mine:
                journal.remove(self._of_session, session)

    def listen_to_nothing(self, session: bytes) -> None:
        """The same for all its workbins."""
        for key in tuple(self._of_session.get(session, ())):
            self.listen_no_more(session, key)
