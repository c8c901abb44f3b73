"""`ixctl find`: finds interactions by a condition."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.key_values import whole_number
from ixproxy.cli.outcomes import Exit
from ixproxy.cli.output import Output
from ixproxy.cli.results import show_answer
from ixproxy.messages import EventInteractionsFound, RequestFindInteractions
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "find",
        help="find interactions by a condition",
        description="Finds interactions on all nodes by a condition in the dialect of views, "
        "such as \"Queue = 'Inbound' AND Priority > 5\". Each node has its own limit.",
    )
    parser.add_argument("condition", metavar="CONDITION", nargs="?", default="")
    parser.add_argument(
        "--media-type", default="", metavar="NAME", help="only nodes that may have it"
    )
    parser.add_argument("--order", default="", help='such as "Priority DESC, ReceivedAt"')
    parser.add_argument("--limit", type=whole_number, default=0, help="at most so many of a node")
    add_options(parser, ClientType.AGENT_APPLICATION)
    parser.set_defaults(command=command)


def request_of(args: Namespace, tenant_id: int) -> RequestFindInteractions:
    """The request that the arguments say."""
    return RequestFindInteractions(
        tenant_id=tenant_id,
        media_type=args.media_type,
        condition=args.condition,
        order=args.order,
        number_of_interactions=args.limit,
    )


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Find, and print."""
    async with connected(reactor, args) as connection:
        request = request_of(args, connection.tenant_id)
        message, partial = await connection.client.ask(request, args.timeout)
        assert isinstance(message, EventInteractionsFound)
        show_answer(message, partial, output, "found")
    return Exit.OK
