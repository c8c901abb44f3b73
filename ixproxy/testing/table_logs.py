"""
Event logs in tables for the nodes of a cluster in memory.

    logs = TableLogs(SqliteLogs(folder), shared=False)
    logs.follow(cluster)            # its nodes log from now on
    cluster.run(60)
    logs.addresses                  # one for each node, or one for all

The tables are real ones. The thread of a log is none: what it is given is done on the
clock of its program, one job at a time, so that a seed is the same run as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

from ixproxy.eventlog.settings import TableSettings, read_settings
from ixproxy.eventlog.sqlite_log import SqliteTables
from ixproxy.eventlog.table_log import TableLog, Tables
from ixproxy.net.log_plans import LogPlan
from ixproxy.testing.cluster import Cluster

T = TypeVar("T")

SETTINGS: Mapping[str, object] = {
    "custom-fields": {
        "priority": {"key": "Priority", "type": "integer"},
        "label": "label",
    },
    "custom-events": {"1": "interaction", "2": "agent", "3": "custom"},
}
"""What logs are told, where nothing else is said: of custom events some go to each table."""


class WorksHere:
    """
    See `ixproxy.capture.worker.Works`; every job is done in this thread.

    :param reactor: the clock of the program: when that dies, nothing is done any more.
    """

    def __init__(self, reactor: Any, name: str) -> None:
        self._reactor = reactor
        self._name = name

    def do(self, job: Callable[[], T]) -> Deferred[T]:
        """See `Works`; done in a later turn of the clock, in the order in which jobs came."""
        done: Deferred[Any] = Deferred()
        self._reactor.callLater(0, done.callback, None)
        return done.addCallback(lambda _: job())

    def stop(self, seconds: float) -> Deferred[bool]:
        """See `Works`."""
        ended: Deferred[Any] = Deferred()
        self._reactor.callLater(0, ended.callback, True)
        return ended


class LogPlaces(Protocol):
    """A kind of database in which logs can be."""

    def new(self, name: str) -> str:
        """The address of a new one; nothing is in it."""

    def tables(self, settings: TableSettings) -> Tables:
        """The tables at an address, for one program."""


class SqliteLogs:
    """
    See `LogPlaces`: files.

    :param folder: where they are made; it is made, if there is none.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def new(self, name: str) -> str:
        """See `LogPlaces`."""
        return f"sqlite:{self._folder / name}.db"

    def tables(self, settings: TableSettings) -> Tables:
        """See `LogPlaces`."""
        return SqliteTables(settings.address.removeprefix("sqlite:"), settings)


class TableLogs:
    """
    The logs of one cluster, each node's named `log`.

    :param shared: all nodes have one, as the guide's first option; or each has its own.
    :param settings: beside the address.
    :ivar addresses: of the databases.
    """

    def __init__(
        self, places: LogPlaces, *, shared: bool, settings: Mapping[str, object] = SETTINGS
    ) -> None:
        self._places = places
        self._shared = shared
        self._settings = settings
        self.addresses: list[str] = []
        self._made: list[Tables] = []

    def follow(self, cluster: Cluster) -> None:
        """Have all nodes log; what runs follows live."""
        for node in cluster.nodes:
            if not self.addresses or not self._shared:
                self.addresses.append(self._places.new("all" if self._shared else node.name))
            node.log(self._plan(self.addresses[-1]))
        cluster.run(1)

    def close(self) -> None:
        """No program runs any more: let go of what they had open."""
        for tables in self._made:
            tables.close()

    def _plan(self, address: str) -> LogPlan:
        settings = {**self._settings, "address": address}

        def make() -> TableLog:
            read = read_settings(settings)
            self._made.append(self._places.tables(read))
            return TableLog(self._made[-1], read, WorksHere)

        return LogPlan("log", address.partition(":")[0], make, settings)
