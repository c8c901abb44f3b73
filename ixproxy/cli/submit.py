"""`ixctl submit`: hands one interaction in."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.key_values import object_of, pair, pairs, time_of
from ixproxy.cli.outcomes import Exit
from ixproxy.cli.output import Output
from ixproxy.cli.workbins import add_owner_options, workbin_of
from ixproxy.messages import EventAck, RequestSubmit
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "submit",
        help="hand an interaction in",
        description="Hands one interaction in and prints its id. As a media server it is "
        "queued; as an agent application (--as AgentApplication) it is held, and goes to "
        "its queue when the command ends, unless --session keeps it.",
    )
    parser.add_argument("--media-type", required=True, metavar="NAME", help="such as email")
    parser.add_argument("--queue", default="", help="where it is placed")
    parser.add_argument("--type", default="", help="its InteractionType, such as Inbound")
    parser.add_argument("--subtype", default="", help="its InteractionSubtype")
    parser.add_argument("--id", default="", help="its id; by default the node makes one")
    parser.add_argument("--parent", default="", metavar="ID", help="its parent interaction")
    parser.add_argument("--external-id", default="", metavar="ID", help="the source's own id")
    parser.add_argument("--received-at", type=time_of, default=0.0, metavar="TIME")
    parser.add_argument("--online", action="store_true", help="the customer is there, as in a chat")
    parser.add_argument(
        "--receipt", default="", help="the source's name of the document: a repeat makes no second"
    )
    parser.add_argument(
        "-d", "--set", dest="user_data", action="append", type=pair, metavar="KEY=VALUE",
        help="user data; KEY:=JSON for a number or a list",
    )  # fmt: skip
    parser.add_argument(
        "--user-data", dest="user_data_object", type=object_of, default={}, metavar="JSON",
        help="user data as an object, or @FILE",
    )  # fmt: skip
    add_owner_options(parser, "--workbin")
    add_options(parser, ClientType.MEDIA_SERVER)
    parser.set_defaults(command=command)


def request_of(args: Namespace, tenant_id: int) -> RequestSubmit:
    """The request that the arguments say."""
    user_data = {**args.user_data_object, **pairs(args.user_data)}
    if args.external_id:
        user_data["ExternalId"] = args.external_id
    return RequestSubmit(
        tenant_id=tenant_id,
        media_type=args.media_type,
        interaction_id=args.id,
        queue=args.queue,
        interaction_type=args.type,
        interaction_subtype=args.subtype,
        is_online=args.online,
        received_at=args.received_at,
        user_data=user_data,
        parent_interaction_id=args.parent,
        workbin=workbin_of(args) if args.workbin else None,
        submit_receipt=args.receipt,
    )


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Submit, and print the id."""
    async with connected(reactor, args) as connection:
        answer = await connection.client.request(request_of(args, connection.tenant_id))
        assert isinstance(answer, EventAck)
        identifier = answer.interaction_id or answer.extension.get("InteractionId", "")
        output.record(
            {
                "interaction_id": identifier,
                "take_number": answer.take_number,
                "repeated": answer.repeated,
            },
            f"{identifier}{' (there already, by its receipt)' if answer.repeated else ''}",
        )
        return Exit.OK
