"""
What is checked after each round, when the faults are healed and nothing new is handed in.

First all must come to rest: everything that was handed in is worked off, and
nobody has anything in hand. Then the history, the databases, the streams and
the processes are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ixproxy.testing import chaos_books as books
from ixproxy.testing.chaos_clients import Load
from ixproxy.testing.chaos_deployment import NODES, PROXIES
from ixproxy.testing.chaos_history import History
from ixproxy.testing.chaos_rows import REST, TABLES, read_rows
from ixproxy.testing.chaos_scene import Scene
from ixproxy.testing.inspection import stranded
from ixproxy.testing.servers import resident_memory

REST_SECONDS = 45.0
"""In which everything is worked off: what a dead session held comes back before."""

AGREE_SECONDS = 15.0
"""In which nodes and streams agree about the agents, once all is at rest."""

MOST_GROWTH = 64 << 20
"""Bytes that a proxy may grow by from its first round on."""

TRACEBACK = "Traceback (most recent call last)"

Wrong = dict[str, list[str]]
"""Check to what it found."""


class Checks:
    """
    All checks of a run.

    :param laid: interactions that nobody works off.
    """

    def __init__(self, scene: Scene, load: Load, history: History, laid: set[str]) -> None:
        self._scene = scene
        self._load = load
        self._history = history
        self._laid = laid
        self._read: dict[str, int] = {}
        self._memory: dict[int, int] = {}
        self._known: set[str] = set()
        self.growth = 0

    async def after_a_round(self) -> Wrong:
        """What is wrong now that was not before."""
        wrong = await self._rest()
        rows = read_rows(self._scene.stores, TABLES)
        kept = books.Books(seen=self._load.seen).read(self._history.requests)
        there = {row["id"] for row in rows["interactions"]}
        requests, now = self._history.requests, self._scene.reactor.seconds()
        wrong |= {
            "lost": books.lost(kept, there),
            "doubled": books.doubled(kept, rows["receipts"], rows["interactions"]),
            "ended twice": books.ended_twice(kept),
            "unanswered": books.unanswered(requests, now),
            "unknown too early": books.unknown_too_early(requests),
            "written by a deposed primary": books.deposed_writers(requests),
            "agents": await self._agree(self._agents),
            "streams": await self._streams(),
            "clients": self._load.problems(),
            "servers": self._scene.supervisor.surprises(),
            "deposed": list(self._scene.complaints),
            "logs": self._logs(),
            "memory": self._grown(),
        }
        return {check: self._new(found) for check, found in wrong.items()}

    def _new(self, found: list[str]) -> list[str]:
        """What was not told after an earlier round."""
        new = [each for each in found if each not in self._known]
        self._known.update(new)
        return new

    async def _rest(self) -> Wrong:
        scene, load = self._scene, self._load
        load.rest()
        deadline = scene.reactor.seconds() + REST_SECONDS
        while True:
            rows = read_rows(scene.stores, REST)
            left = [row for row in rows["interactions"] if row["id"] not in self._laid]
            if not (load.busy or left or rows["parties"] or rows["invitations"]):
                return {"stranded": [], "not worked off": []}
            if scene.reactor.seconds() > deadline:
                break
            await scene.pause(0.25)
        lost = stranded(left, rows["parties"], load.clients, rows["invitations"])
        what = [f"{row['id']} is left on {row['node']}, state {row['state']}" for row in left]
        return {"stranded": lost, "not worked off": [*filter(None, [load.busy]), *what]}

    async def _agree(self, look: Callable[[], list[str]]) -> list[str]:
        """What is wrong for long: what one knows the others may hear a moment later."""
        deadline = self._scene.reactor.seconds() + AGREE_SECONDS
        while (wrong := look()) and self._scene.reactor.seconds() < deadline:
            await self._scene.pause(0.25)
        return wrong

    def _agents(self) -> list[str]:
        rows = read_rows(self._scene.stores, ("agents",))
        return books.agents_apart(rows["agents"], NODES, self._load.agents)

    async def _streams(self) -> list[str]:
        """Every stream says what one says that has just begun."""
        load = self._load
        running = list(load.watches.values())
        fresh = [
            await load.come(f"fresh-{number}", "ReportingEngine", number)
            for number in range(len(PROXIES))
        ]
        watches = [await load.watch(each) for each in fresh]

        def differences() -> list[str]:
            everybody = (*running, *watches)
            broken = [f"{each.name} has no stream" for each in everybody if not each.whole]
            return broken or [
                difference
                for watch in (*running, watches[1])
                for difference in watch.differs_from(watches[0])
            ]

        wrong = await self._agree(differences)
        wrong += [problem for watch in watches for problem in watch.problems]
        await load.leave(fresh)
        return wrong

    def _logs(self) -> list[str]:
        """Tracebacks in the logs, each by its last line."""
        found = []
        for name in self._scene.cluster.servers.processes:
            lines = self._scene.cluster.log(name).read_text("utf-8", "replace").splitlines()
            first = self._read.get(name, 0)
            self._read[name] = len(lines)
            for number in range(first, len(lines)):
                if TRACEBACK in lines[number]:
                    found.append(f"{name}.log:{number + 1}: {_last_line(lines[number + 1 :])}")
        return found

    def _grown(self) -> list[str]:
        """Proxies that need far more memory than after their first round."""
        wrong = []
        for name in PROXIES:
            process = self._scene.process(name)
            now, _ = resident_memory(process.pid)
            growth = now - self._memory.setdefault(process.pid, now)
            self.growth = max(self.growth, growth)
            if growth > MOST_GROWTH:
                wrong.append(f"{name} has grown by {growth >> 20} MB")
        return wrong


def _last_line(lines: list[str]) -> str:
    """What a traceback ends with: the first line that is not indented."""
    for line in lines:
        text = line.strip()
        if text and not line.startswith((" ", "\t")):
            return text
    return "it is cut off"


def verdict(wrong: Mapping[str, list[str]]) -> dict[str, int]:
    """How much each check found."""
    return {check: len(found) for check, found in wrong.items() if found}
