"""Starts servers again that have ended, as a supervisor does on a real machine."""

from __future__ import annotations

from random import Random

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from ixproxy.testing.processes import RealCluster

LOOK_SECONDS = 0.25
KILLED, STOPPED, ANYHOW = "signal 9", "stopped", ""
"""What the outcome of a process says that a fault has ended."""

RESTART_SECONDS = (1.0, 3.0)
"""At least and at most from an end to the new start."""


class Supervisor:
    """
    Looks after the processes of a cluster.

    :param clock: with seconds and callLater.
    :ivar hurt: servers that a fault has struck, and how each may end of it:
        `KILLED`, `STOPPED`, `ANYHOW`. Another end is a surprise.
    :ivar ends: what ended, with what became of it, and whether that was a surprise.
    """

    def __init__(self, clock: IReactorTime, cluster: RealCluster, random: Random) -> None:
        self._clock = clock
        self._cluster = cluster
        self._random = random
        self._due: dict[str, float] = {}
        self.hurt: dict[str, str] = {}
        self.ends: list[tuple[str, str, bool]] = []
        self._call = LoopingCall(self.look)
        self._call.clock = clock

    def start(self) -> None:
        """Begin to look."""
        self._call.start(LOOK_SECONDS, now=False)

    def stop(self) -> None:
        """Start nobody any more; again and again."""
        if self._call.running:
            self._call.stop()

    def look(self) -> None:
        """Note who has ended, and start whose time has come."""
        now = self._clock.seconds()
        for name, process in self._cluster.servers.processes.items():
            if process.running:
                continue
            if name not in self._due:
                self._due[name] = now + self._random.uniform(*RESTART_SECONDS)
                expected = name in self.hurt and self.hurt[name] in process.outcome
                self.ends.append((name, process.outcome, not expected))
        for name, due in list(self._due.items()):
            if due <= now:
                del self._due[name]
                self._cluster.begin(name)

    @property
    def complete(self) -> bool:
        """Whether everybody runs."""
        return not self._due and all(
            process.running for process in self._cluster.servers.processes.values()
        )

    def surprises(self) -> list[str]:
        """Ends that no fault explains; told once."""
        found = [f"{name} ended by itself: {what}" for name, what, strange in self.ends if strange]
        self.ends.clear()
        return found
