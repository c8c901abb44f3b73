from __future__ import annotations

from collections.abc import Iterator

import pytest

from ixproxy.errors import StorageError
from ixproxy.node.expressions import compile_condition
from ixproxy.node.properties import Properties
from ixproxy.node.selections import Selection
from ixproxy.storage.reading import Reading
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory
from ixproxy.testing.store_samples import NOW, interaction


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    place = SqliteMemory()
    store = SqliteStore(place)
    store.open(NOW)
    yield store
    place.discard()


def test_a_key_that_is_asked_for_twice_gives_one_row(store: SqliteStore) -> None:
    store.begin()
    store.write([interaction("a"), interaction("b")], [])
    store.commit(1)
    reading: Reading = store._open_reading()
    assert len(reading.fetch("interactions", ("id",), [("a",), ["a"], ("b",), ("c",)])) == 2


def test_a_failure_of_the_database_is_a_storage_error(store: SqliteStore) -> None:
    selection = Selection(
        1, condition=compile_condition("Gone = 'x'", Properties({"Gone": "string"}))
    )
    reader = store.reader()
    for read in (store.select, reader.select, store.count):
        with pytest.raises(StorageError, match="c_gone"):
            read(selection, NOW)
    with pytest.raises(StorageError, match="no column"):
        reader.fetch_by("interactions", "c_gone", ["x"])


def test_an_idle_reader_does_not_interrupt_the_writer_that_it_shares_memory_with(
    store: SqliteStore,
) -> None:
    reader = store.reader()
    store.begin()
    reader.interrupt()
    store.write([interaction("a")], [])
    store.commit(1)
    reader.close()
    assert len(store.select(Selection(1), NOW)) == 1


def test_a_second_moment_is_not_begun_before_the_first_ends(store: SqliteStore) -> None:
    reader = store.reader()
    reader.begin()
    with pytest.raises(StorageError, match="under way"):
        reader.begin()
    reader.end()
    assert reader.begin() == 0
    reader.close()


def test_the_writer_in_memory_does_not_wait_for_a_moment_that_is_read(store: SqliteStore) -> None:
    reader = store.reader()
    reader.begin()
    store.begin()
    store.write([interaction("a")], [])
    store.commit(1)
    assert reader.select(Selection(1), NOW) == []
    reader.end()
    assert len(reader.select(Selection(1), NOW)) == 1


def test_a_moment_of_a_database_that_is_gone_is_a_storage_error() -> None:
    place = SqliteMemory()
    store = SqliteStore(place)
    store.open(NOW)
    reader = store.reader()
    place.discard()
    with pytest.raises(StorageError, match="beginning a read"):
        reader.begin()
    reader.end()
