"""
What a merge of event logs costs: `python -m bench.bench_eventlog_merge [--events N] [--nodes N]`.

Makes logs of several nodes, whose clocks are wrong, on which agents come and
go and interactions pass through; merges them with `ixctl`, adds one percent, and
merges again. Prints memory, and CPU as ratios: seconds say more of the machine.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ixproxy.eventlog.schemas import LOG
from ixproxy.eventlog.sqlite_database import SqliteDatabase

SKEW = (0.0, 2.5, -40.0, 0.3, 7.0)
AGENTS = 300
PART = 10_000
LONGEST = 600
"""Events of an agent session."""

Made = tuple[int, str, dict[str, Any]]
"""Node (from 0), table, values."""


class Cost(NamedTuple):
    """Of one run: seconds of CPU, peak of memory in MiB, and what it said."""

    seconds: float
    memory: float
    said: dict[str, Any]


def happenings(nodes: int, seed: int = 1) -> Iterator[Made]:
    """What nodes log, without end; by the true time."""
    chance = random.Random(seed)
    now, numbers = 1_750_000_000.0, 0
    sessions: dict[str, tuple[int, int, int]] = {}
    while True:
        now += 0.02
        if chance.random() < 0.75:
            numbers += 1
            node = numbers % nodes
            for name in ("InteractionSubmitted", "PlacedInQueue", "TakenFromQueue", "PartyAdded"):
                values = {"event": f"Event{name}", "interaction_id": f"{numbers:016d}"}
                told = {"queue": "Q1", "media_type": "email", "event_time": now}
                properties = json.dumps({"added": {"Subject": "x" * 200}})
                yield node, "rpt_interaction", {**values, **told, "changed_properties": properties}
            continue
        agent = f"agent{chance.randrange(AGENTS)}"
        session, state, left = sessions.get(agent, (0, 0, 0))
        media = {}
        if not left:
            session, state, left = int(now * 1000), 0, chance.randrange(5, LONGEST)
            name, media = "AgentLogin", {"media_list": '{"chat": 0}'}
        elif left == 1:
            name = "AgentLogout"
        else:
            state = 1 - state
            name, media = "ReadyForMedia" if state else "NotReadyForMedia", {"media_type": "chat"}
        sessions[agent] = session, state, left - 1
        for node in range(nodes):
            values = {"event": f"Event{name}", "agent_id": agent, "place_id": agent, **media}
            told = {"agent_session_number": session, "agent_session_dbid": 1}
            late = chance.random() * 0.01
            yield node, "rpt_agent", {**values, **told, "event_time": now + late}


class Logs:
    """A database of each node."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self.addresses = [f"sqlite:{folder / f'ixn{dbid}.db'}" for dbid in range(1, nodes + 1)]
        self._databases = [
            SqliteDatabase(address.removeprefix("sqlite:"), create=True)
            for address in self.addresses
        ]
        self._numbers = [0] * nodes
        for database in self._databases:
            database.make(LOG)

    def write(self, events: Iterator[Made]) -> None:
        """Log all of them."""
        last: dict[int, float] = {}
        while part := list(islice(events, PART)):
            for node, database in enumerate(self._databases):
                database.begin()
                rows: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = {}
                for _, table, values in (each for each in part if each[0] == node):
                    self._numbers[node] += 1
                    last[node] = values["event_time"] + SKEW[node % len(SKEW)]
                    row = {
                        "dbid": node + 1,
                        "epoch": 1,
                        "event_number": self._numbers[node],
                        "tenant_id": 1,
                        **values,
                        "event_time": last[node],
                    }
                    rows.setdefault((table, tuple(row)), []).append(list(row.values()))
                for (table, names), listed in rows.items():
                    marks = ", ".join("?" * len(names))
                    database.run_many(
                        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", listed
                    )
                database.commit()
        for node, database in enumerate(self._databases):
            database.run("DELETE FROM rpt_source")
            database.run(
                "INSERT INTO rpt_source VALUES (?, ?, 1, ?, ?)",
                (node + 1, f"ixn{node + 1}", self._numbers[node], last[node]),
            )


def merge(addresses: list[str], target: Path) -> Cost:
    """Run `ixctl eventlog merge` once, in a process of its own."""
    said = target.with_suffix(".json")
    process = os.posix_spawn(
        sys.executable,
        [
            *(sys.executable, "-m", "ixproxy.cli.main", "eventlog", "merge", "--json"),
            *(*addresses, "--into", f"sqlite:{target}"),
        ],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, str(said), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        ],
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"the merge failed: {said.read_text()}")
    return Cost(
        usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(said.read_text())
    )


def main() -> None:
    """Print the figures."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="that are logged")
    parser.add_argument("--nodes", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        logs, events = Logs(Path(folder), args.nodes), happenings(args.nodes)
        begin = time.process_time()
        logs.write(islice(events, args.events))
        making = time.process_time() - begin
        target = Path(folder) / "merged.db"
        first = merge(logs.addresses, target)
        logs.write(islice(events, args.events // 100))
        second = merge(logs.addresses, target)
    counted = first.said["counted"]
    print(f"{counted['events']} events of {args.nodes} nodes: {counted['rows']} rows")
    print(f"offsets {first.said['offsets']}")
    print(f"memory: {first.memory:.0f} MiB, then {second.memory:.0f} MiB")
    print(f"CPU: {first.seconds / making:.2f} of that of writing the logs")
    print(f"one percent more: {second.said['counted']['events']} events, ", end="")
    print(f"{second.seconds / first.seconds:.1%} of the CPU")


if __name__ == "__main__":
    main()
