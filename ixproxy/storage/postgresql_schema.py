"""
The schema of a node's PostgreSQL database: made, recognised, and brought up to date.

It is made in the current schema, which must have nothing else in it. Making it
and each step from one version to the next are transactions, so that a crash on
the way leaves what was there before; who else wants to do the same waits.
"""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.errors import StorageError
from ixproxy.node.sql_text import quoted_name
from ixproxy.storage import schemas
from ixproxy.storage.postgresql_errors import BORDER
from ixproxy.storage.postgresql_session import Session
from ixproxy.storage.schemas import Schema

APPLICATION = "ixproxy node"
"""Stands in the table meta and says that it is a node's database."""

LOCKS = 0x49584E31
"""The first of the two keys of advisory locks; the second one is made of the schema's name."""

WRITTEN_BY = "written_by = pg_current_xact_id()::text::bigint"
"""Goes with every change of the table meta: see there."""

COLUMN_TYPES = {"string": 'TEXT COLLATE "C"', "number": "NUMERIC", "timestamp": "DOUBLE PRECISION"}
"""By the kind of a custom property. An integer must come back as it was, hence NUMERIC."""

_ONE_AT_A_TIME = f"SELECT pg_advisory_xact_lock({LOCKS}, hashtext('schema ' || current_schema()))"

# What extensions bring along is nobody's table.
_RELATIONS = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname
"""


def built_in() -> Schema:
    """The schema that comes with this package."""
    return schemas.built_in("postgresql")


def prepare(session: Session, schema: Schema) -> int:
    """
    Have the schema be the newest: made if there is nothing, brought up if it is older.

    :return: the version that was found; 0: it was made.
    :raise StorageError: it is not a node's database, has a newer schema, or a step failed.
    """
    found = version_of(session)
    if found == schema.version:
        return found
    if found > schema.version:
        raise StorageError(
            f"{session.name} has schema version {found}, made by a newer program; "
            f"this one knows up to version {schema.version}"
        )
    if not found:
        _run(session, schema.creation(), f"making the tables of {session.name}", 0)
        return found
    for version in range(found, schema.version):
        try:
            text = schema.upgrade(version)
        except OSError as problem:
            raise StorageError(
                f"{session.name} has schema version {version}, and nothing leads on from it"
            ) from problem
        doing = f"upgrading {session.name} from version {version} to {version + 1}"
        _run(session, text, doing, version)
    return found


def no_schema(name: str) -> StorageError:
    """
    What is wrong where PostgreSQL has no current schema.

    :param name: what messages call the database.
    """
    return StorageError(f"{name}: there is no schema of its search_path that the role may use")


def version_of(session: Session) -> int:
    """
    The version of a database; 0: it is empty.

    :raise StorageError: it is another program's.
    """
    try:
        ((schema,),) = session.ask("SELECT current_schema()")
        if schema is None:
            raise no_schema(session.name)
        tables = [name for (name,) in session.ask(_RELATIONS)]
        if not tables:
            return 0
        if "meta" in tables:
            columns = session.ask(
                "SELECT count(*) FROM pg_attribute WHERE attrelid = 'meta'::regclass "
                "AND attname IN ('application', 'schema_version')"
            )
            if columns == [(2,)]:
                ((application, version),) = session.ask(
                    "SELECT application, schema_version FROM meta"
                )
                if application == APPLICATION:
                    return int(version)
    except BORDER as problem:
        raise session.problem(problem, f"reading {session.name}") from problem
    raise StorageError(
        f"{session.name} is no database of an ixproxy node: its schema {schema} has "
        f"{', '.join(tables[:3])}{' and others' if tables[3:] else ''}; a node needs an empty one"
    )


def add_custom_columns(session: Session, custom: Mapping[str, str]) -> None:
    """Add the columns of custom properties that there are not yet."""
    there = {
        name
        for (name,) in session.ask(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'interactions'::regclass "
            "AND attnum > 0 AND NOT attisdropped"
        )
    }
    for name, kind in custom.items():
        if name not in there:
            session.run(
                f"ALTER TABLE interactions ADD COLUMN {quoted_name(name)} {COLUMN_TYPES[kind]}"
            )


def _run(session: Session, script: str, doing: str, version: int) -> None:
    """
    Run a script in a transaction, unless another program has done it meanwhile.

    :param version: which version it leads on from; 0: none.
    """
    mark = f"UPDATE meta SET schema_version = {version + 1}, {WRITTEN_BY};" if version else ""
    try:
        session.run(f"BEGIN; {_ONE_AT_A_TIME}")
        if version_of(session) == version:
            session.run(f"{script}; {mark}")
        session.run("COMMIT")
    except BORDER as problem:
        _undo(session)
        raise session.problem(problem, doing) from problem
    except StorageError:
        _undo(session)
        raise


def _undo(session: Session) -> None:
    if session.in_transaction:
        session.run("ROLLBACK")
