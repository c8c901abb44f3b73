"""
Some seeds of a simulation, run on the tree that this process finds first.

    python -m tests.mutants.trial --with simulation --seeds 0:50

writes a line of JSON when all is imported and then one for each seed, with the
first broken rule if there is one, and stops behind the first such seed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from twisted.logger import globalLogBeginner

from ixproxy.testing.arguments import seed_range

MEMORY = 2 << 30
"""Bytes that one process may have: a mutant that takes more without end is found."""

Judge = Callable[[int], list[str]]


def _accidents(module: Any) -> Judge:
    def judge(seed: int) -> list[str]:
        return list(module.have_accident(seed, chained=seed % 4 == 3).problems)

    return judge


def _agent_accidents(module: Any) -> Judge:
    def judge(seed: int) -> list[str]:
        return list(module.have_agent_accident(seed, chained=seed % 4 == 3).problems)

    return judge


def _simulation(module: Any) -> Judge:
    def judge(seed: int) -> list[str]:
        breach = module.simulate(seed, history=False).breach
        return [] if breach is None else [f"{breach.rule}: {breach.text}"]

    return judge


JUDGES: dict[str, tuple[str, Callable[[Any], Judge]]] = {
    "simulation": ("ixproxy.testing.simulation", _simulation),
    "accidents": ("ixproxy.testing.accidents", _accidents),
    "agent-accidents": ("ixproxy.testing.agent_accidents", _agent_accidents),
}
"""By name the module that runs a seed, and how it says what is wrong."""


def main(arguments: Sequence[str]) -> int:
    """Run the seeds; returns 0 whatever they show."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.trial")
    parser.add_argument("--with", dest="judge", default="simulation", choices=sorted(JUDGES))
    parser.add_argument(
        "--seeds", type=seed_range, default="0:50", help="FIRST:BEHIND_THE_LAST, or one seed"
    )
    chosen = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    module, how = JUDGES[chosen.judge]
    judge = how(import_module(module))
    _say(ready=True)
    parent = os.getppid()
    for seed in chosen.seeds:
        if os.getppid() != parent:
            # Whoever wanted to know is gone.
            break
        began = time.monotonic()
        try:
            problem = next(iter(judge(seed)), "")
        except Exception as mistake:
            where = traceback.extract_tb(mistake.__traceback__)[-1]
            problem = f"{type(mistake).__name__} in {where.name}: {mistake}"
        _say(seed=seed, problem=problem, seconds=round(time.monotonic() - began, 3))
        if problem:
            break
    return 0


def _say(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
