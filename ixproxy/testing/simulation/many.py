"""Many seeds, in several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from typing import Any

from ixproxy.testing.simulation.simulating import Result, simulate

AT_ONCE = 8
"""How many seeds a process is given at a time."""


def simulate_all(seeds: Sequence[int], steps: int, jobs: int) -> Iterator[Result]:
    """
    The results of seeds, without their histories, as they come.

    :param jobs: how many processes work on it; 1: this one.
    """
    if jobs <= 1:
        yield from _some(seeds, steps)
        return
    parts = (seeds[at : at + AT_ONCE] for at in range(0, len(seeds), AT_ONCE))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting: set[Future[Any]] = set()
        try:
            while True:
                for part in islice(parts, 2 * jobs - len(waiting)):
                    waiting.add(pool.submit(_all_of, part, steps))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for each in done:
                    yield from each.result()
        finally:
            for each in waiting:
                each.cancel()


def _some(seeds: Sequence[int], steps: int) -> Iterator[Result]:
    for seed in seeds:
        yield simulate(seed, steps, history=False)


def _all_of(seeds: Sequence[int], steps: int) -> list[Result]:
    return list(_some(seeds, steps))
