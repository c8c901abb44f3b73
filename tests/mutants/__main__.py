"""
`make mutants`: is every recorded mutant found by the simulator?

    python -m tests.mutants --only owner pending --jobs 1

runs the tree as it is first, then each mutant, and prints which seed found it
by which rule. Exits with 1 where fewer are found than should be, or one that
is not found has no explanation.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ixproxy.testing.arguments import amount, at_least_none, at_least_one
from tests.mutants.catalogue import Mutant, all_mutants, does_not_apply, renewed
from tests.mutants.hunting import BrokenMutant, Found, Hunt, Trees, try_seeds
from tests.mutants.trial import JUDGES

ROOT = Path(__file__).parent.parent.parent

ENOUGH = 90
"""Per cent of the mutants that must be found."""

WIDTH = 90
"""Characters of a broken rule that are shown."""


def main(arguments: Sequence[str]) -> int:
    """Look for the mutants; returns 0 if enough of them are found and the rest is explained."""
    chosen = _parser().parse_args(arguments)
    mutants = [
        each
        for each in all_mutants()
        if not chosen.only or any(part in each.name for part in chosen.only)
    ]
    if not mutants:
        sys.stderr.write(f"no mutant is called like {' or '.join(chosen.only)}\n")
        return 2
    if chosen.renew:
        return _renew(mutants)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees = Trees(ROOT, Path(folder))
        if problem := _wrong_without(trees, chosen.judge, chosen.clean, chosen.hang):
            _say(f"the tree as it is breaks a rule: {problem}")
            return 2
        if chosen.clean:
            _say(f"the tree as it is: {chosen.clean} seeds clean")
        hunt = Hunt(trees, mutants, chosen.judge, chosen.hang, lambda each: _say(_line(each)))
        hunt.run(chosen.seeds, chosen.jobs, chosen.limit)
    return _summed_up(hunt)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="those whose names have these")
    parser.add_argument(
        "--seeds", type=at_least_one, default=10_000, help="for one mutant, at most"
    )
    parser.add_argument(
        "--clean", type=at_least_none, default=20, help="seeds of the tree as it is; 0: none"
    )
    parser.add_argument(
        "--jobs", type=at_least_one, default=os.cpu_count() or 1, help="processes at once"
    )
    parser.add_argument(
        "--limit", type=amount, default=float("inf"), help="seconds for one mutant, about"
    )
    parser.add_argument("--hang", type=amount, default=120.0, help="seconds for one seed")
    parser.add_argument(
        "--renew", action="store_true", help="only fit patches to files around their lines"
    )
    parser.add_argument(
        "--with", dest="judge", default="simulation", choices=sorted(JUDGES), help="what runs seeds"
    )
    return parser


def _renew(mutants: Sequence[Mutant]) -> int:
    """Write patches anew whose lines are there, in other surroundings; returns the exit code."""
    lost = 0
    for mutant in mutants:
        if not does_not_apply(mutant, ROOT):
            continue
        path = ROOT / mutant.path
        patch = renewed(mutant, path.read_text()) if path.exists() else None
        if patch is None:
            lost += 1
            _say(f"{mutant.name}: its line is not in {mutant.path} any more, or more than once")
        else:
            mutant.patch.write_text(patch)
            _say(f"{mutant.name}: renewed")
    return int(lost > 0)


def _wrong_without(trees: Trees, judge: str, seeds: int, hang: float) -> str:
    """What is wrong without any mutant; empty: nothing, or that is not asked."""
    if not seeds:
        return ""
    try:
        trial = try_seeds(trees.clean, judge, 0, seeds, hang)
    except BrokenMutant as problem:
        return str(problem)
    return "" if trial.seed is None else f"seed {trial.seed}: {trial.problem}"


def _line(found: Found) -> str:
    name = f"{found.mutant.name:34}"
    if found.broken:
        return f"{name} broken: {found.broken}"
    if found.seed is None:
        return f"{name} not found  {found.ran:5} seeds {found.seconds:7.1f} s"
    problem = found.problem.replace("\n", " ")[:WIDTH]
    return f"{name} seed {found.seed:5}  {found.seconds:7.1f} s  {problem}"


def _summed_up(hunt: Hunt) -> int:
    """Print the table; returns the exit code."""
    _say("", "mutants, the soonest found first:")
    found = sorted((each for each in hunt.results if each.seed is not None), key=_sooner)
    missing = [each for each in hunt.results if each.seed is None]
    for each in (*found, *missing):
        _say(_line(each))
    for each in missing:
        _say("", f"{each.mutant.name}: {each.mutant.breaks}")
        _say(f"  explained: {each.mutant.explained or 'NOT AT ALL'}")
    for seed, problem in sorted(hunt.unclean.items()):
        _say("", f"seed {seed} breaks a rule without any mutant: {problem[:WIDTH]}")
    share = 100 * len(found) // len(hunt.results)
    _say("", f"{len(found)} of {len(hunt.results)} found ({share} %), limit {ENOUGH} %")
    explained = all(each.mutant.explained and not each.broken for each in missing)
    return int(share < ENOUGH or not explained or bool(hunt.unclean))


def _sooner(found: Found) -> tuple[int, float]:
    return found.seed or 0, found.seconds


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
