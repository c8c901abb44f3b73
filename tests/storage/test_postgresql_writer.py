"""What becomes of a store whose session breaks, or whose right to write is another one's."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from ixproxy.errors import CommitUncertain, LeaseLost, StorageError
from ixproxy.node.selections import Selection
from ixproxy.storage.postgresql import PostgresqlStore
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.store_samples import NOW, interaction
from ixproxy.values import MAX_EPOCH
from tests.storage.postgresql_rig import Wire, store_at, wire

ENDED_SECONDS = 20


@pytest.fixture
def watched(postgresql_database: str) -> Iterator[Wire]:
    with wire(postgresql_database) as made:
        yield made


@pytest.fixture
def store(watched: Wire) -> Iterator[PostgresqlStore]:
    store = store_at(watched.address)
    store.open(NOW)
    yield store
    store.close()


@pytest.fixture
def server(postgresql_server: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """One that may be killed."""
    assert postgresql_server.running
    with PostgresqlServer() as server:
        yield server


def put(store: PostgresqlStore, id: str, mark: int) -> None:
    store.begin()
    store.write([interaction(id)], [])
    store.commit(mark)


def ids(store: PostgresqlStore) -> list[str]:
    return [row.id for row in store.select(Selection(1), NOW)]


def test_a_commit_that_was_not_answered_is_found_to_have_happened(
    store: PostgresqlStore, watched: Wire
) -> None:
    watched.cut_at = b"UPDATE meta SET last_event_number"
    with pytest.raises(CommitUncertain):
        put(store, "i1", 8)
    assert store.reopen() == 8
    put(store, "i2", 9)
    assert ids(store) == ["i1", "i2"]


def test_a_commit_that_never_arrived_is_found_not_to_have_happened(
    store: PostgresqlStore, watched: Wire
) -> None:
    put(store, "i1", 7)
    watched.swallowed = True
    watched.cut_at = b"UPDATE meta SET last_event_number"
    store.reopen()  # so that the text of the mark is sent, not only the name of what is prepared
    with pytest.raises(CommitUncertain):
        put(store, "i2", 8)
    assert store.reopen() == 7
    assert ids(store) == ["i1"]
    put(store, "i3", 8)
    assert ids(store) == ["i1", "i3"]


def test_what_a_broken_session_still_sends_is_not_stored(
    postgresql_database: str, store: PostgresqlStore
) -> None:
    """The session that follows it is told a mark that stays as it is."""
    old = store._open_writer()
    store.begin()
    store.write([interaction("late")], [])
    late, number = old.session, old._number
    old._session = None
    old.connect()
    # As after a break that the server has not seen: the old session has written, and is there.
    late_writer = store_at(postgresql_database)
    waiting: list[int] = []
    thread = Thread(target=lambda: waiting.append(_renewed(store)))
    thread.start()
    thread.join(ENDED_SECONDS)
    assert waiting == [0]
    again = store._writer
    assert again is not None
    again._session, keep = late, again._session
    again._number, kept_number = number, again._number
    with pytest.raises(LeaseLost):
        again.commit(1, 0)
    late.close()
    again._session, again._number = keep, kept_number
    store.rollback()
    assert ids(store) == []
    late_writer.close()


def _renewed(store: PostgresqlStore) -> int:
    return store._open_writer().renew().event_number


def test_a_session_that_broke_between_two_transactions_is_followed_by_another(
    store: PostgresqlStore, watched: Wire
) -> None:
    put(store, "i1", 1)
    watched.cut()
    store.begin()
    with pytest.raises(StorageError) as failed:
        store.write([interaction("i2")], [])
    assert not isinstance(failed.value, LeaseLost | CommitUncertain)
    store.rollback()
    put(store, "i3", 2)
    assert ids(store) == ["i1", "i3"]


def test_a_session_that_broke_when_the_epoch_has_passed_is_not_followed(
    postgresql_database: str, store: PostgresqlStore, watched: Wire
) -> None:
    newer = store_at(postgresql_database)
    newer.open(NOW)
    watched.cut()
    with pytest.raises(StorageError):
        store.fetch("timers", [("handling", "x")])
    with pytest.raises(LeaseLost, match="taken over"):
        store.begin()
    newer.close()


def test_a_crashed_server_ends_the_lease_while_it_is_away_and_not_when_it_is_back(
    server: PostgresqlServer,
) -> None:
    store = store_at(server.make_database("node1"))
    store.open(NOW)
    put(store, "i1", 1)
    server.kill()
    server.start()
    with pytest.raises(StorageError):
        put(store, "i2", 2)
    store.rollback()
    put(store, "i3", 2)
    assert ids(store) == ["i1", "i3"]
    server.kill()
    with pytest.raises(StorageError):
        put(store, "i4", 3)
    store.rollback()
    with pytest.raises(LeaseLost, match="the database is gone"):
        store.begin()
    store.close()


def test_commits_that_are_lost_end_the_lease(store: PostgresqlStore, watched: Wire) -> None:
    put(store, "i1", 5)
    store._open_writer().session.run("UPDATE meta SET last_event_number = 4")
    watched.cut()
    with pytest.raises(StorageError):
        store.fetch("timers", [("handling", "x")])
    with pytest.raises(LeaseLost, match="not as it was"):
        store.begin()
    store._marks = store._marks._replace(event_number=5)
    with pytest.raises(LeaseLost, match="not as it was"):
        store.reopen()


@pytest.mark.parametrize("doing", ["write", "commit", "fetch"])
def test_who_is_stuck_in_a_server_that_hangs_is_set_free(
    server: PostgresqlServer, doing: str
) -> None:
    store = store_at(server.make_database("node1"))
    store.open(NOW)
    store.begin()
    store.write([interaction("i1")], [])
    server.pause()
    problems: list[StorageError] = []

    def stuck() -> None:
        try:
            if doing == "write":
                store.write([interaction("i2")], [])
            elif doing == "commit":
                store.commit(1)
            else:
                store.fetch("interactions", [("i1",)])
        except StorageError as problem:
            problems.append(problem)

    thread = Thread(target=stuck)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    store.abandon()
    thread.join(ENDED_SECONDS)
    assert not thread.is_alive()
    assert len(problems) == 1
    assert isinstance(problems[0], CommitUncertain) == (doing == "commit")
    with pytest.raises(LeaseLost, match="given up"):
        store.begin()
    with pytest.raises(LeaseLost, match="given up"):
        store.reopen()
    store.close()
    server.resume()


def test_a_store_that_was_given_up_is_not_opened(postgresql_database: str) -> None:
    store = store_at(postgresql_database)
    store.abandon()
    with pytest.raises(LeaseLost, match="given up"):
        store.open(NOW)


def test_there_are_no_more_epochs_than_an_id_can_name(store: PostgresqlStore) -> None:
    store._open_writer().session.run(
        f"UPDATE meta SET epoch = {MAX_EPOCH}, written_by = pg_current_xact_id()::text::bigint"
    )
    store.close()
    with pytest.raises(StorageError, match="too high"):
        store.open(NOW)


def test_a_transaction_that_has_failed_is_not_taken_for_committed(store: PostgresqlStore) -> None:
    store.begin()
    with pytest.raises(StorageError):
        store._ask("SELECT 1/0")
    with pytest.raises(StorageError, match="current transaction is aborted"):
        store.commit(9)
    assert store.last_event_number() == 0
    put(store, "i1", 1)
