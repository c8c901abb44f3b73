"""What else the author of a store implements; the docstrings are the manual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from zope.interface import Interface

from ixproxy.values import Holder


class ILease(Interface):
    """
    The right to be the primary of a node: who has it may open the store, and
    alone listens.

    It keeps two servers from serving at once; that a deposed one writes
    nothing is the epoch's work, whatever becomes of the lease. All methods are
    called by one thread and may block for some seconds; none by the
    reactor's.
    """

    def take() -> Holder | None:
        """
        Take it, if nobody has it: who died has it no more.

        :return: None: it is ours now; else who has it. Its `beat` is another one
            as long as the holder lives.
        :raise ixproxy.errors.StoreUnreachable: nobody is there to ask.
        :raise ixproxy.errors.StorageError: it cannot be had, and that will not
            change by itself.
        """

    def end(holder: Holder) -> None:
        """
        Make sure that a holder which was silent for too long has it no more;
        harmless when it is gone, or another one has it by now. `take` follows.

        :raise ixproxy.errors.StorageError: it cannot be ended.
        """

    def beat() -> None:
        """
        Show that we live; only while we have it.

        :raise ixproxy.errors.LeaseLost: we have it no more.
        :raise ixproxy.errors.StorageError: it could not be shown.
        """

    def release() -> None:
        """Give it back, and close what it needed; harmless when we have it not."""


class IStoreReader(Interface):
    """A connection for long reads: sees what is committed."""

    def select(selection: Any, now: float) -> list[Any]:
        """As `IStore.select`."""

    def count_by(selection: Any, columns: Sequence[str], now: float) -> list[tuple[Any, ...]]:
        """
        How many rows of a selection have which values in some columns: for each
        group the values, then the number; the order and limits of the selection
        do not count.
        """

    def fetch_by(table: str, column: str, values: Iterable[Any]) -> list[Any]:
        """As `IStore.fetch_by`."""

    def members(snapshot_id: int, start: int, limit: int) -> list[Any]:
        """As `IStore.members`."""

    def begin() -> int:
        """
        See one moment of the database, until `end`, whatever is committed meanwhile.

        :return: the number written by the last commit of that moment.
        :raise ixproxy.errors.StorageError: it cannot be read.
        """

    def end() -> None:
        """See what is committed again; harmless when nothing was begun."""

    def interrupt() -> None:
        """End a running read from another thread; it raises StorageError."""

    def close() -> None:
        """Close the connection; harmless when closed."""
