"""
`ixctl eventlog report LOG --output report.html`: a page with charts, to be read by persons.

The page is one file that needs no network and no script (doc/event-log-report.md).
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ixproxy.cli.eventlog_opening import (
    ADDRESS,
    add_schema_name,
    check_outputs,
    check_schema_name,
    opened,
    reaching,
)
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.config_schema import MAX_TENANT_ID
from ixproxy.config_store_address import without_password
from ixproxy.eventlog.reporting.figures import Figures, gather
from ixproxy.eventlog.reporting.page import page
from ixproxy.eventlog.reporting.period import Wanted
from ixproxy.eventlog.reporting.source import Log, LogUnreadable
from ixproxy.eventlog.reporting.wording import at_second, counted

STANDARD_OUTPUT = "-"


def add_parser(subparsers: Any) -> None:
    """Add the verb."""
    parser: ArgumentParser = subparsers.add_parser(
        "report",
        help="a page with charts, of one log or a merged one",
        description="Writes a page (one HTML file that needs no network) about what an event log "
        "holds: volumes, waiting and handling times, the time of agents, external servers, what "
        "broke order, and what is missing. The log is only read.",
    )
    parser.add_argument("log", metavar="LOG", help=f"{ADDRESS}, written by nodes or merged")
    parser.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="where the page goes; what is there is replaced; - is standard output",
    )
    parser.add_argument(
        "--from",
        dest="begin",
        type=instant,
        metavar="TIME",
        help="count what happened from then on, such as 2026-09-22 or 2026-09-22T08:00+02:00; "
        "UTC if it does not say (default: all)",
    )
    parser.add_argument(
        "--to", dest="end", type=instant, metavar="TIME", help="look at what happened before"
    )
    parser.add_argument("--tenant", type=tenant, metavar="ID", help="only this one (default: all)")
    parser.add_argument("--title", default="Event log report", help="of the page (%(default)s)")
    add_schema_name(parser)
    parser.set_defaults(command=command, local=True)


def instant(text: str) -> float:
    """
    A time of the command line, in seconds since the epoch, UTC.

    :raise ArgumentTypeError: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"expected a time such as 2026-09-22T08:00:00+02:00, not {text!r}"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def tenant(text: str) -> int:
    """
    The id of a tenant.

    :raise ArgumentTypeError: no tenant has it.
    """
    try:
        found = int(text)
    except ValueError:
        found = -1
    if not 0 <= found <= MAX_TENANT_ID:
        raise ArgumentTypeError(
            f"expected the id of a tenant, 0 to {MAX_TENANT_ID}, not {text!r:.40}"
        )
    return found


def command(args: Namespace, output: Output) -> int:
    """Read the log, write the page."""
    if args.begin is not None and args.end is not None and args.end <= args.begin:
        raise UsageError("--to: expected a time later than that of --from")
    if args.output != STANDARD_OUTPUT:
        check_outputs([Path(args.output)], args.log)
    wanted = Wanted(args.begin, args.end, args.tenant)
    shown = without_password(args.log)
    figures = read(args.log, args.schema_name, wanted, shown)
    made = page(figures, args.title, shown)
    if args.output == STANDARD_OUTPUT:
        sys.stdout.buffer.write(made)
        sys.stdout.buffer.flush()
        return Exit.OK
    write(Path(args.output), made)
    begin, end = at_second(figures.period.begin), at_second(figures.period.end)
    output.record(
        {
            "output": args.output,
            "from": figures.period.begin,
            "to": figures.period.end,
            "events": figures.events,
            "dropped": figures.dropped,
        },
        f"{args.output}: {counted(figures.events)} events, {begin} to {end} UTC, "
        f"{counted(figures.dropped)} dropped",
    )
    return Exit.OK


def read(address: str, schema_name: str, wanted: Wanted, shown: str) -> Figures:
    """
    The figures of a log.

    :param shown: the address, as messages may show it.
    :raise UsageError: it is no address.
    :raise StorageError: it is no log, or it is damaged.
    :raise NodeUnavailable: its database does not answer.
    """
    check_schema_name(schema_name, address)
    try:
        with reaching(), closing(Log(opened(address, schema_name))) as log:
            return gather(log, wanted)
    except LogUnreadable as problem:
        raise LogUnreadable(f"{shown}: {problem}") from problem


def write(path: Path, made: bytes) -> None:
    """
    Write a file as a whole: who looks at it meanwhile sees the one of before.

    :raise UsageError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.write_bytes(made)
        beside.replace(path)
    except OSError as problem:
        with suppress(OSError):
            beside.unlink()
        raise UsageError(f"{path}: cannot be written: {problem.strerror}") from problem
