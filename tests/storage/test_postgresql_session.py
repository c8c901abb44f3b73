"""Which servers a session is had of, and what is said of the others."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

import pytest

from ixproxy.errors import StorageError, StoreUnreachable
from ixproxy.storage import postgresql_session
from ixproxy.storage.postgresql import make
from ixproxy.storage.postgresql_session import Place, Said
from ixproxy.testing.ports import free_ports
from ixproxy.testing.postgresql import PASSWORD, PASSWORD_ROLE, PostgresqlServer
from ixproxy.testing.store_samples import NOW

POOLER = Path("/usr/sbin/pgbouncer")
ANSWERS = 500


def refusal(address: str) -> StorageError:
    """What opening a store there comes to."""
    with pytest.raises(StorageError) as refused:
        make({"address": address}).open(NOW)
    return refused.value


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (PASSWORD_ROLE, "the password is missing"),
        (f"{PASSWORD_ROLE}:s3cret", "the password is wrong"),
        ("nobody", "there is no such role"),
    ],
)
def test_who_may_not_come_is_told_so(
    postgresql_server: PostgresqlServer, user: str, said: str
) -> None:
    problem = refusal(postgresql_server.address("postgres", user))
    assert said in str(problem)
    assert "s3cret" not in str(problem)
    assert not isinstance(problem, StoreUnreachable)


def test_a_password_may_lie_in_a_file(
    postgresql_server: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgresql_server.make_database("secured", PASSWORD_ROLE)
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:{postgresql_server.port}:*:{PASSWORD_ROLE}:{PASSWORD}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    session = Place(address).connect()
    assert PASSWORD not in repr(vars(session))
    session.close()


def test_a_service_names_the_server(
    postgresql_server: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "services"
    file.write_text(
        f"[node1]\nhost=127.0.0.1\nport={postgresql_server.port}\nuser=ixproxy\ndbname=postgres\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    place = Place("postgresql://?service=node1")
    assert "service node1" in place.name
    place.connect().close()
    assert not isinstance(refusal("postgresql://?service=node2"), StoreUnreachable)


def test_a_database_that_there_is_not_is_no_reason_to_wait(
    postgresql_server: PostgresqlServer,
) -> None:
    problem = refusal(postgresql_server.address("nowhere"))
    assert "there is no such database" in str(problem)
    assert not isinstance(problem, StoreUnreachable)


def test_what_the_role_may_not_do_is_told(postgresql_server: PostgresqlServer) -> None:
    address = postgresql_server.make_database("others", "postgres")
    problem = refusal(address.replace("postgres@", "ixproxy@"))
    assert "the role may not do that" in str(problem)
    assert not isinstance(problem, StoreUnreachable)


def test_nobody_there_is_something_that_may_change() -> None:
    (port,) = free_ports(1, SystemRandom())
    problem = refusal(f"postgresql://ixproxy@127.0.0.1:{port}/node1")
    assert isinstance(problem, StoreUnreachable)
    assert f"127.0.0.1:{port}/node1" in str(problem)


def test_another_encoding_is_refused(postgresql_server: PostgresqlServer) -> None:
    address = postgresql_server.make_database(
        "latin", options="ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    )
    assert "has the encoding LATIN1; make the database with UTF8" in str(refusal(address))


def test_a_server_that_is_too_old_is_refused(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_session, "LOWEST_VERSION", 990_000)
    assert "99 or newer is needed" in str(refusal(postgresql_database))


def test_statements_of_one_trip_end_at_the_first_that_fails(postgresql_database: str) -> None:
    session = Place(postgresql_database).connect()
    with pytest.raises(Exception, match="division by zero"):
        session.trip(Said("CREATE TABLE t ()"), Said("SELECT 1/0"), Said("DROP TABLE t"))
    assert not session.in_transaction
    assert session.ask("SELECT to_regclass('t')") == [(None,)]
    session.shut()
    with pytest.raises(Exception, match=r"closed|lost|terminated"):
        session.ask("SELECT 1")
    assert session.broken
    session.close()
    session.close()
    session.shut()


def test_a_statement_is_carried_out_with_many_rows_in_one_trip(postgresql_database: str) -> None:
    session = Place(postgresql_database).connect()
    session.run("CREATE TABLE t (a bigint PRIMARY KEY, b text)")
    before = session.trips
    insert = "INSERT INTO t VALUES (%s, %s) ON CONFLICT DO NOTHING"
    assert session.change(insert, [(1, "x"), (1, "y"), (2, None)]) == 2
    assert session.trips == before + 1
    assert session.change("DELETE FROM t WHERE a < %s", [(9,)]) == 2
    session.close()


def test_a_server_that_can_only_be_read_is_for_those_who_only_read(
    postgresql_database: str,
) -> None:
    session = Place(postgresql_database).connect()
    session.run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', "
        "current_database()); END $$"
    )
    session.close()
    with pytest.raises(StoreUnreachable, match="can only be read"):
        Place(postgresql_database).connect()
    session = Place(postgresql_database, writes=False).connect(postgresql_session.ONLY_READS)
    assert session.ask("SELECT 1") == [(1,)]
    with pytest.raises(Exception, match="read-only transaction"):
        session.run("CREATE TABLE t ()")
    session.close()


@pytest.fixture(params=["transaction", "session", "statement"])
def pooler(
    request: pytest.FixtureRequest, postgresql_server: PostgresqlServer, tmp_path: Path
) -> Iterator[str]:
    """A pooler in front of the server: the address of a database behind it."""
    if not POOLER.exists():
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    name = f"pooled_{request.param}"
    address = postgresql_server.make_database(name)
    (port,) = free_ports(1, SystemRandom())
    tmp_path.chmod(0o755)
    configuration = tmp_path / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n{name} = host=127.0.0.1 port={postgresql_server.port} user=ixproxy\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        f"pool_mode = {request.param}\nunix_socket_dir =\n"
    )
    identity = {"user": "nobody"} if os.geteuid() == 0 else {}
    with configuration.open() as file:
        process = subprocess.Popen(
            [str(POOLER), f"/dev/fd/{file.fileno()}"],
            pass_fds=[file.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **identity,  # type: ignore[call-overload]
        )
    yield address.replace(f":{postgresql_server.port}/", f":{port}/")
    process.terminate()
    process.wait()


def test_a_pooler_is_refused_and_the_way_around_it_is_said(pooler: str) -> None:
    problem: StorageError = StoreUnreachable("not asked yet")
    for _ in range(ANSWERS):
        if not isinstance(problem, StoreUnreachable):
            break
        problem = refusal(pooler)
    assert "reached through a connection pooler" in str(problem)
    lease = make({"address": pooler}).lease()
    with pytest.raises(StorageError, match="let its address name the server itself"):
        lease.take()
    with suppress(StorageError):
        lease.release()
