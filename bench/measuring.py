"""What all benchmarks share: pinned processes, their CPU time, medians and tables."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
PROXY_CORE, OTHER_CORE = "0", "1"


class Stage:
    """Processes started for one benchmark, each on a core; all ended together."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._running: list[subprocess.Popen[str]] = []

    def start(self, core: str, *command: str, log: str = "") -> subprocess.Popen[str]:
        """Start `command` pinned to `core`; its output goes to a file named `log`."""
        pinned = ["taskset", "-c", core, *command] if shutil.which("taskset") else list(command)
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
        where = (self.directory / (log or "log.txt")).open("w")
        process = subprocess.Popen(
            pinned, stdout=where, stderr=subprocess.STDOUT, text=True,
            cwd=self.directory, env=environment,
        )  # fmt: skip
        where.close()
        self._running.append(process)
        return process

    def end(self) -> None:
        """End what was started, by pid."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def build(directory: Path, name: str, *libraries: str) -> Path:
    """Compile one of the C sources beside this file."""
    target = directory / name
    linked = [f"-l{library}" for library in libraries]
    subprocess.run(
        ["cc", "-O2", "-o", str(target), str(HERE / f"{name}.c"), *linked],
        check=True, cwd=directory,
    )  # fmt: skip
    return target


def free_port() -> int:
    """A loopback port that is free now, below the ephemeral range."""
    for port in range(21_000 + os.getpid() % 5_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
    raise SystemExit("no free port on loopback")


_given: set[int] = set()


def wait_for(port: int, process: subprocess.Popen[str], seconds: float = 30.0) -> None:
    """Wait until something listens on `port`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"process for port {port} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)  # noqa: TID251 - there is no reactor in a benchmark
    raise SystemExit(f"nothing listens on port {port}")


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, user and system."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def median(values: Sequence[float]) -> float:
    """The median; 0 of nothing."""
    return statistics.median(values) if values else 0.0


def python() -> str:
    """The interpreter that runs the benchmark runs what it measures."""
    return sys.executable
