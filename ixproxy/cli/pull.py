"""`ixctl pull`: takes interactions out of a view, or by their ids."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.connecting import Connected, add_options, connected
from ixproxy.cli.key_values import whole_number
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.results import show_answer, show_missing
from ixproxy.messages import (
    EventPulledInteractions,
    RequestPlaceInQueue,
    RequestPull,
    RequestStopProcessing,
)
from ixproxy.values import ClientType

BY_IDS = "_system_"


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "pull",
        help="take interactions out of a view, or by their ids",
        description="Takes interactions and prints them. What was taken goes back to where it "
        "was when the command ends, unless --then or --session says otherwise.",
    )
    parser.add_argument(
        "view", nargs="?", default="", metavar="QUEUE/VIEW", help="the view to take from"
    )
    parser.add_argument("--id", action="append", default=[], metavar="ID", help="take these")
    parser.add_argument(
        "-n", "--number", type=whole_number, default=1, help="at most so many (%(default)s)"
    )
    parser.add_argument(
        "--for-strategy",
        action="store_true",
        help="as a routing client: nodes may hold an empty pull for a while",
    )
    parser.add_argument(
        "--then",
        choices=("return", "stop", "place", "keep"),
        help="what becomes of what was taken: back to where it was (the default), stopped, "
        "placed in --queue, or kept (the default with --session)",
    )
    parser.add_argument("--queue", default="", help="for --then place")
    add_options(parser, ClientType.ROUTING_ENGINE)
    parser.set_defaults(command=command)


def request_of(args: Namespace, tenant_id: int) -> RequestPull:
    """
    The request that the arguments say.

    :raise UsageError: they name both a view and ids, or neither.
    """
    if bool(args.view) == bool(args.id):
        raise UsageError("name a view as QUEUE/VIEW, or ids with --id")
    if args.id:
        return RequestPull(
            tenant_id=tenant_id,
            view_id=BY_IDS,
            pull_parameters=dict.fromkeys(args.id, 1),
            number_of_interactions=len(args.id),
        )
    return RequestPull(
        tenant_id=tenant_id,
        view_id=args.view,
        number_of_interactions=args.number,
        extension={"pull-for-strategy": 1} if args.for_strategy else {},
    )


def fate_of(args: Namespace) -> str:
    """
    What becomes of what is taken.

    :raise UsageError: it cannot be.
    """
    fate: str = args.then or ("keep" if args.session else "return")
    if fate == "keep" and not args.session:
        raise UsageError("--then keep needs --session: a goodbye gives everything back")
    if fate == "return" and args.session:
        raise UsageError("--then return needs no --session: without one everything goes back")
    if (fate == "place") != bool(args.queue):
        raise UsageError("--then place and --queue belong together")
    return fate


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Pull, print, and do with it what was asked."""
    fate = fate_of(args)
    request = request_of(args, 0)
    async with connected(reactor, args) as connection:
        request = request_of(args, connection.tenant_id)
        message, partial = await connection.client.ask(request, args.timeout)
        assert isinstance(message, EventPulledInteractions)
        show_answer(message, partial, output, "taken")
        show_missing(message.errors, output)
        for identifier in message.interactions:
            await _settle(connection, identifier, fate, args.queue)
    return Exit.REFUSED if message.errors else Exit.OK


async def _settle(connection: Connected, identifier: str, fate: str, queue: str) -> None:
    tenant_id = connection.tenant_id
    if fate == "stop":
        await connection.client.request(
            RequestStopProcessing(tenant_id=tenant_id, interaction_id=identifier)
        )
    elif fate == "place":
        await connection.client.request(
            RequestPlaceInQueue(tenant_id=tenant_id, interaction_id=identifier, queue=queue)
        )
