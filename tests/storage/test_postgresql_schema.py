from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from ixproxy.errors import StorageError
from ixproxy.node.rows import BY_TABLE, DocumentRow, SnapshotMemberRow, SnapshotRow
from ixproxy.node.selections import Selection
from ixproxy.storage.columns import all_columns
from ixproxy.storage.postgresql import PostgresqlStore
from ixproxy.storage.postgresql_schema import APPLICATION, built_in
from ixproxy.storage.postgresql_session import Place
from ixproxy.storage.schemas import VERSION, Schema
from ixproxy.testing.store_samples import CUSTOM, NOW, SAMPLES, interaction
from tests.storage.postgresql_rig import store_at

MADE_UP_1 = f"""
CREATE TABLE meta (application TEXT, schema_version INTEGER, written_by BIGINT);
CREATE TABLE notes (text TEXT NOT NULL);
INSERT INTO meta VALUES ('{APPLICATION}', 1, 0);
INSERT INTO notes VALUES ('of version 1');
"""
"""What a version 1 might have looked like."""


VERSION_2 = Path(__file__).with_name("postgresql-v2.sql")
"""The schema as it was in version 2, the first on PostgreSQL."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the schema files, to which others can be added."""
    name = f"postgresql-v{VERSION}.sql"
    (tmp_path / name).write_text(built_in().creation())
    return tmp_path


@pytest.fixture
def session(postgresql_database: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(postgresql_database, autocommit=True) as connection:
        yield connection


def filled(address: str) -> None:
    store = store_at(address)
    store.open(NOW)
    store.begin()
    store.write([interaction("i1")], [])
    store.commit(1)
    store.close()


def test_the_schema_has_the_columns_of_the_rows(
    postgresql_database: str, session: psycopg.Connection[tuple[object, ...]]
) -> None:
    filled(postgresql_database)
    custom = set(CUSTOM)
    for table, columns in all_columns().items():
        found = session.execute(
            "SELECT column_name, column_name IN (SELECT column_name FROM "
            "information_schema.key_column_usage k WHERE k.table_name = c.table_name), "
            "data_type <> 'text' OR collation_name = 'C' "
            "FROM information_schema.columns c WHERE table_name = %s ORDER BY ordinal_position",
            (table,),
        ).fetchall()
        assert [name for name, _, _ in found if name not in custom] == list(columns.names)
        assert {name for name, key, _ in found if key} == set(BY_TABLE[table].key_columns)
        assert all(by_bytes for _, _, by_bytes in found)


def test_the_schema_says_its_own_version() -> None:
    assert re.search(rf"\(1, '{APPLICATION}', {VERSION}, 0, 0, 0, 0,", built_in().creation())


def test_an_older_database_is_brought_up_step_by_step(
    postgresql_database: str, session: psycopg.Connection[tuple[object, ...]], folder: Path
) -> None:
    session.execute(MADE_UP_1)
    later = built_in().creation().replace("CREATE TABLE meta", "DROP TABLE meta; CREATE TABLE meta")
    (folder / "postgresql-v1-to-v2.sql").write_text(later)
    for version in range(2, VERSION):
        (folder / f"postgresql-v{version}-to-v{version + 1}.sql").write_text("SELECT 1")
    (folder / f"postgresql-v{VERSION}-to-v{VERSION + 1}.sql").write_text(
        "UPDATE notes SET text = text || ', brought up'"
    )
    schema = Schema(folder, VERSION + 1, "postgresql")
    store = PostgresqlStore(Place(postgresql_database), schema=schema)
    assert store.open(NOW) == 1
    assert store._ask("SELECT text FROM notes") == [("of version 1, brought up",)]
    assert store._ask("SELECT schema_version FROM meta") == [(VERSION + 1,)]
    store.close()
    store = PostgresqlStore(Place(postgresql_database), schema=schema)
    assert store.open(NOW) == 2
    store.close()


def test_a_database_of_version_2_is_brought_up_with_all_its_rows(
    postgresql_database: str, session: psycopg.Connection[tuple[object, ...]]
) -> None:
    session.execute(VERSION_2.read_text().encode())
    session.execute(
        "INSERT INTO interactions SELECT 'i1', 1, 'email', '', '', 0, 'Q1', NULL, NULL, NULL, NULL,"
        " NULL, 0, 0, 0, 0, 0, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
        " NULL, '', '', 7, '\\x80'"
    )
    session.execute("UPDATE meta SET last_event_number = 41, last_queue_seq = 7")
    store = store_at(postgresql_database)
    store.open(NOW)
    assert (store.last_event_number(), store.last_queue_seq()) == (41, 7)
    row = interaction("i1", queue_seq=7)
    assert store.select(Selection(1), NOW) == [row]
    rows = [
        each for each in SAMPLES if isinstance(each, SnapshotRow | SnapshotMemberRow | DocumentRow)
    ]
    locked = replace(row, is_locked=1, snapshot_id=5)
    store.begin()
    store.write([*rows, locked], [])
    store.commit(42)
    assert [store.fetch(each.table, [each.key]) for each in rows] == [[each] for each in rows]
    assert store.select(Selection(1), NOW) == [locked]
    assert store._ask("SELECT schema_version FROM meta") == [(VERSION,)]
    store.close()
    brought_up = shape(session)
    session.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    filled(postgresql_database)
    assert brought_up == shape(session)


def shape(session: psycopg.Connection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The columns and indexes of every table."""
    return [
        *session.execute(
            "SELECT table_name, column_name, data_type, collation_name, is_nullable "
            "FROM information_schema.columns WHERE table_schema = 'public' "
            "AND column_name NOT LIKE 'c\\_%' ORDER BY table_name, ordinal_position"
        ).fetchall(),
        *session.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef"
        ).fetchall(),
    ]


def test_a_step_that_fails_leaves_the_version_before_it(
    postgresql_database: str, folder: Path
) -> None:
    filled(postgresql_database)
    (folder / f"postgresql-v{VERSION}-to-v{VERSION + 1}.sql").write_text(
        "CREATE TABLE notes (text TEXT); INSERT INTO nowhere VALUES (1)"
    )
    schema = Schema(folder, VERSION + 1, "postgresql")
    with pytest.raises(StorageError, match=f"from version {VERSION} to {VERSION + 1}.*nowhere"):
        PostgresqlStore(Place(postgresql_database), schema=schema).open(NOW)
    store = store_at(postgresql_database)
    store.open(NOW)
    assert store._ask("SELECT to_regclass('notes') IS NULL") == [(True,)]
    assert [row.id for row in store.select(Selection(1), NOW)] == ["i1"]
    store.close()


def test_a_version_that_nothing_leads_on_from_is_a_clear_error(
    postgresql_database: str, folder: Path
) -> None:
    filled(postgresql_database)
    schema = Schema(folder, VERSION + 1, "postgresql")
    with pytest.raises(StorageError, match="nothing leads on from it"):
        PostgresqlStore(Place(postgresql_database), schema=schema).open(NOW)


def test_a_newer_schema_is_refused(
    postgresql_database: str, session: psycopg.Connection[tuple[object, ...]]
) -> None:
    filled(postgresql_database)
    session.execute("UPDATE meta SET schema_version = 99")
    with pytest.raises(StorageError, match="schema version 99, made by a newer program"):
        store_at(postgresql_database).open(NOW)


@pytest.mark.parametrize(
    "tables",
    [
        "CREATE TABLE accounts (id integer)",
        "CREATE VIEW accounts AS SELECT 1",
        "CREATE TABLE meta (schema_version integer); CREATE TABLE accounts (id integer)",
        "CREATE TABLE meta AS SELECT 'accounts' AS application, 2 AS schema_version",
    ],
)
def test_a_database_of_another_program_is_left_alone(
    postgresql_database: str, session: psycopg.Connection[tuple[object, ...]], tables: str
) -> None:
    session.execute(tables)
    with pytest.raises(StorageError, match=r"no database of an ixproxy node: .*(accounts|meta)"):
        store_at(postgresql_database).open(NOW)
    assert session.execute("SELECT to_regclass('interactions')").fetchone() == (None,)


def test_nodes_may_share_a_database_by_schemas_of_their_own(
    postgresql_database: str, session: psycopg.Connection[tuple[object, ...]]
) -> None:
    session.execute("CREATE SCHEMA one; CREATE SCHEMA two")
    for name in ("one", "two"):
        filled(f"{postgresql_database}?options=-csearch_path%3D{name}")
    assert session.execute("SELECT count(*) FROM one.interactions").fetchone() == (1,)
    with pytest.raises(StorageError, match="no schema of its search_path"):
        store_at(f"{postgresql_database}?options=-csearch_path%3Dthree").open(NOW)


def test_the_name_of_a_schema_may_be_any(
    postgresql_database: str, session: psycopg.Connection[tuple[object, ...]]
) -> None:
    session.execute('CREATE SCHEMA "Our ""Node"""')
    address = f"{postgresql_database}?options=-csearch_path%3D%22Our%5C%20%22%22Node%22%22%22"
    for _ in range(2):
        filled(address)
        session.execute('DELETE FROM "Our ""Node""".interactions')
    session.execute('CREATE SCHEMA "Theirs"; CREATE TABLE "Theirs".accounts (name text)')
    with pytest.raises(StorageError, match=r"no database of an ixproxy node: .*accounts"):
        store_at(f"{postgresql_database}?options=-csearch_path%3D%22Theirs%22").open(NOW)


def test_custom_columns_are_added_to_an_older_database_and_kept_when_no_longer_configured(
    postgresql_database: str,
) -> None:
    steps: list[dict[str, str]] = [{}, {"c_a": "string"}, {"c_b": "number"}, {"c_a": "string"}]
    for number, custom in enumerate(steps):
        store = PostgresqlStore(Place(postgresql_database), custom)
        store.open(NOW)
        values = {name: "5" if kind == "string" else 5 for name, kind in custom.items()}
        store.begin()
        store.write([interaction(f"i{number}", custom=values)], [])
        store.commit(1)
        found = {row.id: row.custom for row in store.select(Selection(1), NOW)}
        store.close()
    assert found == {"i0": {}, "i1": {"c_a": "5"}, "i2": {}, "i3": {"c_a": "5"}}
