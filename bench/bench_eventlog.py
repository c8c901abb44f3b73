"""
A node's durable submits with an event log against those of one without, in one run and in turn.

The nodes are on one core, with the threads of their logs; the load is on the other. What a
round leaves in the spool is waited for before the next one, and counted.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bench.bench_node import CONNECTIONS, DEPLOYMENT, DEPTH, SUBMIT, Node, submits
from bench.measuring import Stage, median
from ixproxy.node.log_packs import consumer_of
from ixproxy.wire.codec import encode

ROUNDS = 5
LIMIT = 0.7
"""Submits per second with a log over those without, at least."""

LOGGED = DEPLOYMENT.replace(
    'store = "sqlite:{name}.db"\n',
    'store = "sqlite:{name}.db"\nevent-log = "sqlite:{name}-log.db"\n',
)
EMPTIED = 60.0
"""Seconds after which a log has taken what a round left."""


class Plain(Node):
    """A node as its file has it: nothing else reads its outbox."""

    module = "bench.serve_plain"


def left(node: Node) -> int:
    """Rows that wait for the log."""
    with closing(sqlite3.connect(f"file:{node.database}?mode=ro", uri=True)) as source:
        asked = "SELECT count(*) FROM outbox WHERE consumer = ?"
        (number,) = source.execute(asked, (consumer_of("log"),)).fetchone()
    return int(number)


def logged(node: Node) -> int:
    """Events that the log has."""
    place = node.database.with_name(f"{node.name}-log.db")
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as source:
        return int(source.execute("SELECT count(*) FROM rpt_interaction").fetchone()[0])


def kept(node: Node) -> int:
    """Interactions that the node has."""
    with closing(sqlite3.connect(f"file:{node.database}?mode=ro", uri=True)) as source:
        return int(source.execute("SELECT count(*) FROM interactions").fetchone()[0])


def main() -> bool:
    """Print the table; whether the limit is kept."""
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            (stage.directory / "submit.frame").write_bytes(encode(SUBMIT, reference=1))
            nodes = {
                "without": Plain(stage, "without"),
                "with": Plain(stage, "with", deployment=LOGGED),
            }
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in nodes}
            spools = []
            for _ in range(ROUNDS):
                for name, node in nodes.items():
                    runs[name].append(submits(stage, node))
                spools.append(left(nodes["with"]))
                ends = time.monotonic() + EMPTIED
                while left(nodes["with"]) and time.monotonic() < ends:
                    time.sleep(0.1)  # noqa: TID251 - there is no reactor in a benchmark
            missing = kept(nodes["with"]) - logged(nodes["with"])
        finally:
            stage.end()
    rates = {name: median([run["rate"] for run in found]) for name, found in runs.items()}
    ratio = rates["with"] / rates["without"]
    print(f"\nsubmits with an event log, {CONNECTIONS} connections, depth {DEPTH}, one core")
    print("event log  submits/s  ratio  CPU us/submit")
    for name, rate in rates.items():
        cpu = median([run["cpu_us"] for run in runs[name]])
        print(f"{name:9}  {rate:9.0f}  {rate / rates['without']:5.2f}  {cpu:13.1f}")
    print(f"rows of the spool at the end of a round: {max(spools)}; not in the log: {missing}")
    done = ratio >= LIMIT and not missing
    print(f"       limit {LIMIT}: {'kept' if done else 'MISSED'}")
    return done


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
