"""`ixctl workbin`: which kinds of workbins there are, what lies in one, and what changes there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ixproxy.cli.connecting import Connected, add_options, connected
from ixproxy.cli.key_values import whole_number
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.results import show_answer
from ixproxy.cli.workbin_watch import WorkbinWatch
from ixproxy.cli.workbins import add_owner_options, workbin_of
from ixproxy.client import Client
from ixproxy.messages import (
    EventAgentWorkbinStats,
    EventWorkbinContent,
    EventWorkbinTypesInfo,
    RequestGetWorkbinContent,
    RequestWorkbinStatistic,
    RequestWorkbinTypesInfo,
)
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "workbin",
        help="what lies in a workbin",
        description="Lists the types of workbins, or the content of one workbin, or counts what is "
        "in one, or in all of an owner. A watched workbin is listed, and then its changes until it "
        "is interrupted.",
    )
    parser.add_argument("what", choices=("types", "content", "statistic"))
    parser.add_argument(
        "--media-type", default="", metavar="NAME", help="only nodes that may have it"
    )
    parser.add_argument(
        "--order", default="", metavar="ORDER", help="of the content, such as 'Priority DESC'"
    )
    parser.add_argument(
        "--watch", action="store_true", help="print what changes in the content, too"
    )
    parser.add_argument("--count", type=whole_number, help="end after so many changes")
    add_owner_options(parser, "TYPE")
    add_options(parser, ClientType.AGENT_APPLICATION)
    parser.set_defaults(command=command)


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Ask, and print."""
    if args.what != "types":
        workbin_of(args, typed=args.what == "content")
    if args.what != "content" and (args.watch or args.order):
        raise UsageError("--watch and --order are for the content")
    async with connected(reactor, args) as connection:
        match args.what:
            case "types":
                await _types(connection, output)
            case "content" if args.watch:
                assert isinstance(connection.client, Client)
                watch = WorkbinWatch(workbin_of(args), output, args.count or 0)
                await watch.run(
                    connection.client,
                    connection.tenant_id,
                    lambda: _content(connection, args, output),
                )
            case "content":
                await _content(connection, args, output)
            case _:
                await _statistic(connection, args, output)
    return Exit.OK


async def _types(connection: Connected, output: Output) -> None:
    request = RequestWorkbinTypesInfo(tenant_id=connection.tenant_id)
    answer = await connection.client.request(request)
    assert isinstance(answer, EventWorkbinTypesInfo)
    for name, settings in sorted(answer.workbin_types.items()):
        shown = ", ".join(f"{key}={value}" for key, value in settings.items())
        output.record({"workbin": name, "settings": settings}, f"{name}  {shown}".rstrip())


async def _content(connection: Connected, args: Namespace, output: Output) -> None:
    request = RequestGetWorkbinContent(
        tenant_id=connection.tenant_id,
        media_type=args.media_type,
        workbin=workbin_of(args),
        order=args.order,
    )
    message, partial = await connection.client.ask(request, args.timeout)
    assert isinstance(message, EventWorkbinContent)
    show_answer(message, partial, output, args.workbin)


async def _statistic(connection: Connected, args: Namespace, output: Output) -> None:
    workbin = workbin_of(args, typed=False)
    request = RequestWorkbinStatistic(tenant_id=connection.tenant_id, workbin=workbin)
    answer = await connection.client.request(request)
    assert isinstance(answer, EventAgentWorkbinStats)
    output.record({"workbin": args.workbin, "statistics": answer.statistics})
    if not output.json:
        output.properties(answer.statistics)
