"""
The lease on PostgreSQL: of two servers that share a database.

What every lease must keep is in the contract; here is what is this one's own.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from ixproxy.errors import LeaseLost, StorageError, StoreUnreachable
from ixproxy.interfaces import ILease
from ixproxy.storage.postgresql import PostgresqlStore
from ixproxy.storage.postgresql_lease import PostgresqlLease
from ixproxy.storage.postgresql_schema import LOCKS
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.store_samples import NOW, interaction
from tests.storage.postgresql_rig import Wire, store_at, wire

Pair = tuple[PostgresqlStore, ILease, PostgresqlStore, ILease]


@pytest.fixture
def pair(postgresql_database: str) -> Iterator[Pair]:
    """Two servers, each a store and its lease."""
    first, second = store_at(postgresql_database), store_at(postgresql_database)
    yield first, first.lease(), second, second.lease()
    for store in (first, second):
        store.lease().release()
        store.close()


def put(store: PostgresqlStore, id: str, mark: int) -> None:
    store.begin()
    store.write([interaction(id)], [])
    store.commit(mark)


def test_who_has_the_lease_opens_the_store_by_the_session_that_locks(pair: Pair) -> None:
    first, lease, _, other = pair
    assert lease.take() is None
    assert first.open(NOW) == 1
    assert first._ask("SELECT pg_backend_pid() = (SELECT pid FROM lease)") == [(True,)]
    put(first, "i1", 1)
    holder = other.take()
    assert holder is not None
    assert holder.name.startswith("process ")
    lease.beat()
    first.close()
    # The server ends a session a moment after its client has closed it.
    assert any(other.take() is None for _ in range(1000))


def test_without_the_lease_a_store_that_was_asked_for_one_is_not_opened(pair: Pair) -> None:
    first, lease, second, other = pair
    with pytest.raises(LeaseLost):
        first.open(NOW)
    lease.take()
    assert other.take() is not None
    with pytest.raises(LeaseLost):
        second.open(NOW)
    first.open(NOW)


def test_an_ended_primary_writes_nothing_more(pair: Pair) -> None:
    first, lease, second, other = pair
    lease.take()
    first.open(NOW)
    first.begin()
    first.write([interaction("late")], [])
    holder = other.take()
    assert holder is not None
    other.end(holder)
    assert other.take() is None
    assert second.open(NOW) == 2
    with pytest.raises(StorageError):
        first.commit(1)
    with pytest.raises(LeaseLost):
        first.begin()
    with pytest.raises(LeaseLost):
        lease.beat()
    put(second, "i1", 1)
    other.beat()


def test_between_two_sessions_the_lease_can_be_taken_by_another(
    pair: Pair, postgresql_server: PostgresqlServer
) -> None:
    first, lease, second, other = pair
    lease.take()
    first.open(NOW)
    end_session(postgresql_server, first)
    with pytest.raises(StorageError):
        first.fetch("timers", [("routing", "i1")])
    assert other.take() is None
    with pytest.raises(LeaseLost, match="another server has taken the lease"):
        first.begin()
    second.open(NOW)


def test_a_session_that_broke_is_followed_by_one_that_locks_again(
    pair: Pair, postgresql_server: PostgresqlServer
) -> None:
    first, lease, _, other = pair
    lease.take()
    first.open(NOW)
    end_session(postgresql_server, first)
    with pytest.raises(StorageError, match="has ended") as unclear:
        lease.beat()
    assert not isinstance(unclear.value, LeaseLost)
    with pytest.raises(StorageError):
        first.fetch("timers", [("routing", "i1")])
    first.begin()
    first.rollback()
    lease.beat()
    assert other.take() is not None


def end_session(server: PostgresqlServer, store: PostgresqlStore) -> None:
    pid = store._open_writer().session.pid
    server.execute(f"SELECT pg_terminate_backend({pid}, 5000)")


def test_a_session_whose_end_the_server_has_not_seen_gives_the_lock_to_its_follower(
    postgresql_database: str,
) -> None:
    with wire(postgresql_database) as watched:
        store = store_at(watched.address)
        lease = store.lease()
        lease.take()
        store.open(NOW)
        writer = store._open_writer()
        kept, pid = writer._session, writer.session.pid
        writer._session = None
        # The client's end is closed, while that of the server stays as it was.
        writer.connect()
        assert writer.session.pid != pid
        assert kept is not None
        writer._lock_again(writer.session, pid)
        assert kept.broken or _is_gone(postgresql_database, pid)
        kept.close()
        lease.release()
        store.close()


def _is_gone(address: str, pid: int) -> bool:
    with psycopg.connect(address) as connection:
        found = connection.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,))
        return found.fetchone() is None


def test_a_beat_goes_on_with_another_session_when_its_own_broke(
    pair: Pair, postgresql_server: PostgresqlServer
) -> None:
    _, lease, _, other = pair
    lease.take()
    seen = other.take()
    assert isinstance(lease, PostgresqlLease)
    own = lease._own
    assert own is not None
    postgresql_server.execute(f"SELECT pg_terminate_backend({own.pid}, 5000)")
    lease.beat()
    assert other.take() != seen


def test_who_has_locked_and_not_said_who_it_is_can_be_ended(
    pair: Pair, postgresql_database: str
) -> None:
    _, _, _, other = pair
    with psycopg.connect(postgresql_database, autocommit=True) as session:
        session.execute(
            sql.SQL("SELECT pg_advisory_lock({}, hashtext(current_schema()))").format(LOCKS)
        )
        holder = other.take()
        assert holder is not None
        assert "session" in holder.name
        other.end(holder)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert other.take() is None


def test_nothing_but_the_holder_is_ended(pair: Pair, postgresql_database: str) -> None:
    first, lease, _, other = pair
    lease.take()
    first.open(NOW)
    holder = other.take()
    assert holder is not None
    with psycopg.connect(postgresql_database, autocommit=True) as bystander:
        other.end(holder)
        assert bystander.execute("SELECT 1").fetchone() == (1,)


def test_a_lease_of_a_server_that_is_not_there_is_unreachable(
    postgresql_server: PostgresqlServer,
) -> None:
    assert postgresql_server.running
    with PostgresqlServer() as server:
        address = server.make_database("node1")
        lease = store_at(address).lease()
        assert lease.take() is None
        server.kill()
        with pytest.raises(StoreUnreachable):
            lease.beat()
        other = store_at(address).lease()
        with pytest.raises(StoreUnreachable):
            other.take()
        server.start()
        assert other.take() is None
        lease.release()
        other.release()


def test_a_server_that_hangs_is_unreachable_when_it_took_too_long(
    postgresql_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert postgresql_server.running
    with PostgresqlServer() as server:
        address = server.make_database("node1")
        lease, other = store_at(address).lease(), store_at(address).lease()
        assert lease.take() is None
        assert other.take() is not None
        monkeypatch.setattr("ixproxy.storage.postgresql_lease.STUCK_SECONDS", 0.2)
        server.pause()
        for asked in (other.take, lease.beat):
            with pytest.raises(StoreUnreachable):
                asked()
        server.resume()
        monkeypatch.undo()
        lease.beat()
        assert other.take() is not None
        lease.release()
        other.release()


def test_a_database_that_cannot_be_used_says_so_when_its_lease_is_taken(
    postgresql_database: str,
) -> None:
    with psycopg.connect(postgresql_database) as connection:
        connection.execute("CREATE TABLE accounts (id integer)")
    lease = store_at(postgresql_database).lease()
    with pytest.raises(StorageError, match="no database of an ixproxy node") as refused:
        lease.take()
    assert not isinstance(refused.value, StoreUnreachable)
    lease.release()


def test_a_schema_that_does_not_exist_is_said_when_the_lease_is_taken(
    postgresql_database: str,
) -> None:
    """Neither a lost lease nor a server to wait for: its process is to end."""
    joint = "&" if "?" in postgresql_database else "?"
    address = f"{postgresql_database}{joint}options=-csearch_path%3Dnosuch"
    lease = store_at(address).lease()
    for _ in range(2):
        with pytest.raises(StorageError, match="no schema of its search_path") as refused:
            lease.take()
        assert not isinstance(refused.value, LeaseLost | StoreUnreachable)
    with psycopg.connect(postgresql_database) as connection:
        connection.execute("CREATE SCHEMA nosuch")
    assert lease.take() is None
    lease.release()


def test_one_that_was_given_up_is_free_soon(pair: Pair) -> None:
    first, lease, _, other = pair
    lease.take()
    first.open(NOW)
    first.abandon()
    holder = other.take()
    if holder is not None:
        other.end(holder)
        assert other.take() is None
    # Nor does a beat go on with another session, for which one might have to wait.
    with pytest.raises(StorageError, match="given up"):
        lease.beat()
    lease.release()
    with pytest.raises(StorageError, match="given up"):
        lease.take()


def test_the_wire_of_these_tests_counts_nothing_before_anything_is_asked(
    postgresql_database: str,
) -> None:
    made = Wire(postgresql_database)
    assert made.trips == 0
    made.close()
