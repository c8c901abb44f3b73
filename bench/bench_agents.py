"""
Thousands of agents through one proxy over three nodes, one of which dies and returns.

How long until the node knows all agents again, what that does to the requests of
others (their p99 from the death until then ÷ just before), and whether the
reporting stream says anything twice. Rounds in turn, each with its own "before".
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.bench_overload import NODES, SECONDS, Calm, Cluster
from bench.link_states import LinkStates
from bench.measuring import OTHER_CORE, PROXY_CORE, Stage, median, python

AGENTS = 5_000
ROUNDS = 5
AIM = 3.0
"""The greatest ratio of p99 that is aimed at."""
SLICE = 0.5
LONGEST = 120.0
"""Seconds in which a node that returned must be whole again."""


class Agents:
    """The agents and the reporting client, a process of their own."""

    def __init__(self, port: int, number: int) -> None:
        self._process = subprocess.Popen(
            ["taskset", "-c", OTHER_CORE, python(), "-m", "bench.agents_load", str(port),
             str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        self._read()

    def _read(self) -> dict[str, int]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the agents failed")
        told: dict[str, int] = json.loads(line)
        return told

    def told(self) -> dict[str, int]:
        """What the reporting client was told since the last time."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def one_round(stage: Stage, core: str, cluster: Cluster, calm: Calm, name: str) -> dict[str, Any]:
    """One node is killed and started again."""
    before = calm.measure(SECONDS)
    states = LinkStates(cluster.port, name)
    killed = time.monotonic()
    cluster.kill(name)
    cluster.begin(stage, core, name)
    times: list[float] = []
    errors = 0
    while "linked" not in states.since:
        if time.monotonic() - killed > LONGEST:
            raise SystemExit(f"{name} is not whole again after {LONGEST:g} seconds")
        during = calm.measure(SLICE, every=True)
        times += during["times"]
        errors += during["errors"]
    states.end()
    times.sort()
    return {
        "before": before["p99"],
        "p50": times[len(times) // 2],
        "p99": times[len(times) * 99 // 100],
        "errors": errors,
        "away": states.since["linked"] - killed,
        "replay": states.since["linked"] - states.since["joining"],
    }


def bench(stage: Stage, agents: int, rounds: int, core: str) -> bool:
    """Print the table; whether nothing was said twice."""
    cluster = Cluster(stage, core)
    begun = time.monotonic()
    people = Agents(cluster.port, agents)
    came = time.monotonic() - begun
    calm = Calm(stage, cluster.port)
    runs: list[dict[str, Any]] = []
    told: dict[str, int] = {}
    try:
        calm.measure(1.0)
        people.told()
        for at in range(rounds):
            runs.append(one_round(stage, core, cluster, calm, f"ixn{at % NODES + 1}"))
            calm.measure(1.0)
            for name, number in people.told().items():
                told[name] = number if name in ("connected", "in") else told.get(name, 0) + number
    finally:
        calm.end()
        people.end()
    ratios = [run["p99"] / run["before"] for run in runs]
    print(f"\n{agents} agents through one proxy over {NODES} nodes; logged in in {came:.1f} s")
    print("replay s   away s   p50 ms   p99 ms   p99 ÷ before   errors")
    for run, ratio in zip(runs, ratios, strict=True):
        print(
            f"{run['replay']:8.2f} {run['away']:8.2f} {run['p50']:8.1f} {run['p99']:8.1f}"
            f" {ratio:14.2f} {run['errors']:8}"
        )
    ratio = median(ratios)
    print(f"median of p99 ÷ before: {ratio:.2f}" + ("" if ratio <= AIM else f"   above {AIM:g}"))
    print("reporting: " + ", ".join(f"{name} {number}" for name, number in sorted(told.items())))
    kept = told["in"] == told["connected"] == agents and not told.get("repeated")
    kept = kept and not told.get("EventAgentLogin") and not told.get("EventAgentLogout")
    print(f"       nothing said twice, nobody out: {'kept' if kept else 'MISSED'}")
    return kept


def main(core: str = PROXY_CORE, agents: int = AGENTS, rounds: int = ROUNDS) -> bool:
    """Print the table; whether nothing was said twice."""
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            return bench(stage, agents, rounds, core)
        finally:
            stage.end()


if __name__ == "__main__":
    raise SystemExit(0 if main(PROXY_CORE, *map(int, sys.argv[1:])) else 1)
