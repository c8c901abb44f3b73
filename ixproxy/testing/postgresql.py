"""
A PostgreSQL server of one's own on this machine, for tests.

    with PostgresqlServer() as server:
        address = server.make_database("node1")     # postgresql://ixproxy@127.0.0.1:…/node1
        server.kill()                               # a crash
        server.start()                              # and it is back, at the same port
        server.pause()                              # hangs, with all its sessions
        server.resume()

It needs PostgreSQL's programs (Debian: `postgresql`), found in the `PATH` or
where Debian has them; `unusable()` says what is missing. Nothing of a server
that runs on the machine anyhow is touched. Methods block for as long as the
server takes, which is a fraction of a second.

Theory of operation: a cluster is initialised once in a process, and copied for
each server. PostgreSQL refuses to run as root, so root runs it as the user
`postgres`. Every server has a guard, a shell whose standard input only we
have: it ends when we do, killed or not, and then ends the server and removes
its files.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import SystemRandom
from typing import Any

import psycopg
from psycopg import sql

from ixproxy.testing.ports import free_ports
from ixproxy.testing.servers import ServerFailed

ROLE = "ixproxy"
"""Who owns the databases that are made; it has no other rights."""

SUPERUSER = "postgres"

PASSWORD_ROLE = "ixproxy_password"
"""A role like `ROLE` that must show its password, which is `PASSWORD`."""

PASSWORD = "what nobody may see"

START_SECONDS = 60.0
STOP_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.01

_RUN_AS = "postgres"
_PLACES = "/usr/lib/postgresql/*/bin"

_SETTINGS = """
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = 32MB
log_line_prefix = '%m [%p] %q%a '
"""

_WHO_MAY_COME = f"""
local all {PASSWORD_ROLE} scram-sha-256
host all {PASSWORD_ROLE} 127.0.0.1/32 scram-sha-256
local all all trust
host all all 127.0.0.1/32 trust
"""

# What a server does last it does in its folder.
_END = """
kill -QUIT "$1"; kill -CONT "$1"
for _ in 1 2 3 4 5 6 7 8 9; do kill -0 "$1" || break; sleep 0.2; done
rm -rf "$0"
"""


def programs() -> Path | None:
    """Where the programs of the newest PostgreSQL of this machine are; None: it has none."""
    found = sorted(
        Path("/").glob(f"{_PLACES[1:]}/postgres"),
        key=lambda path: float(path.parent.parent.name),
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def unusable() -> str:
    """Why no server can be started here; empty: one can."""
    if programs() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(_RUN_AS)
        except KeyError:
            return f"root cannot run PostgreSQL, and there is no user {_RUN_AS} to run it as"
    return ""


class PostgresqlServer:
    """
    One server, with a cluster of its own; used as a context manager, or started and removed.

    :param settings: lines of `postgresql.conf`, beside those that it needs.
    :param durable: have it call fsync; without, commits are faster, and
        survive the death of its processes but not that of the machine.
    :ivar port: on 127.0.0.1; the same at every start.
    :ivar folder: holds the cluster, the log and the Unix socket.
    :ivar log: what the server says.
    :raise ServerFailed: there is no PostgreSQL here.
    """

    def __init__(self, *, settings: str = "", durable: bool = False) -> None:
        if reason := unusable():
            raise ServerFailed(reason)
        (self.port,) = free_ports(1, SystemRandom())
        self.folder = _folder()
        self.log = self.folder / "server.log"
        self._cluster = self.folder / "cluster"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        subprocess.run(["cp", "-a", str(_initialised()), str(self._cluster)], check=True)
        with (self._cluster / "postgresql.conf").open("a") as file:
            file.write(
                f"{_SETTINGS}port = {self.port}\nunix_socket_directories = '{self.folder}'\n"
                f"fsync = {'on' if durable else 'off'}\n{settings}\n"
            )

    def __enter__(self) -> PostgresqlServer:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def running(self) -> bool:
        """Whether its main process is there, paused or not."""
        return self.pids() != []

    def pids(self) -> list[int]:
        """Its main process, and one for every session and duty."""
        if self._process is None or self._process.poll() is not None:
            return []
        return [self._process.pid, *_children(self._process.pid)]

    def start(self) -> None:
        """
        Start it, the first time or again, and wait until it answers.

        :raise ServerFailed: it does not; the text has the end of its log.
        """
        if self.running:
            raise ServerFailed("the server is running already")
        self._started()
        waited = 0.0
        while not self._answers():
            self._wait(LOOK_AGAIN_SECONDS)
            waited += LOOK_AGAIN_SECONDS
            if self.pids() == [] or waited > START_SECONDS:
                self.kill()
                raise ServerFailed(f"PostgreSQL did not start:\n{self.tail()}")

    def stop(self) -> None:
        """Stop it in order; its sessions are ended. Harmless when it does not run."""
        if self._process is not None:
            self.resume()
            self._signal(self._process.pid, signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._gone()

    def kill(self) -> None:
        """
        Kill all its processes, as when its machine fails.

        Nothing of it runs any more when this is done. Harmless when it does not run.
        """
        if self._process is not None:
            self._signal(self._process.pid, signal.SIGSTOP)  # it must not make new ones meanwhile
            pids = self.pids()
            for pid in reversed(pids):
                self._signal(pid, signal.SIGKILL)
            self._process.wait()
            for pid in pids[1:]:
                while _lives(pid):
                    self._wait(LOOK_AGAIN_SECONDS)
            self._gone()

    def pause(self) -> None:
        """Have it hang, with all its sessions, until `resume`; its sockets stay open."""
        if self._process is not None:
            self._signal(self._process.pid, signal.SIGSTOP)  # first, so that it makes no new ones
            for pid in self.pids():
                self._signal(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on; harmless when it was not paused."""
        for pid in reversed(self.pids()):
            self._signal(pid, signal.SIGCONT)

    def remove(self) -> None:
        """Stop it if it runs, and remove its files."""
        self.resume()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_database(self, name: str, owner: str = ROLE, options: str = "") -> str:
        """
        Make an empty database of `owner`.

        :param options: what else CREATE DATABASE is told.
        :return: its address.
        """
        self.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} {}").format(
                sql.Identifier(name), sql.Identifier(owner), sql.SQL(options)
            )
        )
        return self.address(name, owner)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever uses it; harmless when there is none."""
        self.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def address(self, database: str, user: str = ROLE) -> str:
        """The address of a database, for `store = …` and for psycopg."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement as the superuser, in a session of its own; what it found."""
        with psycopg.connect(
            self.address(database, SUPERUSER), autocommit=True, connect_timeout=5
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-25:])

    def _started(self) -> None:
        where = programs()
        assert where is not None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(where / "postgres"), "-D", str(self._cluster)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_identity(),
            )
        pid = str(self._process.pid)
        self._guard = _guard(_END, str(self.folder), pid)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.address("postgres", SUPERUSER), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _wait(self, seconds: float) -> None:
        """Wait a little, or until its main process is gone."""
        for process in (self._process, self._guard):
            if process is not None and process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
                return

    def _gone(self) -> None:
        self._process = None
        guard, self._guard = self._guard, None
        if guard is not None:
            _dismiss(guard)

    @staticmethod
    def _signal(pid: int, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _identity() -> dict[str, Any]:
    """As whom the server must run, as arguments of subprocess."""
    if os.geteuid() != 0:
        return {}
    return {"user": _RUN_AS, "group": _RUN_AS, "extra_groups": []}


def _folder() -> Path:
    """A new folder of whom the server runs as; no test's own, which only root may enter."""
    folder = Path(tempfile.mkdtemp(prefix="ixproxy-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _RUN_AS, _RUN_AS)
    return folder


def _guard(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Have a script run when this process has ended, however it ends."""
    return subprocess.Popen(
        ["/bin/sh", "-c", f"cat; {script}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _dismiss(guard: subprocess.Popen[bytes]) -> None:
    guard.kill()
    guard.communicate()


@cache
def _initialised() -> Path:
    """A cluster that no server uses, to be copied; it goes when this process does."""
    folder = _folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(_dismiss, _guard('rm -rf "$0"', str(folder)))
    where = programs()
    assert where is not None
    cluster = folder / "cluster"
    made = subprocess.run(
        [
            str(where / "initdb"), "-D", str(cluster), "-U", SUPERUSER, "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        ],
        capture_output=True,
        cwd=folder,
        **_identity(),
    )  # fmt: skip
    if made.returncode:
        raise ServerFailed(f"initdb: {made.stderr.decode('utf-8', 'replace')}")
    (cluster / "pg_hba.conf").write_text(_WHO_MAY_COME)
    roles = (
        f"CREATE ROLE {ROLE} LOGIN;\n"
        f"SET password_encryption = 'scram-sha-256';\n"
        f"CREATE ROLE {PASSWORD_ROLE} LOGIN PASSWORD '{PASSWORD}';\n"
    )
    single = subprocess.run(
        [str(where / "postgres"), "--single", "-D", str(cluster), "-F", "postgres"],
        input=roles.encode(),
        capture_output=True,
        cwd=folder,
        **_identity(),
    )
    if single.returncode:
        raise ServerFailed(f"making roles: {single.stderr.decode('utf-8', 'replace')}")
    return cluster


def _children(pid: int) -> Iterator[int]:
    """The processes that a process has made and that are still there."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())


def _lives(pid: int) -> bool:
    """Whether a process is there; one that only waits to be noticed is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
