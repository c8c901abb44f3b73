"""What a database is told of interactions: a query for each kind of notification."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from ixproxy.capture.database_parameters import Statement
from ixproxy.capture.database_rows import query_of, told_values
from ixproxy.capture.database_sessions import Bound, DatabaseTrouble, Session, Trouble
from ixproxy.node.intake_work import Notification


class Told(NamedTuple):
    """One notification as it is to be written."""

    number: int
    query: str
    bound: Bound


class Does(Protocol):
    """Has something done with the session."""

    def __call__(self, job: Callable[[Session], None]) -> Awaitable[None]:
        """:raise DatabaseTrouble: it was not done."""


class Telling:
    """
    Writes notifications, each once in a term however often it is told.

    :ivar written: how many the database has taken.
    :ivar refused: how many it does not allow.
    :ivar last_refusal: why, of the last `write`; "": all were taken.
    """

    def __init__(
        self, queries: Mapping[str, Statement], queues: Mapping[str, str], batch_size: int
    ) -> None:
        self._queries = queries
        self._queues = queues
        self._batch_size = batch_size
        self._last_number = 0
        self.written = 0
        self.refused = 0
        self.last_refusal = ""

    def work(self, notifications: Sequence[Notification]) -> list[Told]:
        """Those that there is a query for and that were not written before."""
        found = []
        for told in notifications:
            query = query_of(told, self._queues)
            statement = self._queries.get(query)
            if statement is not None and told.number > self._last_number:
                bound = Bound(statement, told_values(statement, told))
                found.append(Told(told.number, query, bound))
        return found

    async def write(self, work: Sequence[Told], do: Does) -> None:
        """
        Write them in their order, some in each transaction.

        What the database does not allow is passed over: it would keep all others waiting.

        :raise DatabaseTrouble: not all were written.
        """
        self.last_refusal = ""
        at, size = 0, self._batch_size
        while at < len(work):
            batch = work[at : at + size]
            try:
                await do(_write(batch))
                self.written += len(batch)
            except DatabaseTrouble as trouble:
                if trouble.trouble is not Trouble.VALUES or trouble.at < 0:
                    query = f"{batch[trouble.at].query}: " if trouble.at >= 0 else ""
                    raise DatabaseTrouble(trouble.trouble, f"{query}{trouble}") from None
                if len(batch) > 1:
                    size = 1
                    continue
                self.refused += 1
                self.last_refusal = f"{batch[0].query}: {trouble}"
            self._last_number = batch[-1].number
            at += len(batch)


def _write(batch: Sequence[Told]) -> Callable[[Session], None]:
    work = [each.bound for each in batch]
    return lambda session: session.run_all(work)
