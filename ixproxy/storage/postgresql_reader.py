"""Reading rows of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any

from zope.interface import implementer

from ixproxy.errors import StorageError
from ixproxy.interfaces import IStoreReader
from ixproxy.node.sql_text import Dialect
from ixproxy.storage.columns import Columns, Values
from ixproxy.storage.postgresql_dial import Dial
from ixproxy.storage.postgresql_errors import BORDER, storage_error
from ixproxy.storage.postgresql_session import ONLY_READS, Place, Said, Session
from ixproxy.storage.postgresql_statements import TableStatements
from ixproxy.storage.reading import ReaderOfMoments, Reading

FIRST_ROWS = 16
"""Of what perhaps nobody wants to the end; each may be as large as an interaction can be."""

PIECE_BYTES = 4 << 20
MOST_ROWS = 2000

_PORTAL = "ixproxy_rows"

Trip = Callable[..., list[Any]]


class PostgresqlQuestions:
    """
    See `Questions`.

    :param trip: as `Session.trip`.
    :param in_block: whether a transaction is begun, for what can be read in
        pieces only within one.
    """

    dialect: Dialect = "postgresql"
    border = BORDER

    def __init__(
        self, trip: Trip, in_block: Callable[[], bool], statements: Mapping[str, TableStatements]
    ) -> None:
        self._trip = trip
        self._in_block = in_block
        self._statements = statements

    def by_keys(
        self, columns: Columns, wanted: tuple[str, ...], keys: Sequence[Values]
    ) -> Iterable[Values]:
        """See `Questions`; one statement, however many keys."""
        said = self._statements[columns.table].fetch(wanted, keys)
        found: list[Values] = self._trip(said)[0].fetchall() if said else []
        return found

    def rows(
        self, text: str, parameters: Mapping[str, Any], *, some: bool
    ) -> Generator[Values, None, None]:
        """See `Questions`; read in pieces where not all may be wanted."""
        if not some or 0 < parameters.get("limit", 0) <= FIRST_ROWS:
            yield from self._trip(Said(text, parameters, kept=None))[0].fetchall()
            return
        alone = not self._in_block()
        declare = Said(f"DECLARE {_PORTAL} NO SCROLL CURSOR FOR {text}", parameters, kept=False)
        first = [declare, Said(f"FETCH {FIRST_ROWS} FROM {_PORTAL}", kept=False)]
        try:
            found = self._trip(*([Said("BEGIN")] if alone else []), *first)[-1].fetchall()
            number = FIRST_ROWS
            while True:
                yield from found
                if len(found) < number:
                    return
                size = sum(len(value) for row in found for value in row if type(value) is bytes)
                number = max(1, min(MOST_ROWS, PIECE_BYTES * len(found) // max(1, size)))
                piece = Said(f"FETCH {number} FROM {_PORTAL}", kept=False)
                found = self._trip(piece)[0].fetchall()
        finally:
            # After an error nothing can be said any more but that it is over.
            with suppress(*BORDER):
                self._trip(Said("COMMIT" if alone else f"CLOSE {_PORTAL}", kept=False))

    def problem(self, problem: BaseException, doing: str) -> StorageError:
        """See `Questions`."""
        return storage_error(problem, doing)


@implementer(IStoreReader)
class PostgresqlReader(ReaderOfMoments):
    """
    A session of its own that only reads, opened by the first read; a new one
    after it was interrupted.

    To be interrupted is to have the socket closed, or to give up what was not
    connected yet: that works at once, and while the server hangs; the server
    notices within a second.
    """

    def __init__(
        self,
        place: Place,
        columns: Mapping[str, Columns],
        statements: Mapping[str, TableStatements],
    ) -> None:
        questions = PostgresqlQuestions(self._trip, lambda: self._in_moment, statements)
        super().__init__(Reading(questions, columns), nullcontext())
        self._place = place
        self._session: Session | None = None
        self._dial = Dial()

    def _begin_moment(self) -> int:
        moment = Said("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = self._trip(moment, Said("SELECT last_event_number FROM meta"))
        ((number,),) = found[1].fetchall()
        return int(number)

    def _end_moment(self) -> None:
        self._trip(Said("COMMIT"))

    def _drop_moment(self) -> None:
        self._drop()

    def interrupt(self) -> None:
        """See `IStoreReader`."""
        if not self._busy.is_set():
            return
        self._dial.give_up()
        session = self._session
        if session is not None:
            session.shut()

    def close(self) -> None:
        """See `IStoreReader`."""
        self._closed = True
        self._in_moment = False
        self._drop()

    def _trip(self, *said: Said) -> list[Any]:
        if self._closed:
            raise StorageError("the reader is closed")
        session = self._session
        if session is None or (session.broken and not self._in_moment):
            self._drop()
            if self._dial.given_up:
                # That was another read.
                self._dial = Dial()
            session = self._place.connect(ONLY_READS, known=self._known, dial=self._dial)
        return session.trip(*said)

    def _known(self, session: Session) -> None:
        self._session = session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
