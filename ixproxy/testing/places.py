"""
Where the databases of a cluster in memory lie, by the kind of store.

    Cluster(stores=SqlitePlaces())

A *place* is the database of one node: it outlives the programs that work with
it, and what a program leaves there when it dies is what was committed. All
places of a cluster begin alike, with the tables and the indexes of views as a
node makes them that starts for the first time; this is done once for all
clusters of the same tenants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from ixproxy.interfaces import IStore
from ixproxy.node.batch import NodeCore
from ixproxy.node.model import NodeModel, NodeSettings, TenantPlan
from ixproxy.node.properties import custom_column
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory


class Place(Protocol):
    """
    The database of one node.

    :ivar shared: all stores on it have one session together.
    """

    shared: bool

    def store(self) -> IStore:
        """One more store on it, for one program."""

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, as they are committed."""

    def damage(self) -> list[str]:
        """What the database says is broken in itself."""

    def cut(self, store: IStore) -> None:
        """End the sessions of a store, as when its program dies; harmless when it has none."""

    def discard(self) -> None:
        """It is needed no more; nothing works afterwards."""


class Prepared(NamedTuple):
    """
    What all nodes of a cluster begin with.

    :ivar model: the compiled tenants.
    :ivar new_place: makes the place of one node.
    """

    model: NodeModel
    new_place: Callable[[], Place]


class Places(Protocol):
    """
    A kind of store.

    :ivar kind: what addresses of such stores begin with.
    """

    kind: str

    def prepared(
        self, tenants: tuple[TenantPlan, ...], custom_properties: Mapping[str, str]
    ) -> Prepared:
        """What nodes of these tenants begin with."""


def columns_of(custom_properties: Mapping[str, str]) -> dict[str, str]:
    """The columns that custom properties need: name to kind."""
    return {custom_column(name): kind for name, kind in custom_properties.items()}


def begin(store: IStore, model: NodeModel) -> None:
    """Make the tables and the indexes of views, as a node does that starts for the first time."""
    NodeCore(store, model, NodeSettings(), "first", 0).start(0.0)
    store.close()


def as_tables(names: Iterable[str], values: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows with the names of their columns."""
    named = tuple(names)
    return [dict(zip(named, row, strict=True)) for row in values]


class MemoryPlace(SqliteMemory):
    """
    A database of SQLite in memory.

    :param image: a database to begin with.
    :param columns: of custom properties.
    """

    def __init__(
        self, image: bytes | None = None, columns: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(image)
        self.shared = True
        # In a simulation there is one thread.
        self.guard: AbstractContextManager[object] = nullcontext()
        self._columns = dict(columns or {})

    def store(self) -> SqliteStore:
        """See `Place`."""
        return SqliteStore(self, self._columns)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """See `Place`."""
        cursor = self.connect().execute(f"SELECT * FROM {table}")
        return as_tables((column[0] for column in cursor.description), cursor)

    def damage(self) -> list[str]:
        """See `Place`."""
        lines = self.connect().execute("PRAGMA integrity_check")
        return [line for (line,) in lines if line != "ok"]

    def cut(self, store: IStore) -> None:
        """See `Place`; whoever opens it next rolls back what was under way."""


class SqlitePlaces:
    """Databases of SQLite in memory, all made from one serialized image."""

    kind = "sqlite"

    def prepared(
        self, tenants: tuple[TenantPlan, ...], custom_properties: Mapping[str, str]
    ) -> Prepared:
        """See `Places`."""
        columns = columns_of(custom_properties)
        kept = _kept(repr((tenants, tuple(custom_properties.items()))))
        if not kept:
            model = NodeModel(tenants, custom_properties)
            first = MemoryPlace(None, columns)
            begin(first.store(), model)
            kept += [model, first.image()]
            first.discard()
        model, image = kept
        return Prepared(model, lambda: MemoryPlace(image, columns))


@lru_cache(maxsize=8)
def _kept(key: str) -> list[Any]:
    """A place to keep what is made once for all clusters alike."""
    return []
