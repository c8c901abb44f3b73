"""`ixctl plugins`: what may be named in a deployment file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.outcomes import Exit
from ixproxy.cli.output import Output
from ixproxy.plugin import KINDS, search


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "plugins",
        help="strategies, policies, stores, capture points and event logs that are installed",
        description="Lists plug-ins. Exit code 1 when one of them cannot be used.",
    )
    parser.add_argument("kind", nargs="?", choices=tuple(KINDS), help="only these")
    parser.set_defaults(command=command, local=True)


def command(args: Namespace, output: Output) -> int:
    """List them, broken ones too."""
    sound = True
    rows: list[tuple[str, str, str]] = []
    for kind in [args.kind] if args.kind else KINDS:
        found = search(KINDS[kind])
        for name, maker in found.makers.items():
            output.record({"kind": kind, "name": name, "summary": maker.summary})
            rows.append((kind, name, maker.summary))
        broken = {**found.spoilt, **{f"(unnamed {n})": t for n, t in enumerate(found.unread, 1)}}
        for name, text in broken.items():
            sound = False
            output.record({"kind": kind, "name": name, "error": text})
            rows.append((kind, name, f"cannot be used: {text}"))
    if not output.json:
        output.table(("kind", "name", "summary"), rows)
    return Exit.OK if sound else Exit.REFUSED
