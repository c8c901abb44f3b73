"""
A node's durable submits against bare SQLite inserts of the same rows; pulls from long queues.

Both are on one core, the load on the other, in one run and in turn. The bare
inserts go into the same tables with the same indexes, in groups as large as
the node's batches were on average, one commit each, synchronous=FULL.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.measuring import (
    OTHER_CORE,
    PROXY_CORE,
    Stage,
    cpu_seconds,
    free_port,
    median,
    python,
    wait_for,
)
from bench.serve_node import CONSUMER
from ixproxy.config import load
from ixproxy.config_plans import node_plan
from ixproxy.messages import RequestPull, RequestRegisterClient, RequestSubmit
from ixproxy.node.log_packs import consumer_of
from ixproxy.node.model import NodeModel
from ixproxy.node.rows import InteractionRow
from ixproxy.storage.columns import all_columns
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteFile
from ixproxy.storage.statements import put
from ixproxy.wire.codec import encode

ROUNDS = 5
CONNECTIONS, DEPTH, SECONDS = 25, 32, 3.0
LIMIT = 0.25
"""Durable submits per second over bare inserts per second, at least."""

FEW, MANY = 1_000, 100_000
PULLS = 80
PULL_LIMIT = 2.0
"""Time of a pull from MANY over that from FEW, at most."""

DEPLOYMENT = """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.Inbound.views.All]
order = "priority DESC, received_at"
[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:{port}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{port}"
store = "sqlite:{name}.db"
[applications.ixn1.options.settings]
allow-multiple-agent-connections = false
"""

SUBMIT = RequestSubmit(
    tenant_id=1,
    media_type="email",
    queue="Inbound",
    interaction_type="Inbound",
    interaction_subtype="InboundNew",
    user_data={
        "Customer": {"FirstName": "Mary", "LastName": "Shelley", "Account": "A-0071"},
        "Subject": "Where is my parcel?",
        "Attempts": 3,
        "Text": "x" * 310,
    },
)


class Node:
    """One node of this benchmark, or of one like it with another deployment."""

    module = "bench.serve_node"

    def __init__(
        self, stage: Stage, name: str, queued: int = 0, deployment: str = DEPLOYMENT
    ) -> None:
        self._stage = stage
        self.name = name
        self.port = free_port()
        self.file = stage.directory / f"{name}.toml"
        self.file.write_text(deployment.format(port=self.port, name=name))
        self.database = stage.directory / f"{name}.db"
        if queued:
            fill(self.file, self.database, queued)
        self.statistics_file = stage.directory / f"{name}.json"
        self.process = stage.start(
            PROXY_CORE, python(), "-m", self.module, str(self.file), "ixn1",
            str(self.statistics_file), log=f"{name}.log",
        )  # fmt: skip
        wait_for(self.port, self.process)

    def statistics(self) -> dict[str, float]:
        """What the node says of itself, not older than this call."""
        asked = time.time_ns()
        while True:
            try:
                if self.statistics_file.stat().st_mtime_ns > asked:
                    told: dict[str, float] = json.loads(self.statistics_file.read_text())
                    return told
            except FileNotFoundError:
                pass
            time.sleep(0.02)  # noqa: TID251 - there is no reactor in a benchmark


def fill(file: Path, database: Path, queued: int) -> None:
    """Put so many interactions into the node's queue."""
    store = made(file, database)
    for first in range(0, queued, 1000):
        store.begin()
        rows = [
            InteractionRow(
                id=f"filled-{number:09}", tenant_id=1, media_type="email", queue="Inbound",
                priority=number % 7, received_at=1.7e9 + number * 37 % 1000, submitted_at=1.7e9,
                submitted_by="bench", moved_to_queue_at=1.7e9, placed_in_queue_at=1.7e9,
                queue_seq=number + 1, user_data=b"\x81\xa4Text\xda\x01\x36" + b"x" * 310,
            )
            for number in range(first, first + 1000)
        ]  # fmt: skip
        store.write(rows, [])
        store.commit(1)
    store.close()


def made(file: Path, database: Path) -> SqliteStore:
    """A new database as the node of a file would have it."""
    plan = node_plan(load(file), "ixn1")
    model = NodeModel(plan.tenants, plan.custom_properties)
    store = SqliteStore(SqliteFile(database))
    store.open(time.time())
    store.prepare_views([(view.name, view.selection()) for view in model.views()])
    return store


def submits(stage: Stage, node: Node) -> dict[str, float]:
    """One run of submits: per second, and the mean size of a batch."""
    before, cpu = node.statistics(), cpu_seconds(node.process.pid)
    command = [
        "taskset", "-c", OTHER_CORE, python(), "-m", "bench.submit_load", str(node.port),
        str(CONNECTIONS), str(DEPTH), str(SECONDS), "submit.frame",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=stage.directory, stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    spent = cpu_seconds(node.process.pid) - cpu
    after = node.statistics()
    result: dict[str, Any] = json.loads(done.stdout)
    if result["errors"] or not result["answered"]:
        raise SystemExit(f"{result['errors']} of {result['answered']} submits were refused")
    works = after["works"] - before["works"]
    return {
        "rate": result["answered"] / result["seconds"],
        "group": works / (after["batches"] - before["batches"]),
        "cpu_us": spent / works * 1e6,
    }


def bare_inserts(node: Node, group: int, number: int) -> float:
    """Rows per second: those of the node, once more, with nothing around them."""
    source = sqlite3.connect(f"file:{node.database}?mode=ro", uri=True)
    tables = all_columns()
    names = {table: ", ".join(tables[table].names) for table in ("interactions", "outbox")}
    order = f"WHERE consumer = '{consumer_of(CONSUMER)}' ORDER BY event_number DESC"
    rows = source.execute(
        f"SELECT {names['interactions']} FROM interactions ORDER BY rowid DESC LIMIT ?", (number,)
    ).fetchall()[::-1]
    groups = -(-number // group)
    # The node has one for each batch, which are as large on average.
    packs = source.execute(f"SELECT {names['outbox']} FROM outbox {order} LIMIT ?", (groups,))
    outbox = packs.fetchall()[::-1]
    source.close()
    if len(rows) < number or not outbox:
        raise SystemExit("the node has fewer rows than are to be inserted")
    database = node.database.with_name("bare.db")
    for left in database.parent.glob("bare.db*"):
        left.unlink()
    store = made(node.file, database)
    connection = store._open_connection()
    statements = {table: put(tables[table], 1).partition(" ON CONFLICT")[0] for table in names}
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(PROXY_CORE)})
    start = time.monotonic()
    for at, first in enumerate(range(0, number, group)):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statements["interactions"], rows[first : first + group])
        connection.executemany(statements["outbox"], outbox[at : at + 1])
        connection.execute("COMMIT")
    seconds = time.monotonic() - start
    os.sched_setaffinity(0, cores)
    store.close()
    return number / seconds


class Puller:
    """A routing client that pulls one interaction after another."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._socket = socket.create_connection(("127.0.0.1", node.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        register = RequestRegisterClient(client_name="router", client_type="RoutingEngine")
        self._answer(encode(register, reference=1))
        self._frame = encode(RequestPull(tenant_id=1, view_id="Inbound/All"), reference=2)

    def pull(self) -> float:
        """Seconds until the answer."""
        start = time.monotonic()
        answer = self._answer(self._frame)
        if b"filled-" not in answer:
            raise SystemExit("a pull gave nothing")
        return time.monotonic() - start

    def _answer(self, raw: bytes) -> bytes:
        self._socket.sendall(raw)
        received = b""
        while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:4], "big"):
            received += self._socket.recv(1 << 20)
        return received


def bench_submits(stage: Stage) -> bool:
    """Print the table of submits; whether the limit is kept."""
    (stage.directory / "submit.frame").write_bytes(encode(SUBMIT, reference=1))
    node = Node(stage, "submits")
    runs, bare = [], []
    for _ in range(ROUNDS):
        runs.append(submits(stage, node))
        group = max(1, round(runs[-1]["group"]))
        bare.append(bare_inserts(node, group, min(20_000, round(runs[-1]["rate"]))))
    rate, floor = median([run["rate"] for run in runs]), median(bare)
    group = round(median([run["group"] for run in runs]))
    cpu = median([run["cpu_us"] for run in runs])
    kept = rate / floor >= LIMIT
    print(f"\ndurable submits of one node, {CONNECTIONS} connections, depth {DEPTH}, one core")
    print("what                 rows/s  ratio  mean group  CPU us/row")
    print(f"bare SQLite inserts {floor:7.0f}   1.00  {group:10}")
    print(f"ixnode              {rate:7.0f}  {rate / floor:5.2f}  {group:10}  {cpu:10.1f}")
    print(f"       limit {LIMIT}: {'kept' if kept else 'MISSED'}")
    return kept


def bench_pulls(stage: Stage) -> bool:
    """Print the table of pulls; whether the limit is kept."""
    pullers = {queued: Puller(Node(stage, f"q{queued}", queued)) for queued in (FEW, MANY)}
    times: dict[int, list[float]] = {queued: [] for queued in pullers}
    cpu: dict[int, list[float]] = {queued: [] for queued in pullers}
    for _ in range(ROUNDS):
        for queued, puller in pullers.items():
            pid = puller.node.process.pid
            before = cpu_seconds(pid)
            times[queued].append(median([puller.pull() for _ in range(PULLS)]))
            cpu[queued].append((cpu_seconds(pid) - before) / PULLS)
    few, many = (median(times[queued]) for queued in (FEW, MANY))
    kept = many / few <= PULL_LIMIT
    print("\na pull of one interaction, one after another")
    print(" queued  us/pull  ratio  CPU us/pull")
    for queued in (FEW, MANY):
        each, spent = median(times[queued]), median(cpu[queued])
        print(f"{queued:7}  {each * 1e6:7.0f}  {each / few:5.2f}  {spent * 1e6:11.0f}")
    print(f"       limit {PULL_LIMIT}: {'kept' if kept else 'MISSED'}")
    return kept


def main() -> bool:
    """Print both tables; whether the limits are kept."""
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            kept = [bench_submits(stage), bench_pulls(stage)]
        finally:
            stage.end()
    return all(kept)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
