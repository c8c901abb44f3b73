"""
Documents of a directory, durable in a node and moved, against a bare reader and mover.

The bare program, on the node's core and in turn with it, does with the same files what
anybody would: it lists the directory, reads each file and moves it. Once it leaves it to
the kernel when a move is on the disk; once it waits for that after each file, as a source
must that may not lose one when the machine fails.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from bench.capture_nodes import CapturingNode
from bench.measuring import PROXY_CORE, Stage, median

ROUNDS = 3
FILES = 2_000
SYNCED = 200
"""Files of the program that waits for the disk: each takes it long."""

_DOCUMENT = (
    '<interaction operation="submit" ExternalId="{}"><properties><Priority>5</Priority>'
    "<Customer>Müller</Customer><Note>" + "x" * 300 + "</Note></properties></interaction>"
)


def fill(folder: Path, count: int) -> tuple[Path, Path]:
    """Put so many files there: where they are, and where they are to go."""
    inbound, processed = folder / "inbound", folder / "processed"
    for directory in (inbound, processed, folder / "error"):
        directory.mkdir(parents=True)
    for number in range(count):
        name = f"{folder.name}-{number}"
        (inbound / f"{name}.xml").write_text(_DOCUMENT.format(name), "utf-8")
    return inbound, processed


def bare(folder: Path, *, syncs: bool) -> float:
    """Files a second of the bare program."""
    inbound, processed = fill(folder, count := SYNCED if syncs else FILES)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(PROXY_CORE)})
    start, size = time.monotonic(), 0
    directories = [os.open(each, os.O_RDONLY) for each in (processed, inbound)]
    for name in sorted(os.listdir(inbound)):
        size += len((inbound / name).read_bytes())
        (inbound / name).rename(processed / name)
        if syncs:
            for directory in directories:
                os.fsync(directory)
    seconds = time.monotonic() - start
    for directory in directories:
        os.close(directory)
    os.sched_setaffinity(0, cores)
    if not size:
        raise SystemExit(f"nothing was read from {inbound}")
    return count / seconds


def captured(stage: Stage, name: str) -> tuple[float, float]:
    """Documents a second, and CPU microseconds of the node for each."""
    folder = stage.directory / name
    fill(folder, FILES)
    paths = "".join(
        f'{key}-path = "{folder / key}"\n' for key in ("inbound", "processed", "error")
    )
    node = CapturingNode(stage, f"{name}-node", f'use = "file"\n{paths}')
    result = node.rate(FILES)
    node.end()
    return result


def main() -> bool:
    """Print the table; nothing is promised, so nothing is missed."""
    floors: dict[bool, list[float]] = {False: [], True: []}
    rates: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            for number in range(ROUNDS):
                for syncs, seen in floors.items():
                    folder = stage.directory / f"bare{number}{syncs:d}"
                    seen.append(bare(folder, syncs=syncs))
                rates.append(captured(stage, f"claims{number}"))
        finally:
            stage.end()
    floor = median(floors[False])
    rate, cpu = (median([each[at] for each in rates]) for at in (0, 1))
    print("\ndocuments of a directory, one core")
    print("what                           files/s  ratio  CPU us/file")
    for syncs, text in ((False, "bare, reads and moves"), (True, "bare, and syncs each move")):
        print(f"{text:28} {median(floors[syncs]):9.0f}  {median(floors[syncs]) / floor:5.2f}")
    print(f"{'ixnode':28} {rate:9.0f}  {rate / floor:5.2f}  {cpu:11.0f}")
    return True


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
