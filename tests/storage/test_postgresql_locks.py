from __future__ import annotations

from collections.abc import Iterator

import pytest

from ixproxy.errors import StorageError
from ixproxy.storage.postgresql_locks import lock, lock_holder, terminate, unlock
from ixproxy.storage.postgresql_session import Place, Session

Sessions = tuple[Session, Session]


@pytest.fixture
def sessions(postgresql_database: str) -> Iterator[Sessions]:
    place = Place(postgresql_database)
    made = place.connect(), place.connect()
    yield made
    for session in made:
        session.close()


def test_one_session_has_the_lock_until_it_ends(sessions: Sessions) -> None:
    one, other = sessions
    assert lock_holder(other) is None
    assert lock(one)
    assert not lock(other)
    assert lock_holder(other) == one.pid
    assert terminate(other, one.pid)
    assert lock(other)
    assert lock_holder(other) == other.pid


def test_what_is_given_back_is_free_at_once(sessions: Sessions) -> None:
    one, other = sessions
    assert lock(one)
    unlock(one)
    assert lock(other)


def test_each_schema_has_a_lock_of_its_own(sessions: Sessions) -> None:
    one, other = sessions
    other.run("CREATE SCHEMA second; SET search_path = second")
    assert lock(one)
    assert lock(other)
    assert lock_holder(one) == one.pid
    assert lock_holder(other) == other.pid


def test_without_a_schema_there_is_nothing_to_lock(sessions: Sessions) -> None:
    """It is not as if another one had it, for whom one could wait."""
    one, other = sessions
    one.run("SET search_path = nosuch")
    with pytest.raises(StorageError, match="no schema of its search_path") as refused:
        lock(one)
    assert type(refused.value) is StorageError
    assert lock(other)


def test_who_is_gone_cannot_be_ended_and_that_is_all(sessions: Sessions) -> None:
    one, _ = sessions
    assert not terminate(one, 2**31 - 1)
