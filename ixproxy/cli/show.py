"""`ixctl show ID`: all properties of one interaction."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.outcomes import Exit
from ixproxy.cli.output import Output
from ixproxy.messages import EventInteractionProperties, RequestGetInteractionProperties
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "show", help="all properties of an interaction", description="Shows one interaction."
    )
    parser.add_argument("id", metavar="ID")
    add_options(parser, ClientType.AGENT_APPLICATION)
    parser.set_defaults(command=command)


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Ask, and print."""
    async with connected(reactor, args) as connection:
        request = RequestGetInteractionProperties(
            tenant_id=connection.tenant_id, interaction_id=args.id
        )
        answer = await connection.client.request(request)
        assert isinstance(answer, EventInteractionProperties)
        output.record({"interaction_id": args.id, "properties": answer.interaction})
        if not output.json:
            output.properties(answer.interaction)
    return Exit.OK
