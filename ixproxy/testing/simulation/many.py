"""Many seeds, in several processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.util import Finalize
from threading import Thread
from typing import Any

from ixproxy.testing.places import Places, SqlitePlaces
from ixproxy.testing.postgresql_places import stores_of
from ixproxy.testing.simulation.simulating import Result, simulate

AT_ONCE = 8
"""How many seeds a process is given at a time."""


def simulate_all(
    seeds: Sequence[int],
    steps: int,
    jobs: int,
    store: str = SqlitePlaces.kind,
    address: str = "",
    *,
    logs: bool = False,
) -> Iterator[Result]:
    """
    The results of seeds, without their histories, as they come.

    :param jobs: how many processes work on it; 1: this one.
    :param store: the kind of the nodes' databases.
    :param address: see `stores_of`; several processes need one.
    :param logs: every node has event logs.
    """
    if jobs <= 1:
        with stores_of(store, address) as stores:
            yield from _some(seeds, steps, stores, logs)
        return
    parts = (seeds[at : at + AT_ONCE] for at in range(0, len(seeds), AT_ONCE))
    with ProcessPoolExecutor(
        jobs,
        mp_context=get_context("spawn"),
        initializer=_open_stores,
        initargs=(store, address),
    ) as pool:
        waiting: set[Future[Any]] = set()
        try:
            while True:
                for part in islice(parts, 2 * jobs - len(waiting)):
                    waiting.add(pool.submit(_all_of, part, steps, logs))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for each in done:
                    yield from each.result()
        finally:
            for each in waiting:
                each.cancel()


def _some(seeds: Sequence[int], steps: int, stores: Places, logs: bool) -> Iterator[Result]:
    for seed in seeds:
        yield simulate(seed, steps, history=False, stores=stores, logs=logs)


_OPEN: list[Places] = []
"""The stores of this process, if it is one of several."""


def _open_stores(store: str, address: str) -> None:
    Thread(target=_end_with_the_first, daemon=True).start()
    stack = ExitStack()
    _OPEN.append(stack.enter_context(stores_of(store, address)))
    Finalize(None, stack.close, exitpriority=1)


def _end_with_the_first() -> None:
    """Who was killed cannot tell the others that nobody waits for their results any more."""
    first = parent_process()
    if first is not None:
        first.join()
        os._exit(1)


def _all_of(seeds: Sequence[int], steps: int, logs: bool) -> list[Result]:
    return list(_some(seeds, steps, _OPEN[0], logs))
