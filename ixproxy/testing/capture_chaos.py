"""
Documents for a real node while it, its capture point and what that lives on are killed.

    python -m ixproxy.testing.capture_chaos --kind file
    python -m ixproxy.testing.capture_chaos --kind jms-stomp --documents 500 --seed 7 --json out

Exit code 1: something is wrong; the logs and databases are kept, and their
folder is named. See `doc/capture-chaos.md`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from ixproxy.testing.arguments import at_least_none, at_least_one
from ixproxy.testing.capture_chaos_calls import Calls
from ixproxy.testing.capture_chaos_files import Files
from ixproxy.testing.capture_chaos_messages import AmqpMessages, StompMessages
from ixproxy.testing.capture_chaos_records import Records
from ixproxy.testing.capture_chaos_rows import PostgresqlRows, SqliteRows
from ixproxy.testing.capture_chaos_source import Source
from ixproxy.testing.capture_chaos_trial import Options, Outcome, Trial
from ixproxy.testing.chaos_runs import Planned, add_options, run_all

SOURCES: Mapping[str, Callable[..., Source]] = {
    "file": Files,
    "jms-stomp": StompMessages,
    "jms-amqp": AmqpMessages,
    "webservice": Calls,
    "kafka": Records,
    "database": PostgresqlRows,
    "database-sqlite": SqliteRows,
}
"""The kinds, and who stands outside of each."""

ZEROS = ("lost", "doubled", "stranded in the source", "bad documents not in the error place")
COUNTED = ("documents", "repeated", "busy", "doubtful", "errors", "failed")


async def run(
    reactor: Any,
    folder: Path,
    options: Options,
    tell: Callable[[str], object],
    make_source: Callable[..., Source] | None = None,
) -> Outcome:
    """
    One run, in a folder of its own.

    :param make_source: makes another outside than that of the kind.
    :raise IxproxyError: there can be none here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = make_source or SOURCES[options.kind]
    done = await Trial(reactor, folder, options, made, tell).run()
    for line in lines(done):
        tell(line)
    return done


def lines(done: Outcome) -> Iterator[str]:
    """The report."""
    options = done.options
    faults = ", ".join(f"{times} × {kind}" for kind, times in sorted(done.struck.items()))
    yield (
        f"{options.kind}: {options.documents} documents, seed {options.seed}, duplicate-check "
        f"{options.duplicate_check}, {done.seconds:.0f} s ({done.giving:.0f} s to give them)"
    )
    yield f"  {done.struck.total()} faults: {faults or 'none'}"
    counted = ", ".join(f"{what} {done.counts.get(what, 0)}" for what in COUNTED)
    yield f"  the capture point, as far as it could be asked: {counted}"
    figures = done.verdict.figures
    yield "  " + ", ".join(f"{what} {figures.get(what, 0)}" for what in ZEROS)
    others = {what: many for what, many in figures.items() if many and what not in ZEROS}
    yield "  " + (", ".join(f"{what} {many}" for what, many in others.items()) or "nothing else")
    for sentence in (*done.verdict.sentences(), *done.surprises):
        yield f"  WRONG: {sentence}"


def record(done: Outcome) -> dict[str, Any]:
    """The run as JSON has it."""
    options = done.options
    return {
        "kind": options.kind,
        "documents": options.documents,
        "seed": options.seed,
        "duplicate_check": options.duplicate_check,
        "notify": options.notify,
        "faults": dict(done.struck),
        "counts": done.counts,
        "figures": done.verdict.figures,
        "wrong": {what: list(found) for what, found in done.verdict.wrong.items()},
        "surprises": done.surprises,
        "seconds": round(done.seconds, 1),
        "seconds_of_giving": round(done.giving, 1),
    }


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ixproxy.testing.capture_chaos",
        description="Documents for a real node while it and its capture point are killed.",
    )
    parser.add_argument("--kind", choices=(*SOURCES, "all"), default="all")
    parser.add_argument("--documents", type=at_least_one, default=5000)
    parser.add_argument("--faults", type=at_least_none, default=25, help="how many happen; 0: none")
    parser.add_argument("--seed", type=int, default=1, help="draws documents and faults")
    parser.add_argument(
        "--duplicate-check", choices=("none", "receipt", "external-id"), default="receipt"
    )
    parser.add_argument(
        "--notify", choices=("at-least-once", "at-most-once"), default="at-least-once"
    )
    add_options(parser)
    return parser.parse_args(arguments)


def options_of(args: argparse.Namespace) -> list[Options]:
    """What the runs are to be like."""
    return [
        Options(
            kind=kind,
            documents=args.documents,
            faults=args.faults,
            seed=args.seed,
            duplicate_check=args.duplicate_check,
            notify=args.notify,
            lease_limit=args.lease_limit,
            only=tuple(args.only),
        )
        for kind in (SOURCES if args.kind == "all" else (args.kind,))
    ]


async def command(reactor: Any, args: argparse.Namespace) -> None:
    """:raise SystemExit: something is wrong."""
    await run_all([planned(reactor, options) for options in options_of(args)], record, args)


def planned(reactor: Any, options: Options) -> Planned[Outcome]:
    """A run of these options."""
    return Planned(
        options.kind,
        f"ixcapture-{options.kind}",
        lambda folder, tell: run(reactor, folder, options, tell),
    )


if __name__ == "__main__":
    arguments = parse(sys.argv[1:])
    react(lambda reactor: Deferred.fromCoroutine(command(reactor, arguments)))
