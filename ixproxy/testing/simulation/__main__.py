"""
The simulator's command: one seed with its history, or many of them.

    python -m ixproxy.testing.simulation --seed 7
    python -m ixproxy.testing.simulation --seeds 0:10000 --jobs 2
    python -m ixproxy.testing.simulation --seeds 0:100 --store postgresql
    python -m ixproxy.testing.simulation --seeds 0:100 --logs

What breaks a rule is made short before it is told: see `--no-shrink`.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Sequence
from time import monotonic

from ixproxy.testing.arguments import at_least_one, seed_range, step_numbers
from ixproxy.testing.places import Places
from ixproxy.testing.postgresql_places import address_of, stores_of
from ixproxy.testing.servers import ServerFailed
from ixproxy.testing.simulation.many import simulate_all
from ixproxy.testing.simulation.shortening import ATTEMPTS, shortened
from ixproxy.testing.simulation.simulating import STEPS, Result, simulate

WHOLE = "--no-shrink"
"""Has a history told as it is."""

EVERY = 2.0
"""Seconds between two lines of progress."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :return: 0 when no rule is broken, 1 when one is, 2 when there is no PostgreSQL server to use.
    :raise SystemExit: with 2: nothing would run, or not all that is asked for.
    """
    options = _options(arguments)
    try:
        return _run(options)
    except ServerFailed as problem:
        _progress(str(problem))
        return 2


def _run(options: Namespace) -> int:
    with address_of(options.store, options.postgresql) as address:
        if options.seeds is not None:
            return _many(options, address)
        with stores_of(options.store, address) as stores:
            result = simulate(
                options.seed,
                options.steps,
                only=options.only,
                stores=stores,
                logs=options.logs,
            )
            _show(_as_asked(result, options, stores), options)
        return int(result.breach is not None)


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.only is not None and options.seeds is not None:
        parser.error("argument --only: it is of one seed: use --seed")
    if options.only is not None and max(options.only) > options.steps:
        parser.error(
            f"argument --only: there is no step {max(options.only)}: --steps is {options.steps}"
        )
    return options


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m ixproxy.testing.simulation",
        description="Simulates a cluster with its clients and faults, and checks the rules.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="simulate one seed and print its history")
    which.add_argument(
        "--seeds", type=seed_range, metavar="A:B", help="simulate the seeds from A to B, without B"
    )
    parser.add_argument(
        "--steps", type=at_least_one, default=STEPS, help="steps of a seed (%(default)s)"
    )
    parser.add_argument(
        "--only", type=step_numbers, metavar="N,N,...", help="with --seed: only these steps"
    )
    parser.add_argument("--jobs", type=at_least_one, default=1, help="processes for many seeds")
    parser.add_argument(
        "--shrink",
        action=BooleanOptionalAction,
        default=None,
        help="look for a shorter history of what breaks a rule (it does, but with --only)",
    )
    parser.add_argument(
        "--attempts",
        type=at_least_one,
        default=ATTEMPTS,
        help="runs that this may take (%(default)s)",
    )
    parser.add_argument(
        "--first", action="store_true", help="with --seeds: end with the first failing seed"
    )
    parser.add_argument(
        "--store", choices=("sqlite", "postgresql"), default="sqlite", help="(%(default)s)"
    )
    parser.add_argument(
        "--postgresql",
        metavar="URI",
        default="",
        help="a database of the server to use; otherwise one is started",
    )
    parser.add_argument("--logs", action="store_true", help="every node has event logs")
    parser.add_argument("--json", action="store_true", help="print JSON objects, one a line")
    return parser


def _many(options: Namespace, address: str) -> int:
    seeds: range = options.seeds
    begun = told = monotonic()
    failed: list[Result] = []
    done = 0
    results = simulate_all(
        seeds, options.steps, options.jobs, options.store, address, logs=options.logs
    )
    for result in results:
        done += 1
        if options.json:
            _write(json.dumps(result.as_json()))
        if result.breach is not None:
            failed.append(result)
            _progress(f"seed {result.seed}: {result.breach.rule}: {_first(result.breach.text)}")
            if options.first:
                break
        if monotonic() - told > EVERY:
            told = monotonic()
            _progress(
                f"{done} of {len(seeds)} seeds, {len(failed)} failing, "
                f"{done / (told - begun):.1f} seeds per second"
            )
    seconds = max(monotonic() - begun, 1e-6)
    summary = (
        f"{done} seeds of {options.steps} steps in {seconds:.1f} s "
        f"({done / seconds:.1f} seeds per second): {len(failed)} failing"
    )
    if failed:
        failed.sort(key=lambda result: result.seed)
        summary += f": {', '.join(str(result.seed) for result in failed)}"
        with stores_of(options.store, address) as stores:
            again = simulate(failed[0].seed, options.steps, stores=stores, logs=options.logs)
            _show(_as_asked(again, options, stores), options)
    (_progress if options.json else _write)(summary)
    return int(bool(failed))


def _as_asked(result: Result, options: Namespace, stores: Places) -> Result:
    """
    What is told of a result: the shortest that is found, if a rule is broken.

    Steps that were chosen are told as they are: whoever runs a short history again
    does not want to wait for a shorter one each time.
    """

    def progress(steps: int, attempt: int) -> None:
        _progress(f"seed {result.seed}: {steps} steps after {attempt} attempts")

    wanted = options.only is None if options.shrink is None else options.shrink
    if result.breach is None or not wanted:
        return result
    _progress(
        f"seed {result.seed}: {result.breach.rule} after {len(result.ran)} steps: "
        f"looking for a shorter history"
    )
    return shortened(result, options.attempts, progress, stores)


def _show(result: Result, options: Namespace) -> None:
    if options.json:
        _write(json.dumps(result.as_json()))
        return
    came = result.breach.rule if result.breach else "no rule is broken"
    lines = [
        f"seed {result.seed}: {result.world}",
        *result.history,
        f"{len(result.ran)} steps, {result.requests} requests, {result.seconds:.1f} simulated "
        f"seconds: {came}",
    ]
    if result.breach is not None:
        if len(result.ran) < result.steps:
            lines.append(f"Whole: {result.whole} {WHOLE}")
            lines.append(f"Again: {result.command}")
        else:
            lines.append(f"Again: {result.command} {WHOLE}")
    _write("\n".join(lines))


def _first(text: str) -> str:
    return text.splitlines()[0] if text else text


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
