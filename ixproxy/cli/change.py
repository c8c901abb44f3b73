"""`ixctl change ID`: changes properties and user data."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.key_values import pair, pairs
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.messages import RequestChangeProperties
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "change",
        help="change properties and user data",
        description="Adds, changes and deletes properties and user data of one interaction.",
    )
    parser.add_argument("id", metavar="ID")
    add_property_options(parser)
    add_options(parser, ClientType.MEDIA_SERVER)
    parser.set_defaults(command=command)


def add_property_options(parser: ArgumentParser) -> None:
    """Add the options that say what is to be changed."""
    for name, text in (("--add", "new ones"), ("--set", "new values")):
        parser.add_argument(
            name,
            action="append",
            type=pair,
            metavar="KEY=VALUE",
            help=f"{text}; KEY:=JSON for a number or a list",
        )
    parser.add_argument("--delete", action="append", default=[], metavar="KEY", help="these")


def changes_of(args: Namespace) -> dict[str, Any]:
    """The attributes of a request that changes properties."""
    changes = {
        "added_properties": pairs(args.add),
        "changed_properties": pairs(args.set),
        "deleted_properties": dict.fromkeys(args.delete, ""),
    }
    return {name: value for name, value in changes.items() if value}


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Change, and say so."""
    changes = changes_of(args)
    if not changes:
        raise UsageError("nothing to change: give --add, --set or --delete")
    async with connected(reactor, args) as connection:
        request = RequestChangeProperties(
            tenant_id=connection.tenant_id, interaction_id=args.id, **changes
        )
        await connection.client.request(request)
        output.record({"interaction_id": args.id, "changed": True}, f"{args.id} changed")
    return Exit.OK
