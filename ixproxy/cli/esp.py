"""`ixctl esp`: calls an external server, or a node's own service, and prints what it says."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.key_values import object_of, pair, pairs
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.messages import Event3rdServerFault, Event3rdServerResponse, Request3rdServer
from ixproxy.messages.message import KeyValues
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "esp",
        help="call an external server through a node",
        description="Calls a method of an external server, by its name or by its type, and "
        "prints the output parameters. Nodes have a service of their own, by the type "
        "InteractionServer: FindInteractions. A fault is exit code 1; where the call may "
        "have been made, and nobody knows what became of it, it is 4.",
    )
    parser.add_argument("--app-name", default="", metavar="NAME", help="an application")
    parser.add_argument("--app-type", default="", metavar="TYPE", help="any application of a type")
    parser.add_argument("--service", default="", help="the service")
    parser.add_argument("--method", required=True, help="the method")
    parser.add_argument("--version", default="1.0", help="of the service (%(default)s)")
    parser.add_argument(
        "-p", "--parameter", dest="parameters", action="append", type=pair, metavar="KEY=VALUE",
        help="a parameter; KEY:=JSON for a number or a list",
    )  # fmt: skip
    parser.add_argument(
        "-d", "--set", dest="user_data", action="append", type=pair, metavar="KEY=VALUE",
        help="user data; KEY:=JSON for a number or a list",
    )  # fmt: skip
    parser.add_argument(
        "--user-data", dest="user_data_object", type=object_of, default={}, metavar="JSON",
        help="user data as an object, or @FILE",
    )  # fmt: skip
    parser.add_argument("--id", default="", help="the interaction that the call is about")
    parser.add_argument("--media-type", default="", metavar="NAME", help="only nodes that take it")
    add_options(parser, ClientType.ROUTING_ENGINE)
    parser.set_defaults(command=command)


def request_of(args: Namespace, tenant_id: int) -> Request3rdServer:
    """
    The request that the arguments say.

    :raise UsageError: it names nobody, or two.
    """
    if bool(args.app_name) == bool(args.app_type):
        raise UsageError("expected --app-name or --app-type, and not both")
    whom = {"AppName": args.app_name} if args.app_name else {"AppType": args.app_type}
    envelope: KeyValues = {
        **whom,
        "Service": args.service,
        "Method": args.method,
        "Version": args.version,
        "Parameters": pairs(args.parameters),
    }
    return Request3rdServer(
        tenant_id=tenant_id,
        media_type=args.media_type,
        interaction_id=args.id,
        envelope3rd_server=envelope,
        user_data={**args.user_data_object, **pairs(args.user_data)},
    )


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Call, and print."""
    request_of(args, 1)
    async with connected(reactor, args) as connection:
        request = request_of(args, connection.tenant_id)
        answer = await connection.client.request(request, args.timeout)
        if isinstance(answer, Event3rdServerFault):
            output.record(
                {
                    "fault_code": answer.fault_code,
                    "fault_string": answer.fault_string,
                    "envelope": answer.envelope3rd_server,
                },
                f"fault {answer.fault_code}: {answer.fault_string}",
            )
            return Exit.REFUSED
        assert isinstance(answer, Event3rdServerResponse)
        _show(answer, output)
    return Exit.OK


def _show(answer: Event3rdServerResponse, output: Output) -> None:
    parameters = answer.envelope3rd_server.get("Parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if output.json:
        output.record(
            {
                "parameters": parameters,
                "user_data": answer.user_data,
                "envelope": answer.envelope3rd_server,
                "request_id": answer.extension.get("EspRequestId", ""),
            }
        )
        return
    for key, value in parameters.items():
        output.line(f"{key}: {value}")
    for key, value in answer.user_data.items():
        output.line(f"user data {key}: {value}")
    if not parameters and not answer.user_data:
        output.line("answered, with nothing in it")
