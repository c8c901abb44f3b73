"""`ixctl stop ID`: ends interactions for good."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.outcomes import Exit, error_record, exit_code
from ixproxy.cli.output import Output
from ixproxy.errors import RequestRefused
from ixproxy.messages import Reason, RequestStopProcessing
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "stop",
        help="end interactions for good",
        description="Stops interactions; they cease to exist. All ids are tried; the exit code "
        "is that of the first that was refused.",
    )
    parser.add_argument("id", metavar="ID", nargs="+")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for reporting")
    add_options(parser, ClientType.MEDIA_SERVER)
    parser.set_defaults(command=command)


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Stop each, and say so."""
    first: int = Exit.OK
    reason = Reason(reason_description=args.reason) if args.reason else None
    async with connected(reactor, args) as connection:
        for identifier in args.id:
            request = RequestStopProcessing(
                tenant_id=connection.tenant_id, interaction_id=identifier, reason=reason
            )
            try:
                await connection.client.request(request)
            except RequestRefused as problem:
                first = first or exit_code(problem) or Exit.REFUSED
                output.problem(
                    f"{identifier}: {problem}",
                    {"interaction_id": identifier, **error_record(problem)},
                )
            else:
                output.record(
                    {"interaction_id": identifier, "stopped": True}, f"{identifier} stopped"
                )
    return first
