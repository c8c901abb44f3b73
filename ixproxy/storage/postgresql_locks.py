"""The advisory lock that goes with a node's lease: one for each schema, held by a session."""

from __future__ import annotations

from ixproxy.storage.postgresql_schema import LOCKS, no_schema
from ixproxy.storage.postgresql_session import Session

END_MILLISECONDS = 5000
"""How long to wait for a session that was told to end."""

_KEYS = f"{LOCKS}, hashtext(current_schema())"

HELD = f"""
l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND l.classid = {LOCKS} AND l.objid::bigint = hashtext(current_schema())::bigint & 4294967295
"""
"""Of a row `l` of pg_locks: it is this lock."""


def lock(session: Session) -> bool:
    """
    Take the lock, if no other session has it; whether it is ours now.

    :raise StorageError: there is no schema, and so nothing to lock.
    """
    ((schema, taken),) = session.ask(f"SELECT current_schema(), pg_try_advisory_lock({_KEYS})")
    if schema is None:
        # Without a key nothing was tried, which must not look as if another one had the lock.
        raise no_schema(session.name)
    return bool(taken)


def unlock(session: Session) -> None:
    """Give the lock back, at once: with a session it goes only when the server sees its end."""
    session.ask(f"SELECT pg_advisory_unlock({_KEYS})")


def lock_holder(session: Session) -> int | None:
    """The process of the session that has the lock."""
    found = session.ask(f"SELECT l.pid FROM pg_locks l WHERE {HELD}")
    return int(found[0][0]) if found else None


def terminate(session: Session, pid: int) -> bool:
    """End another session; whether it is gone."""
    ((ended,),) = session.ask("SELECT pg_terminate_backend(%s::int, %s)", pid, END_MILLISECONDS)
    return bool(ended)
