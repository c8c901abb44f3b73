"""
Mutants are looked for: each in a copy of the tree, seed by seed, until one breaks a rule.

Theory of operation: `Trees` makes a compiled copy of the checkout once, and
copies of that copy with one patch in each. A process of its own runs some
seeds on such a tree (`trial`), so that nothing of one mutant is left for the
next, and one that does not come to an end is ended: it counts as found. All
mutants have their first seeds before any has more: most are found at once, and
what is left over has both cores for the rest. A seed that finds a mutant is run
without it as well: one that fails there, too, says nothing, and the next is tried.
"""

from __future__ import annotations

import compileall
import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.mutants.catalogue import Mutant, does_not_apply

PARTS = (30, 100)
"""Seeds of the first and of the second part; all others have `PART`."""

PART = 250


class BrokenMutant(Exception):
    """A patch that cannot be applied, or whose tree cannot be imported."""


@dataclass(frozen=True, slots=True)
class Trial:
    """
    Some seeds on one tree.

    :ivar seed: the one that broke a rule; None: none did.
    """

    seed: int | None
    problem: str
    ran: int
    seconds: float


@dataclass(slots=True)
class Found:
    """
    What became of one mutant.

    :ivar seed: the first that broke a rule; None: none did.
    :ivar problem: that rule.
    :ivar broken: why it is no mutant.
    :ivar ran: how many seeds were run.
    """

    mutant: Mutant
    seed: int | None = None
    problem: str = ""
    broken: str = ""
    ran: int = 0
    seconds: float = 0.0

    @property
    def over(self) -> bool:
        """Whether there is nothing more to find out."""
        return self.seed is not None or bool(self.broken)


@dataclass(slots=True)
class Trees:
    """
    Copies of a checkout.

    :param root: the checkout.
    :param folder: where copies are made; somebody else removes it.
    """

    root: Path
    folder: Path
    _made: int = 0
    _clean: Path = field(init=False)

    def __post_init__(self) -> None:
        self._clean = self.folder / "clean"
        ignored = shutil.ignore_patterns("__pycache__", "*.patch")
        for part in ("ixproxy", "tests/mutants"):
            shutil.copytree(self.root / part, self._clean / part, ignore=ignored)
        compileall.compile_dir(self._clean, quiet=2)

    @property
    def clean(self) -> Path:
        """A copy without any mutant."""
        return self._clean

    def with_mutant(self, mutant: Mutant) -> Path:
        """
        A new copy with a mutant in it.

        :raise BrokenMutant: the patch cannot be applied.
        """
        self._made += 1
        tree = self.folder / f"{self._made}-{mutant.name}"
        shutil.copytree(self._clean, tree)
        if problem := does_not_apply(mutant, tree, apply=True):
            raise BrokenMutant(problem)
        path = tree / mutant.path
        for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            stale.unlink()
        return tree


def try_seeds(tree: Path, judge: str, first: int, behind: int, hang: float) -> Trial:
    """
    Run some seeds on a tree.

    :param hang: seconds without an end after which a seed counts as failed.
    :raise BrokenMutant: the process did not come to the first of them.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.mutants.trial"),
            *("--with", judge, "--seeds", f"{first}:{behind}"),
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    told: dict[str, Any] = {}
    ready, seed, problem = False, first, ""
    try:
        for told in _lines(process, hang):
            if "ready" in told:
                ready = True
            elif told["problem"]:
                problem = told["problem"]
            else:
                seed = told["seed"] + 1
        if not problem and seed < behind:
            # It came to no word about this seed: it hangs, or its process broke down.
            problem = _end_of(process, hang)
    finally:
        process.kill()
        process.communicate()
    if not ready:
        raise BrokenMutant(problem)
    found = seed if problem else None
    return Trial(found, problem, seed - first + bool(problem), time.monotonic() - began)


def _lines(process: subprocess.Popen[bytes], hang: float) -> Iterator[dict[str, Any]]:
    """What a process says, until it says nothing more or keeps silent for too long."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        kept = b""
        while selector.select(hang):
            some = os.read(process.stdout.fileno(), 65536)
            if not some:
                return
            *lines, kept = (kept + some).split(b"\n")
            yield from map(json.loads, lines)


def _end_of(process: subprocess.Popen[bytes], hang: float) -> str:
    if process.poll() is None:
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            return f"no end after {hang:g} s"
    assert process.stderr is not None
    last = process.stderr.read().decode(errors="replace").strip().splitlines()
    return f"the process ended with {process.returncode}: {last[-1] if last else ''}"


def parts(seeds: int) -> Iterator[tuple[int, int]]:
    """All seeds in parts that one process runs."""
    first, sizes = 0, iter(PARTS)
    while first < seeds:
        behind = min(seeds, first + next(sizes, PART))
        yield first, behind
        first = behind


class Hunt:
    """
    The mutants that are looked for.

    :param judge: what runs a seed; see `trial.JUDGES`.
    :param hang: seconds without an end after which a seed counts as failed.
    :param tell: is called with what has just become of one.
    :ivar unclean: seeds that fail without any mutant, and how.
    """

    def __init__(
        self,
        trees: Trees,
        mutants: Sequence[Mutant],
        judge: str,
        hang: float,
        tell: Callable[[Found], None],
    ) -> None:
        self.results = [Found(mutant) for mutant in mutants]
        self.unclean: dict[int, str] = {}
        self._trees = trees
        self._judge = judge
        self._hang = hang
        self._tell = tell
        self._made: dict[str, Path] = {}
        self._clean: set[int] = set()

    def run(self, seeds: int, jobs: int, limit: float = float("inf")) -> None:
        """
        Look for each mutant.

        :param limit: seconds for one that is not found.
        """
        pool = ThreadPoolExecutor(jobs)
        try:
            for first, behind in parts(seeds):
                left = [each for each in self.results if not each.over and each.seconds < limit]
                if len(left) < jobs:
                    self._side_by_side(pool, left, first, behind, jobs)
                else:
                    list(pool.map(partial(self._try, first=first, behind=behind), left))
        finally:
            # Whoever interrupts this does not want the rest of it.
            pool.shutdown(cancel_futures=True)

    def _side_by_side(
        self, pool: ThreadPoolExecutor, left: list[Found], first: int, behind: int, jobs: int
    ) -> None:
        """Few are left: each has its seeds run by several processes, and may be found by each."""
        size = -(-(behind - first) // jobs)
        for found in left:
            starts = range(first, behind, size)
            list(pool.map(lambda at, f=found: self._try(f, at, min(behind, at + size)), starts))

    def _try(self, found: Found, first: int, behind: int) -> None:
        try:
            tree = self._tree_of(found.mutant)
            while first < behind:
                trial = try_seeds(tree, self._judge, first, behind, self._hang)
                found.ran += trial.ran
                found.seconds += trial.seconds
                if trial.seed is None:
                    return
                if self._is_clean(trial.seed):
                    if found.seed is None or trial.seed < found.seed:
                        found.seed, found.problem = trial.seed, trial.problem
                        self._tell(found)
                    return
                first = trial.seed + 1
        except BrokenMutant as problem:
            found.broken = str(problem)
            self._tell(found)

    def _tree_of(self, mutant: Mutant) -> Path:
        tree = self._made.get(mutant.name)
        if tree is None:
            tree = self._made[mutant.name] = self._trees.with_mutant(mutant)
        return tree

    def _is_clean(self, seed: int) -> bool:
        """Whether a seed breaks no rule without a mutant."""
        if seed not in self._clean and seed not in self.unclean:
            trial = try_seeds(self._trees.clean, self._judge, seed, seed + 1, self._hang)
            if trial.seed is None:
                self._clean.add(seed)
            else:
                self.unclean[seed] = trial.problem
        return seed in self._clean
