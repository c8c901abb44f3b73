"""
A node's durable submits on PostgreSQL against bare inserts of the same rows by psycopg.

As in `bench_node`: the node is on one core, load and database server share the
others, in one run and in turn. The bare inserts go into the same tables with
the same indexes, in groups as large as the node's batches were on average, by
`executemany` in one transaction each. The server calls fsync.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import psycopg

from bench.bench_node import (
    CONNECTIONS,
    DEPLOYMENT,
    DEPTH,
    LIMIT,
    ROUNDS,
    SUBMIT,
    Node,
    submits,
)
from bench.measuring import PROXY_CORE, Stage, median
from ixproxy.config import load
from ixproxy.config_plans import node_plan
from ixproxy.node.model import NodeModel
from ixproxy.node.sql_text import quoted_name
from ixproxy.storage.columns import all_columns
from ixproxy.storage.postgresql import make
from ixproxy.testing.postgresql import PostgresqlServer, unusable
from ixproxy.wire.codec import encode

TABLES = {"interactions": "queue_seq", "outbox": "event_number"}


def bare_inserts(server: PostgresqlServer, node: Node, name: str, group: int, most: int) -> float:
    """Rows per second: those of the node, once more, with nothing around them."""
    tables = all_columns()
    listed = {table: ", ".join(map(quoted_name, tables[table].names)) for table in TABLES}
    with psycopg.connect(server.address(name)) as source:
        rows = {
            table: source.execute(
                f"SELECT {listed[table]} FROM {table} ORDER BY {by} DESC LIMIT %s".encode(),
                (most,),
            ).fetchall()[::-1]
            for table, by in TABLES.items()
        }
    if any(len(found) < most for found in rows.values()):
        raise SystemExit("the node has fewer rows than are to be inserted")
    server.drop_database("bare")
    store = make({"address": server.make_database("bare")})
    store.open(time.time())
    plan = node_plan(load(node.file), "ixn1")
    model = NodeModel(plan.tenants, plan.custom_properties, store.dialect)
    store.prepare_views([(view.name, view.selection()) for view in model.views()])
    store.close()
    statements = {
        table: f"INSERT INTO {table} ({listed[table]}) VALUES "
        f"({', '.join(['%s'] * len(tables[table].names))})".encode()
        for table in TABLES
    }
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(PROXY_CORE)})
    with psycopg.connect(server.address("bare")) as connection:
        start = time.monotonic()
        for first in range(0, most, group):
            with connection.transaction(), connection.cursor() as cursor:
                for table, found in rows.items():
                    cursor.executemany(statements[table], found[first : first + group])
        seconds = time.monotonic() - start
    os.sched_setaffinity(0, cores)
    return most / seconds


def bench_submits(stage: Stage, server: PostgresqlServer) -> bool:
    """Print the table; whether the limit is kept."""
    (stage.directory / "submit.frame").write_bytes(encode(SUBMIT, reference=1))
    address = server.make_database("node1")
    deployment = DEPLOYMENT.replace("sqlite:{name}.db", address)
    node = Node(stage, "postgresql", deployment=deployment)
    runs, bare = [], []
    for _ in range(ROUNDS):
        runs.append(submits(stage, node))
        group = max(1, round(runs[-1]["group"]))
        most = min(10_000, round(runs[-1]["rate"]))
        bare.append(bare_inserts(server, node, "node1", group, most))
    rate, floor = median([run["rate"] for run in runs]), median(bare)
    group = round(median([run["group"] for run in runs]))
    cpu = median([run["cpu_us"] for run in runs])
    kept = rate / floor >= LIMIT
    print(f"\ndurable submits on PostgreSQL, {CONNECTIONS} connections, depth {DEPTH}, one core")
    print("what                  rows/s  ratio  mean group  CPU us/row")
    print(f"bare psycopg inserts {floor:7.0f}   1.00  {group:10}")
    print(f"ixnode               {rate:7.0f}  {rate / floor:5.2f}  {group:10}  {cpu:10.1f}")
    print(f"       limit {LIMIT}: {'kept' if kept else 'MISSED'}")
    return kept


def main() -> bool:
    """Print the table; whether the limit is kept."""
    if reason := unusable():
        print(f"\nno durable submits on PostgreSQL: {reason}")
        return False
    with tempfile.TemporaryDirectory() as place, PostgresqlServer(durable=True) as server:
        stage = Stage(Path(place))
        try:
            return bench_submits(stage, server)
        finally:
            stage.end()


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
