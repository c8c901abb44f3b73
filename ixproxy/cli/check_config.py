"""
`ixctl check-config FILE`: every mistake of a deployment file, and the guide's advice.

Errors come first and warnings after them, each in the order of the file, in
lines such as a compiler writes: editors jump to them.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.config import check
from ixproxy.errors import ConfigProblem


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "check-config",
        help="check a deployment file",
        description="Checks a deployment file whole, as every process does before it listens. "
        "Exit code 2 when it has errors; warnings alone do not count, unless --strict.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    parser.set_defaults(command=command, local=True)


def command(args: Namespace, output: Output) -> int:
    """Check, and print everything that was found."""
    try:
        text = args.file.read_text("utf-8-sig")
    except OSError as unread:
        raise UsageError(f"{args.file}: cannot be read: {unread.strerror}") from unread
    except ValueError as unread:
        raise UsageError(f"{args.file}: cannot be read: expected UTF-8; {unread}") from unread
    report = check(text, args.file.absolute().parent)
    for level, problems in (("error", report.errors), ("warning", report.warnings)):
        for problem in problems:
            place = f"{args.file}:{problem.line}" if problem.line else str(args.file)
            said = str(problem._replace(line=0))
            output.record(_record(level, problem), f"{place}: {level}: {said}")
    bad = bool(report.errors) or (args.strict and bool(report.warnings))
    found = report.deployment.applications if report.deployment else {}
    output.record(
        {
            "file": str(args.file),
            "usable": not report.errors,
            "errors": len(report.errors),
            "warnings": len(report.warnings),
            "applications": len(found),
        },
        f"{args.file}: {_counted(len(report.errors), 'error')},"
        f" {_counted(len(report.warnings), 'warning')}; "
        + ("not usable" if report.errors else f"usable: {_counted(len(found), 'application')}"),
    )
    return Exit.USAGE if bad else Exit.OK


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _record(level: str, problem: ConfigProblem) -> dict[str, object]:
    return {
        "level": level,
        "table": problem.table,
        "key": problem.key,
        "line": problem.line,
        "text": problem.text,
    }
