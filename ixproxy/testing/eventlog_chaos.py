"""
Event logs that are away, hang and are full, while nodes that log are killed under load.

    python -m ixproxy.testing.eventlog_chaos --log postgresql --rounds 8 --seed 1
    python -m ixproxy.testing.eventlog_chaos --case bound --store postgresql --json report.json

Exit code 1: something is wrong; the logs and databases are kept, and their folder is
named. See `doc/event-log-chaos.md`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from ixproxy.testing.arguments import amount, at_least_one
from ixproxy.testing.chaos_runs import Planned, add_options, run_all
from ixproxy.testing.chaos_scene import POSTGRESQL, SQLITE
from ixproxy.testing.eventlog_chaos_away import away
from ixproxy.testing.eventlog_chaos_bounds import bounded
from ixproxy.testing.eventlog_chaos_outsides import OUTSIDES, Outside
from ixproxy.testing.eventlog_chaos_stage import Options, Outcome

CASES: Mapping[str, Callable[..., Awaitable[Outcome]]] = {
    "away": away,
    "bound": bounded,
    "mandatory": bounded,
}
"""Each case, and what runs it."""

BRIEFLY = {"amqp": ("away",)}
"""Where not all cases are run unless they are asked for: a broker takes long to start."""

ALL = "all"
ZEROS = ("lost", "doubled", "different", "drops told wrongly")


async def run(
    reactor: Any,
    folder: Path,
    options: Options,
    tell: Callable[[str], object],
    outside: Outside | None = None,
) -> Outcome:
    """
    One run, in a folder of its own.

    :param outside: one that is started and goes on; None: it has its own.
    :raise IxproxyError: there can be none here.
    """
    done = await CASES[options.case](reactor, folder, options, tell, outside)
    for line in lines(done):
        tell(line)
    return done


def lines(done: Outcome) -> Iterator[str]:
    """The report."""
    options, figures = done.options, done.verdict.figures
    yield (
        f"{options.log}, {options.case}: nodes on {options.store}, seed {options.seed}, "
        f"{done.seconds:.0f} s"
    )
    struck = ", ".join(f"{times} × {kind}" for kind, times in sorted(done.struck.items()))
    yield f"  {done.struck.total()} faults: {struck or 'none'}"
    yield f"  at most {done.waited} events waited for the log on a node"
    yield "  " + ", ".join(f"{what} {figures.get(what, 0)}" for what in ZEROS)
    others = {what: many for what, many in figures.items() if many and what not in ZEROS}
    yield "  " + (", ".join(f"{what} {many}" for what, many in others.items()) or "nothing else")
    for missing in done.missing:
        yield f"  not here: {missing}"
    for sentence in (*done.verdict.sentences(), *done.surprises):
        yield f"  WRONG: {sentence}"


def record(done: Outcome) -> dict[str, Any]:
    """The run as JSON has it."""
    options = done.options
    return {
        "case": options.case,
        "log": options.log,
        "store": options.store,
        "seed": options.seed,
        "rounds": options.rounds,
        "faults": dict(done.struck),
        "waited": done.waited,
        "figures": done.verdict.figures,
        "wrong": {what: list(found) for what, found in done.verdict.wrong.items()},
        "surprises": done.surprises,
        "missing": done.missing,
        "seconds": round(done.seconds, 1),
    }


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ixproxy.testing.eventlog_chaos",
        description="Event logs that are away and full, while nodes that log are killed.",
    )
    parser.add_argument("--log", choices=(*OUTSIDES, ALL), default=ALL, help="what is struck")
    parser.add_argument("--case", choices=(*CASES, ALL), default=ALL)
    parser.add_argument(
        "--store", choices=(SQLITE, POSTGRESQL), default=SQLITE, help="of the nodes"
    )
    parser.add_argument("--rounds", type=at_least_one, default=8, help="of the case `away`")
    parser.add_argument("--seed", type=int, default=1, help="draws faults and load")
    parser.add_argument("--rate", type=amount, default=30.0, help="documents per second, about")
    parser.add_argument(
        "--drops",
        type=at_least_one,
        default=1500,
        help="events dropped before each kill, at least",
    )
    add_options(parser)
    return parser.parse_args(arguments)


def options_of(args: argparse.Namespace) -> list[Options]:
    """What the runs are to be like."""
    logs = OUTSIDES if args.log == ALL else (args.log,)
    return [
        Options(
            case=case,
            log=log,
            store=args.store,
            rounds=args.rounds,
            seed=args.seed,
            rate=args.rate,
            drops=args.drops,
            lease_limit=args.lease_limit,
            only=tuple(args.only),
        )
        for log in logs
        for case in (BRIEFLY.get(log, CASES) if args.case == ALL else (args.case,))
    ]


async def command(reactor: Any, args: argparse.Namespace) -> None:
    """:raise SystemExit: something is wrong."""
    await run_all([planned(reactor, options) for options in options_of(args)], record, args)


def planned(reactor: Any, options: Options) -> Planned[Outcome]:
    """A run of these options."""
    return Planned(
        f"{options.log}, {options.case}",
        f"ixeventlog-{options.log}",
        lambda folder, tell: run(reactor, folder, options, tell),
        OUTSIDES[options.log].unusable(),
    )


if __name__ == "__main__":
    arguments = parse(sys.argv[1:])
    react(lambda reactor: Deferred.fromCoroutine(command(reactor, arguments)))
