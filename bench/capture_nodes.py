"""A node with a capture point, for benchmarks: how fast documents become durable in it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from bench.bench_node import DEPLOYMENT
from bench.measuring import PROXY_CORE, Stage, cpu_seconds, free_port, python, wait_for

QUEUE = "Inbound"
MOST_SECONDS = 300.0


class CapturingNode:
    """
    A node with its own database on a core of its own.

    :param table: the keys of its capture point, as lines of TOML.
    """

    def __init__(self, stage: Stage, name: str, table: str) -> None:
        port = free_port()
        self.database = stage.directory / f"{name}.db"
        file = stage.directory / f"{name}.toml"
        point = f'[[applications.ixn1.capture]]\nname = "in"\n{table}\n'
        defaults = f'default-values = {{ MediaType = "email", Queue = "{QUEUE}" }}\n'
        file.write_text(DEPLOYMENT.format(port=port, name=name) + point + defaults)
        twistd = str(Path(python()).with_name("twistd"))
        self._process = stage.start(
            PROXY_CORE, twistd, "--nodaemon", "--pidfile=", "ixnode", "-c", str(file), "-a", "ixn1",
            log=f"{name}.log",
        )  # fmt: skip
        wait_for(port, self._process)

    def rate(self, documents: int) -> tuple[float, float]:
        """
        Wait until so many are durable.

        :return: how many a second, without the first tenth; CPU microseconds for each.
        """
        began, first, spent = 0.0, 0, 0.0
        end = time.monotonic() + MOST_SECONDS
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            while True:
                ((count,),) = database.execute("SELECT count(*) FROM interactions")
                now = time.monotonic()
                if not began and count >= documents // 10:
                    began, first, spent = now, count, cpu_seconds(self._process.pid)
                if count >= documents:
                    break
                if now > end:
                    raise SystemExit(f"only {count} of {documents} documents are durable")
                time.sleep(0.02)  # noqa: TID251 - there is no reactor in a benchmark
        done = documents - first
        spent = cpu_seconds(self._process.pid) - spent
        return done / (now - began), spent / done * 1e6

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
