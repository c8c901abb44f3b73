"""
Rows whose fate the source does not know yet: to be marked, or set aside.

Theory of operation: a row that was taken is marked so that the next reading does
not give it again, and until then its mark waits here. A mark that the database
does not allow (a trigger, a constraint) is set aside, so that the others go on:
its row is passed over when it is read, and the mark is tried again now and then.
A restart loses both; then the row is handed in once more, and the node knows its
receipt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ixproxy.capture.database_sessions import Bound, Session

MOST_SET_ASIDE = 10_000
TRY_AGAIN_SECONDS = 60.0
"""After which marks that were set aside are tried again."""


class Mark(NamedTuple):
    """
    What is to be told the source of one row.

    `key`: of the row. `query`: the setting whose statement it is. `is_error`: the row
    was no good.
    """

    key: str
    query: str
    bound: Bound
    is_error: bool


def writing(marks: Sequence[Mark]) -> Callable[[Session], None]:
    """What writes all of them, or none; raises DatabaseTrouble."""
    work = [mark.bound for mark in marks]
    return lambda session: session.run_all(work)


class Marks:
    """
    :ivar written: how many rows were marked.
    """

    def __init__(self) -> None:
        self._waiting: deque[Mark] = deque()
        self._aside: dict[str, Mark] = {}
        self._tried_at = 0.0
        self.written = 0

    @property
    def waiting(self) -> int:
        """How many are to be written."""
        return len(self._waiting)

    @property
    def set_aside(self) -> int:
        """How many could not be."""
        return len(self._aside)

    @property
    def is_full(self) -> bool:
        """Whether so many are set aside that nothing more should be read."""
        return len(self._aside) >= MOST_SET_ASIDE

    def keys(self) -> frozenset[str]:
        """Rows to be passed over: their fate is known already."""
        return frozenset(self._aside) | {mark.key for mark in self._waiting}

    def add(self, mark: Mark) -> None:
        """The fate of one more row is known."""
        self._waiting.append(mark)

    def next(self, most: int) -> list[Mark]:
        """What is to be written next; it stays until `done` or `refused`."""
        return [self._waiting[at] for at in range(min(most, len(self._waiting)))]

    def done(self, marks: Sequence[Mark]) -> None:
        """The first ones that wait were written."""
        for mark in marks:
            assert self._waiting.popleft() is mark
        self.written += len(marks)

    def refused(self, mark: Mark, now: float) -> None:
        """The first one that waits cannot be written."""
        assert self._waiting.popleft() is mark
        if not self._aside:
            self._tried_at = now
        self._aside[mark.key] = mark

    def try_again(self, now: float) -> None:
        """What was set aside waits again, if it is time."""
        if self._aside and now - self._tried_at >= TRY_AGAIN_SECONDS:
            self._tried_at = now
            self._waiting.extend(self._aside.values())
            self._aside.clear()
