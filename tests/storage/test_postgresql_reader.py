from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from ixproxy.errors import StorageError
from ixproxy.node.selections import Selection
from ixproxy.storage.postgresql import PostgresqlStore
from ixproxy.storage.postgresql_reader import FIRST_ROWS, PostgresqlReader
from ixproxy.storage.postgresql_session import Said
from ixproxy.testing.store_samples import NOW, compiled, interaction
from tests.storage.postgresql_rig import store_at


@pytest.fixture
def store(postgresql_database: str) -> Iterator[PostgresqlStore]:
    store = store_at(postgresql_database)
    store.open(NOW)
    yield store
    store.close()


@pytest.fixture
def reader(store: PostgresqlStore) -> Iterator[PostgresqlReader]:
    reader = store.reader()
    assert not reader.select(Selection(1), NOW)
    yield reader
    reader.close()


def put(store: PostgresqlStore, number: int, size: int) -> None:
    store.begin()
    rows = [interaction(f"i{at}", queue_seq=at, user_data=bytes(size)) for at in range(number)]
    store.write(rows, [])
    store.commit(1)


def test_a_reader_cannot_write(reader: PostgresqlReader) -> None:
    session = reader._session
    assert session is not None
    with pytest.raises(Exception, match="read-only transaction"):
        session.ask("DELETE FROM interactions")


@pytest.mark.parametrize("begun", [False, True])
def test_what_may_be_too_much_is_read_in_pieces(
    store: PostgresqlStore, reader: PostgresqlReader, begun: bool
) -> None:
    put(store, 400, 100_000)
    if begun:
        reader.begin()
    session = reader._session
    assert session is not None
    before = session.trips
    few = reader.select(Selection(1, most_bytes=150_000), NOW)
    assert len(few) == 2
    assert session.trips - before == 2
    assert len(reader.select(Selection(1, most_bytes=100_000 * 300), NOW)) == 301
    rows = reader.select(Selection(1, most_bytes=1 << 30), NOW)
    assert [row.id for row in rows] == [f"i{at}" for at in range(400)]
    before = session.trips
    assert len(reader.select(Selection(1, most_bytes=1 << 30, limit=FIRST_ROWS), NOW)) == FIRST_ROWS
    assert session.trips - before == 1
    assert session.in_transaction == begun


def test_a_piece_that_fails_leaves_a_reader_that_reads(
    store: PostgresqlStore, reader: PostgresqlReader
) -> None:
    put(store, 3, 10)
    wrong, _ = compiled(store, "priority + 9223372036854775807 > 0", "")
    store.begin()
    store.write([interaction("i9", priority=5)], [])
    store.commit(2)
    with pytest.raises(StorageError, match="out of range"):
        reader.select(Selection(1, condition=wrong, most_bytes=9), NOW)
    assert len(reader.select(Selection(1, most_bytes=1 << 20), NOW)) == 4


@pytest.mark.parametrize("begun", [False, True])
def test_a_long_read_can_be_interrupted(
    store: PostgresqlStore, reader: PostgresqlReader, begun: bool
) -> None:
    put(store, 10, 10)
    store.begin()
    store._trip(Said("LOCK TABLE timers"))
    if begun:
        reader.begin()
    problems: list[StorageError] = []

    def read() -> None:
        try:
            reader.fetch_by("timers", "kind", ["handling"])
        except StorageError as problem:
            problems.append(problem)

    reader.interrupt()  # nothing is read yet, so nothing is interrupted
    thread = Thread(target=read)
    thread.start()
    while thread.is_alive():
        reader.interrupt()
        thread.join(0.01)
    assert len(problems) == 1
    store.rollback()
    reader.end()
    assert len(reader.select(Selection(1), NOW)) == 10


def test_a_second_moment_is_not_begun_before_the_first_ends(reader: PostgresqlReader) -> None:
    reader.begin()
    with pytest.raises(StorageError, match="under way"):
        reader.begin()
    reader.end()
    assert reader.begin() == 0


def test_a_closed_reader_says_so(reader: PostgresqlReader) -> None:
    reader.close()
    with pytest.raises(StorageError, match="closed"):
        reader.select(Selection(1), NOW)
