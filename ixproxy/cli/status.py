"""`ixctl status`: what an operator asks first, of one server or of a whole deployment."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from ixproxy.cli.identity import add_identity_options
from ixproxy.cli.key_values import seconds
from ixproxy.cli.outcomes import Exit
from ixproxy.cli.output import Output
from ixproxy.cli.status_asking import Found, Target, ask, targets_of
from ixproxy.cli.status_problems import Problem, problems_of, state_of
from ixproxy.cli.status_tables import show


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "status",
        help="how servers are: problems, links, queues",
        description="Asks one server, or every node and proxy of a deployment file, how it is, "
        "and says first what is wrong. Exit code 3 when something that should be there is not: a "
        "server (of a pair, one is enough) or a node that a proxy is not linked to.",
    )
    group = parser.add_argument_group("connection")
    where = group.add_mutually_exclusive_group(required=True)
    where.add_argument("--connect", metavar="ENDPOINT", help="such as tcp:127.0.0.1:7001")
    where.add_argument("--config", metavar="FILE", type=Path, help="a deployment file")
    group.add_argument("--application", metavar="NAME", help="only this one of the file")
    group.add_argument("--name", default="ixctl", help="the client's name (%(default)s)")
    add_identity_options(group)
    group.add_argument(
        "--timeout", type=seconds, default=5.0, metavar="SECONDS", help="for each (%(default)s)"
    )
    parser.add_argument(
        "--watch", type=seconds, metavar="SECONDS", help="ask again every so often, until stopped"
    )
    parser.set_defaults(command=command)


def time_of_day() -> float:
    """Now, in seconds since the epoch."""
    return time.time()


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Ask all at once, and print what they say; again and again with `--watch`."""
    targets = targets_of(args)
    code = await _look(reactor, args, output, targets)
    while args.watch:
        await deferLater(reactor, args.watch)
        if output.terminal:
            output.console.clear()
        elif not output.json:
            output.line("")
        code = await _look(reactor, args, output, targets)
    return code


async def _look(reactor: Any, args: Namespace, output: Output, targets: list[Target]) -> int:
    now = time_of_day()
    found: list[Found] = await gatherResults(
        [Deferred.fromCoroutine(ask(reactor, args, target, now)) for target in targets],
        consumeErrors=True,
    )
    problems = problems_of(found)
    if output.json:
        _records(found, problems, output)
    else:
        show(found, problems, output)
    return Exit.UNREACHABLE if any(problem.missing for problem in problems) else Exit.OK


def _records(found: list[Found], problems: list[Problem], output: Output) -> None:
    for each in found:
        own = [problem.text for problem in problems if problem.about == each.target.name]
        output.record(each.record(state_of(each, found), own))
