"""`ixctl place ID QUEUE`: places an interaction in a queue or a workbin."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.change import add_property_options, changes_of
from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.workbins import add_owner_options, workbin_of
from ixproxy.messages import RequestPlaceInQueue, RequestPlaceInWorkbin
from ixproxy.messages.message import Request
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "place",
        help="place an interaction in a queue or a workbin",
        description="Places one interaction. Who has taken it with --session gives the same "
        "file here.",
    )
    parser.add_argument("id", metavar="ID")
    parser.add_argument("queue", metavar="QUEUE", nargs="?", default="")
    add_owner_options(parser, "--workbin")
    add_property_options(parser)
    add_options(parser, ClientType.MEDIA_SERVER)
    parser.set_defaults(command=command)


def request_of(args: Namespace, tenant_id: int) -> Request:
    """
    The request that the arguments say.

    :raise UsageError: they name both a queue and a workbin, or neither.
    """
    if bool(args.queue) == bool(args.workbin):
        raise UsageError("name a queue, or a workbin with --workbin")
    changes = changes_of(args)
    if args.workbin:
        return RequestPlaceInWorkbin(
            tenant_id=tenant_id, interaction_id=args.id, workbin=workbin_of(args), **changes
        )
    return RequestPlaceInQueue(
        tenant_id=tenant_id, interaction_id=args.id, queue=args.queue, **changes
    )


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Place, and say so."""
    request_of(args, 0)
    async with connected(reactor, args) as connection:
        await connection.client.request(request_of(args, connection.tenant_id))
        where = args.queue or args.workbin
        output.record(
            {"interaction_id": args.id, "queue": args.queue, "workbin": args.workbin},
            f"{args.id} placed in {where}",
        )
    return Exit.OK
