"""`ixctl eventlog merge`: one clean history out of the logs of many nodes."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from time import time
from typing import Any

from ixproxy.cli.eventlog_opening import (
    ADDRESS,
    add_schema_name,
    check_outputs,
    check_schema_name,
    is_there,
    opened,
    reaching,
)
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output, moment
from ixproxy.eventlog.log_databases import LogDatabase
from ixproxy.eventlog.log_source import LogSource
from ixproxy.eventlog.merge_export import (
    CSV,
    PARQUET,
    export_csv,
    export_parquet,
    files_of,
    require_parquet,
)
from ixproxy.eventlog.merge_run import MergeOptions, MergeRun, Summary
from ixproxy.eventlog.merge_target import MergeTarget, merged_nodes


def add_parser(subparsers: Any) -> None:
    """Add the verb."""
    parser: ArgumentParser = subparsers.add_parser(
        "merge",
        help="one clean history out of many logs",
        description="Merges event logs: interactions, calls and custom events by time, and agents "
        "so that each act is there once. What is new since the last time is added. Sources are "
        "only read, and nodes may log on meanwhile.",
    )
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help=f"{ADDRESS}, with the log of nodes"
    )
    parser.add_argument(
        "--into",
        required=True,
        metavar="TARGET",
        help=f"{ADDRESS}, where the history goes; it is made if it is not there",
    )
    add_schema_name(parser)
    parser.add_argument(
        "--final", action="store_true", help="merge all that is there, and wait for no node"
    )
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="a node that is behind by more is not waited for (%(default)g)",
    )
    parser.add_argument("--no-skew", action="store_true", help="take the nodes' clocks as right")
    parser.add_argument(
        "--offset",
        type=_offset,
        action="append",
        default=[],
        metavar="DBID=SECONDS",
        help="a node's clock is ahead by so much; may be repeated",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--csv", type=Path, metavar="DIR", help="write the tables there, too")
    output.add_argument(
        "--parquet", type=Path, metavar="DIR", help="the same as Parquet, which needs pyarrow"
    )
    parser.add_argument(
        "--progress",
        action="store_true",
        help="say how far it is, on standard error; percent of the time that the logs cover",
    )
    parser.set_defaults(command=command, local=True)


def command(args: Namespace, output: Output) -> int:
    """Merge, export, and say what was done."""
    if args.parquet is not None:
        # Before the work, not after it.
        require_parquet()
    check_schema_name(args.schema_name, args.into, *args.sources)
    for folder, kind in ((args.csv, CSV), (args.parquet, PARQUET)):
        if folder is not None:
            check_outputs(files_of(folder, kind), args.into, *args.sources)
            _make_folder(folder)
    try:
        with reaching():
            summary = _merge(args, output)
            files: dict[str, int] = {}
            # What is merged is merged, whatever becomes of the files.
            _show(summary, output)
            try:
                files = _export(args)
            finally:
                _finish(summary, files, output)
    except KeyboardInterrupt:
        output.note("interrupted; what was saved stays, and the next run goes on from there")
        return Exit.INTERRUPTED
    return Exit.OK


def _make_folder(folder: Path) -> None:
    """:raise UsageError: no file can be made in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        reason = problem.strerror or problem
        raise UsageError(f"{folder}: no files can be made there: {reason}") from problem


def _export(args: Namespace) -> dict[str, int]:
    for folder, export in ((args.csv, export_csv), (args.parquet, export_parquet)):
        if folder is not None:
            with ExitStack() as stack:
                return export(_open(stack, args, args.into), folder)
    return {}


def _merge(args: Namespace, output: Output) -> Summary:
    options = MergeOptions(
        wait=args.wait,
        final=args.final,
        estimated=not args.no_skew,
        offsets=dict(args.offset),
        now=time(),
    )
    with ExitStack() as stack:
        sources = [LogSource(_open(stack, args, each)) for each in args.sources]
        _check_offsets(args, sources)
        target = MergeTarget(_open(stack, args, args.into, create=True))
        return MergeRun(sources, target, options, _progress(args, output)).run()


def _check_offsets(args: Namespace, sources: Sequence[LogSource]) -> None:
    """
    Before the target is made or changed.

    :raise UsageError: nobody has heard of a node whose clock is set.
    """
    unknown = {dbid for dbid, _ in args.offset}
    known: set[int] = set().union(*(each.streams() for each in sources)) if unknown else set()
    if not unknown <= known and is_there(args.into):
        # Its sources need not all be given every time.
        with ExitStack() as stack:
            known |= merged_nodes(_open(stack, args, args.into))
    if unknown <= known:
        return
    named, others = (", ".join(map(str, sorted(each))) for each in (unknown - known, known))
    raise UsageError(
        f"--offset: neither the sources nor the target know of node {named}, but of "
        f"{others or 'none'}; nothing was merged"
    )


def _open(stack: ExitStack, args: Namespace, address: str, *, create: bool = False) -> LogDatabase:
    database = opened(address, args.schema_name, create=create)
    stack.callback(database.close)
    return database


def _progress(args: Namespace, output: Output) -> Callable[[int, float, float], None]:
    def show(events: int, time: float, share: float) -> None:
        if args.progress:
            until = f", until {moment(time)}" if time > 0 else ""
            output.note(f"{math.floor(share * 100):3} %: {events} events{until}")

    return show


def _counted(summary: Summary) -> dict[str, int]:
    return {name: number for name, number in sorted(summary.counted.items()) if number}


def _finish(summary: Summary, files: dict[str, int], output: Output) -> None:
    """All of it for scripts; for persons, who know the rest, the files."""
    behind, ahead = (
        [
            {"source": name.source, "dbid": name.dbid, "seconds": round(seconds, 3)}
            for name, seconds in streams.items()
        ]
        for streams in (summary.behind, summary.ahead)
    )
    output.record(
        {
            "counted": _counted(summary),
            "offsets": {str(dbid): offset for dbid, offset in summary.offsets.items()},
            "behind": behind,
            "ahead": ahead,
            "until": _until(summary),
            "files": files,
        }
    )
    for path, rows in files.items():
        output.line(f"{path}: {rows} rows")


def _until(summary: Summary) -> float:
    return summary.until if summary.until > 0 else 0


def _show(summary: Summary, output: Output) -> None:
    """What was merged, for persons."""
    output.line(f"merged until {moment(_until(summary)) or 'nothing yet'}")
    output.properties(_counted(summary), "  ")
    for dbid, offset in summary.offsets.items():
        output.line(f"clock of node {dbid}: {offset:+.3f} s")
    for name, seconds in summary.behind.items():
        output.line(f"not waited for: node {name.dbid} in {name.source}, {seconds:.0f} s behind")
    for name, seconds in summary.ahead.items():
        output.line(f"in the future: node {name.dbid} in {name.source}, {seconds:.0f} s ahead")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ArgumentTypeError(f"{text!r}: expected a number of seconds, not below 0")
    return seconds


def _offset(text: str) -> tuple[int, float]:
    dbid, _, seconds = text.partition("=")
    try:
        offset = int(dbid), float(seconds)
    except ValueError:
        offset = 0, math.nan
    if not math.isfinite(offset[1]):
        raise ArgumentTypeError(f"{text!r}: expected DBID=SECONDS, such as 102=-1.5")
    return offset
