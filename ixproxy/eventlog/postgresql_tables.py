"""
The tables of an event log in a schema of a PostgreSQL database: made, recognised, brought up.

Several nodes may share them, and begin at the same moment. Whatever changes the tables is a
transaction with an advisory lock, and looks again, once it has that, whether it is still to
be done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ixproxy.errors import StorageError
from ixproxy.eventlog.custom_fields import TYPES, CustomField
from ixproxy.eventlog.logout_deletion import LOCKS, postgresql_triggers
from ixproxy.eventlog.schemas import (
    CUSTOM,
    EVENT_TABLES,
    INTERACTION,
    LOG,
    MERGED,
    check_kind,
    check_version,
    merged_part,
)
from ixproxy.eventlog.settings import Deleting
from ixproxy.node.sql_text import quoted_name
from ixproxy.storage.postgresql_errors import BORDER
from ixproxy.storage.postgresql_session import Session
from ixproxy.storage.schemas import Schema

COLUMN_TYPES = {"TEXT": "text", "INTEGER": "bigint", "REAL": "double precision"}
"""By what SQLite calls the type."""

_ONE_AT_A_TIME = f"SELECT pg_advisory_xact_lock({LOCKS}, hashtext('tables ' || current_schema()))"

_RELATIONS = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname
"""

_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""

_TRIGGERS = """
SELECT tgname FROM pg_trigger WHERE tgrelid = 'rpt_agent'::regclass AND NOT tgisinternal
"""


def prepare(
    session: Session,
    schema: Schema,
    fields: Sequence[CustomField],
    deleting: Deleting,
    schema_name: str = "",
) -> None:
    """
    Have everything that a log needs.

    :param schema_name: where the tables are; "": in the first schema that the role may use.
    :raise StorageError: it is another program's, or newer, or a step failed.
    """
    doing = f"reading {session.name}"
    try:
        enter(session, schema_name)
        found = version_of(session)
        if not found:
            doing = f"making the tables of {session.name}"
            create(session, schema, LOG)
            found = version_of(session)
        check_version(session.name, found, schema.version)
        for version in range(found, schema.version):
            doing = f"upgrading {session.name} from version {version} to {version + 1}"
            _upgrade(session, schema, version)
        doing = f"adding custom fields to {session.name}"
        _add_columns(session, fields)
        doing = f"setting when {session.name} deletes the rows of agents"
        _set_triggers(session, deleting)
    except BORDER as problem:
        raise session.problem(problem, doing) from problem


def version_of(session: Session, kind: str = LOG) -> int:
    """
    The version of the tables; 0: there is nothing in the schema.

    :param kind: LOG or MERGED.
    :raise StorageError: it is something else.
    :raise Exception: one of BORDER.
    """
    name = session.name
    relations = [relation for (relation,) in session.ask(_RELATIONS)]
    if not relations:
        return 0
    if "log_schema" in relations:
        found = session.ask("SELECT version, kind FROM log_schema")
        if len(found) == 1 and {*EVENT_TABLES} <= set(relations):
            ((version, its_kind),) = found
            check_kind(name, its_kind, kind)
            return int(version)
    if {"meta", "outbox", "interactions"} <= set(relations):
        raise StorageError(f"{name} is the store of a node; an event log needs a schema of its own")
    others = f"{', '.join(relations[:3])}{' and others' if relations[3:] else ''}"
    raise StorageError(f"{name} is no event log: it has {others}; a log needs an empty schema")


def create(session: Session, schema: Schema, kind: str) -> None:
    """
    Make the tables, unless another program has done so meanwhile.

    :param kind: LOG or MERGED.
    :raise StorageError: another program has made something else of it.
    :raise Exception: one of BORDER.
    """

    def make() -> None:
        if not version_of(session, kind):
            session.run(schema.creation())
            if kind == MERGED:
                session.run(merged_part("postgresql"))
            session.ask(
                "INSERT INTO log_schema (version, kind) VALUES (%s, %s)", schema.version, kind
            )

    _alone(session, make)


def enter(session: Session, schema_name: str) -> str:
    """
    Have statements mean the tables of a schema.

    :param schema_name: "": the first one that the role may use.
    :return: its name.
    :raise StorageError: it is not there.
    :raise Exception: one of BORDER.
    """
    if schema_name:
        there = session.ask("SELECT 1 FROM pg_namespace WHERE nspname = %s", schema_name)
        if not there:
            raise StorageError(
                f"{session.name} has no schema {schema_name!r}: make it with CREATE SCHEMA, or "
                "correct schema-name"
            )
        session.ask("SELECT set_config('search_path', quote_ident(%s), false)", schema_name)
    ((current,),) = session.ask("SELECT current_schema()")
    if current is None:
        raise StorageError(
            f"{session.name}: there is no schema of its search_path that the role may use"
        )
    return str(current)


def _alone(session: Session, work: Callable[[], None]) -> None:
    session.run(f"BEGIN; {_ONE_AT_A_TIME}")
    try:
        work()
        session.run("COMMIT")
    except BaseException:
        if not session.broken and session.in_transaction:
            session.run("ROLLBACK")
        raise


def _upgrade(session: Session, schema: Schema, version: int) -> None:
    try:
        text = schema.upgrade(version)
    except OSError as problem:
        raise StorageError(
            f"{session.name} has version {version} of the tables of an event log, and nothing "
            "leads on from it"
        ) from problem

    def step() -> None:
        if version_of(session) == version:
            session.run(text)
            session.ask("UPDATE log_schema SET version = %s", version + 1)

    _alone(session, step)


def _add_columns(session: Session, fields: Sequence[CustomField]) -> None:
    def there(table: str) -> dict[str, str]:
        return dict(session.ask(_COLUMNS, table))

    def add() -> None:
        for table in (INTERACTION, CUSTOM):
            columns = there(table)
            for field in fields:
                kind = COLUMN_TYPES[TYPES[field.type]]
                found = columns.get(field.column)
                if found is None:
                    _add_column(session, table, field, kind)
                elif found != kind:
                    raise StorageError(
                        f"{session.name} has a column {field.column} of {table} that is {found}, "
                        f"not {kind}: give the custom field {field.name} another name"
                    )

    wanted = {(field.column, COLUMN_TYPES[TYPES[field.type]]) for field in fields}
    if any(wanted - there(table).items() for table in (INTERACTION, CUSTOM)):
        _alone(session, add)


def _add_column(session: Session, table: str, field: CustomField, kind: str) -> None:
    column = quoted_name(field.column)
    comment = f"of the user data: {field.key}".replace("'", "''").replace("\0", "")
    session.run(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    session.run(f"COMMENT ON COLUMN {table}.{column} IS '{comment}'")


def _set_triggers(session: Session, deleting: Deleting) -> None:
    wanted = postgresql_triggers(deleting)
    every = {each for kind in Deleting for each in postgresql_triggers(kind)}

    def there() -> set[str]:
        return {name for (name,) in session.ask(_TRIGGERS)} & every

    def change() -> None:
        found = there()
        for name in sorted(found - set(wanted)):
            session.run(f"DROP TRIGGER {name} ON rpt_agent; DROP FUNCTION {name}()")
        for name in sorted(set(wanted) - found):
            session.run(wanted[name])

    if there() != set(wanted):
        _alone(session, change)
