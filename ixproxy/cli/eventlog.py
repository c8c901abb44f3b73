"""`ixctl eventlog`: what is done with event logs."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from importlib import import_module
from textwrap import fill
from typing import Any

VERBS = ("eventlog_report",)
"""Modules like those of `ixproxy.cli.main.MODULES`, each with a verb."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand, with its verbs."""
    parser: ArgumentParser = subparsers.add_parser(
        "eventlog",
        help="make a report of an event log",
        description="Works with event logs, in which nodes wrote what happened.",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for name in VERBS:
        import_module(f"ixproxy.cli.{name}").add_parser(verbs)
    for each in verbs.choices.values():
        # Left out it says nothing, so that it may stand before the verb as well.
        each.add_argument(
            "--json", action="store_true", default=SUPPRESS, help="print JSON objects, one a line"
        )
        each.description = fill(each.description or "", 80)
        each.formatter_class = RawDescriptionHelpFormatter
