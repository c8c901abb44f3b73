"""
What one flooding or stalled client does to fifty others: their p99 during ÷ before, and memory.

A real proxy and three real nodes; rounds in turn, each measuring the calm and
every kind of flood, so that what the machine does besides hits all alike.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.bench_proxy import NODE, TWISTD
from bench.measuring import (
    OTHER_CORE,
    PROXY_CORE,
    Stage,
    free_port,
    median,
    python,
    resident,
    wait_for,
)
from bench.overload_flood import KINDS

NODES = 3
CLIENTS, THINK = 50, 0.05
ROUNDS = 5
SECONDS = 2.0
SETTLE = 0.7
"""Seconds of a flood, and after it, that are not measured."""
AIM = 2.0
LOADS = OTHER_CORE
GROWTH = 192.0
"""MiB by which all servers together may grow in one flood."""

DEPLOYMENT = """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.Inbound.views.All]
[tenants.Environment.queues.Flood.views.All]
[tenants.Environment.queues.Empty.views.All]
{nodes}
[applications.nodes]
type = "Application Cluster"
connections = [{names}]
[applications.nodes.options.cluster-settings]
cluster-type = "Interaction Server"
[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:{port}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{port}"
connections = ["nodes"]
"""


class Cluster:
    """One proxy and its nodes."""

    def __init__(self, stage: Stage, core: str) -> None:
        ports = [free_port() for _ in range(NODES)]
        self.port = free_port()
        nodes = "".join(
            NODE.format(number=n + 1, dbid=101 + n, port=port) for n, port in enumerate(ports)
        )
        names = ", ".join(f'"ixn{n + 1}"' for n in range(NODES))
        text = DEPLOYMENT.format(nodes=nodes, names=names, port=self.port)
        (stage.directory / "cluster.toml").write_text(text)
        self.servers: dict[str, subprocess.Popen[str]] = {}
        for number, port in enumerate(ports):
            wait_for(port, self.begin(stage, core, f"ixn{number + 1}"))
        wait_for(self.port, self.begin(stage, core, "proxy1"))

    def begin(self, stage: Stage, core: str, name: str) -> subprocess.Popen[str]:
        """Start one server, without waiting for it."""
        plugin = "ixproxy" if name == "proxy1" else "ixnode"
        process = self.servers[name] = stage.start(
            core, python(), "-c", TWISTD, "-n", "--pidfile=", plugin,
            "--config", "cluster.toml", "--application", name, log=f"{name}.log",
        )  # fmt: skip
        return process

    def kill(self, name: str) -> None:
        """End one server at once."""
        self.servers[name].kill()
        self.servers[name].wait()

    def memory(self) -> dict[str, float]:
        """MiB of each server."""
        return {name: resident(process.pid) for name, process in self.servers.items()}


class Calm:
    """The well-behaved clients, a process of their own."""

    def __init__(self, stage: Stage, port: int) -> None:
        self._process = subprocess.Popen(
            ["taskset", "-c", LOADS, python(), "-m", "bench.overload_load", str(port),
             str(CLIENTS), str(THINK)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the well-behaved clients failed")
        told: dict[str, Any] = json.loads(line)
        return told

    def measure(self, seconds: float, *, every: bool = False) -> dict[str, Any]:
        """How long answers took in the seconds that follow; `every`: each of them."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}{' every' * every}\n")
        self._process.stdin.flush()
        return self._read()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def flood(cluster: Cluster, calm: Calm, kind: str) -> dict[str, Any]:
    """One kind of flood, and what it was to the others."""
    before = cluster.memory()
    process = subprocess.Popen(
        ["nice", "-n", "19", "taskset", "-c", LOADS, python(), "-m", "bench.overload_flood", kind,
         str(cluster.port), str(SECONDS + 2 * SETTLE)],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    calm.measure(SETTLE)
    result = calm.measure(SECONDS)
    after = cluster.memory()
    told, _ = process.communicate(timeout=30)
    if process.returncode:
        raise SystemExit(f"the flood of {kind} failed")
    calm.measure(SETTLE)
    result["growth"] = {name: after[name] - before[name] for name in after}
    result["told"] = json.loads(told)
    return result


def bench(stage: Stage, kinds: list[str], rounds: int, core: str) -> bool:
    """Print the table; whether memory kept its limit."""
    cluster = Cluster(stage, core)
    calm = Calm(stage, cluster.port)
    try:
        calm.measure(1.0)
        before: list[dict[str, Any]] = []
        during: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
        ratios: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            for kind in kinds:
                before.append(calm.measure(SECONDS))
                during[kind].append(flood(cluster, calm, kind))
                ratios[kind].append(during[kind][-1]["p99"] / before[-1]["p99"])
    finally:
        calm.end()
    print(f"\n{CLIENTS} well-behaved clients of a proxy, {NODES} nodes, and one that is not")
    print("flood      p50 ms  p99 ms  ÷ before  answers/s  errors  proxy MiB  nodes MiB  flooded/s")
    print(row("(calm)", before, 1.0))
    kept = True
    for kind, runs in during.items():
        ratio = median(ratios[kind])
        print(row(kind, runs, ratio) + ("" if ratio <= AIM else f"   above {AIM:g}"))
        kept = kept and all(sum(run["growth"].values()) <= GROWTH for run in runs)
    print(f"       growth of all servers at most {GROWTH:g} MiB: {'kept' if kept else 'MISSED'}")
    return kept


def row(kind: str, runs: list[dict[str, Any]], ratio: float) -> str:
    """One line of the table: medians, and the greatest growth."""
    growths = [run.get("growth", {}) for run in runs]
    proxy = max((growth.get("proxy1", 0.0) for growth in growths), default=0.0)
    nodes = max(
        (max((mib for name, mib in growth.items() if name != "proxy1"), default=0.0)
         for growth in growths), default=0.0,
    )  # fmt: skip
    sent = median([run.get("told", {}).get("sent", 0) for run in runs]) / (SECONDS + 2 * SETTLE)
    return (
        f"{kind:9}  {median([run['p50'] for run in runs]):6.1f}"
        f"  {median([run['p99'] for run in runs]):6.1f}  {ratio:8.2f}"
        f"  {median([run['answers'] for run in runs]) / SECONDS:9.0f}"
        f"  {sum(run['errors'] for run in runs):6}  {proxy:9.1f}  {nodes:9.1f}  {sent:9.0f}"
    )


def main(kinds: list[str] | None = None, rounds: int = ROUNDS, core: str = PROXY_CORE) -> bool:
    """Print the table; whether memory kept its limit."""
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            return bench(stage, kinds or list(KINDS), rounds, core)
        finally:
            stage.end()


if __name__ == "__main__":
    chosen = [each for each in sys.argv[1:] if each in KINDS]
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    raise SystemExit(0 if main(chosen, numbers[0] if numbers else ROUNDS) else 1)
