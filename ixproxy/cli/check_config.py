"""`ixctl check-config FILE`: every mistake of a deployment file, and the guide's advice."""

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
        "Exit code 2 when it has mistakes; advice alone does not count, unless --strict.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--strict", action="store_true", help="advice counts as mistakes")
    parser.set_defaults(command=command, local=True)


def command(args: Namespace, output: Output) -> int:
    """Check, and print everything that was found."""
    try:
        text = args.file.read_text("utf-8-sig")
    except (OSError, ValueError) as unread:
        raise UsageError(f"{args.file}: cannot be read: {unread}") from unread
    report = check(text, args.file.absolute().parent)
    for problem in report.errors:
        output.record(_record("error", problem), f"error    {problem}")
    for problem in report.warnings:
        output.record(_record("advice", problem), f"advice   {problem}")
    bad = bool(report.errors) or (args.strict and bool(report.warnings))
    applications = len(report.deployment.applications) if report.deployment else 0
    output.record(
        {
            "file": str(args.file),
            "usable": not report.errors,
            "errors": len(report.errors),
            "advice": len(report.warnings),
        },
        f"{args.file}: {len(report.errors)} errors, {len(report.warnings)} advice"
        + (f", {applications} applications" if applications else ""),
    )
    return Exit.USAGE if bad else Exit.OK


def _record(level: str, problem: ConfigProblem) -> dict[str, object]:
    return {
        "level": level,
        "table": problem.table,
        "key": problem.key,
        "line": problem.line,
        "text": problem.text,
    }
