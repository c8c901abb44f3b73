"""
`ixctl`: the operator's and tester's command, and the list of its subcommands.

What takes its time to import is imported within `main`, which says nothing if that is
interrupted.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from textwrap import fill
from typing import TextIO

import ixproxy
from ixproxy.cli.outcomes import Exit
from ixproxy.errors import IxproxyError

MODULES = (
    "demo",
    "check_config",
    "status",
    "plugins",
    "submit",
    "pull",
    "find",
    "show",
    "change",
    "place",
    "stop",
    "workbin",
    "snapshot",
    "esp",
    "agent",
    "agent_state",
    "watch",
    "eventlog",
    "decode",
    "load",
)
"""
Each has `add_parser(subparsers)`, which sets as `command` either a coroutine
function of (reactor, args, output) or, with `local=True`, a plain function of
(args, output); both return the exit code.
"""

EXIT_CODES = """\
exit codes:
  0    done
  1    refused: the code is printed, nothing was done; or a check did not pass
  2    the command line or the deployment file is not usable
  3    no connection
  4    in doubt: the request may have been carried out
  130  interrupted
"""


def parser(modules: Sequence[str] = MODULES) -> ArgumentParser:
    """The command line of `ixctl`, with the subcommands of some modules."""
    root = ArgumentParser(
        prog="ixctl",
        description="Operates and tries out a cluster of Interaction Servers.",
        epilog=EXIT_CODES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"ixctl {ixproxy.__version__}")
    subparsers = root.add_subparsers(metavar="COMMAND", required=True)
    for name in modules:
        import_module(f"ixproxy.cli.{name}").add_parser(subparsers)
    for each in set(subparsers.choices.values()):
        if not any("--json" in action.option_strings for action in each._actions):
            each.add_argument("--json", action="store_true", help="print JSON objects, one a line")
        each.description = fill(each.description or "", 80)
        each.epilog = EXIT_CODES
        each.formatter_class = RawDescriptionHelpFormatter
    return root


def run_command(args: Namespace, stdout: TextIO | None = None, stderr: TextIO | None = None) -> int:
    """Run what the command line asks for; the exit code."""
    from ixproxy.cli.output import Output
    from ixproxy.cli.running import run, settle

    output = Output(args.json, stdout, stderr)
    if not getattr(args, "local", False):
        return run(lambda reactor: args.command(reactor, args, output), output)
    try:
        code: int = args.command(args, output)
    except IxproxyError as problem:
        return settle(problem, output)
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """The entry point of the command line."""
    try:
        return run_command(parser().parse_args(argv))
    except BrokenPipeError:
        # Whoever read our output went away, as `head` does.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        # While it was begun, or a command that has nothing to tidy up.
        return Exit.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
