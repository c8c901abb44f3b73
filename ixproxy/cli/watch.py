"""
`ixctl watch`: the reporting stream, as it is told to reporting clients.

Theory of operation: one reporting client asks a proxy or a node for its stream
and prints it, the states of agents first. With `--direct`, or several endpoints,
there is a client at each of the nodes, and the streams are made into one here, as
a proxy does it.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from ixproxy.cli.connecting import add_options, deployment_of, dial
from ixproxy.cli.key_values import whole_number
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.targets import tenant_of
from ixproxy.cli.watch_direct import NodePlace, nodes_of, watch_nodes
from ixproxy.cli.watch_stream import Watch
from ixproxy.client import Client
from ixproxy.client.places import Where
from ixproxy.config import Deployment, client_view
from ixproxy.errors import RequestRefused
from ixproxy.messages import RequestStartPlaceAgentStateReportingAll, ServerFacts
from ixproxy.messages.message import KeyValues, Message
from ixproxy.values import ClientType
from ixproxy.wire.names import BY_NAME, Kind


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "watch",
        help="print the reporting stream",
        description="Prints the states of all agents, and then what happens, until it is "
        "interrupted. A gap in the stream is said, and the stream begun anew.",
    )
    for name, metavar, text in (
        ("--events", "NAME,...", "only these, such as AgentLogin,AgentLogout"),
        ("--media", "MEDIA,...", "only events about these media types, and about none"),
        ("--agent", "AGENT,...", "only events about these agents"),
        ("--place", "PLACE,...", "only events about these places"),
    ):
        parser.add_argument(name, default="", metavar=metavar, help=text)
    parser.add_argument("--count", type=whole_number, help="end after so many events")
    parser.add_argument(
        "--until-state", action="store_true", help="end when the states of all agents are known"
    )
    parser.add_argument(
        "--direct", action="store_true", help="ask all nodes, past the proxies; with --config"
    )
    add_options(parser, ClientType.REPORTING_ENGINE, choice=False, session=False, several=True)
    parser.set_defaults(command=command)


def filter_of(args: Namespace) -> KeyValues:
    """
    What narrows the stream, as the request has it.

    :raise UsageError: there is no such event.
    """
    given = {
        "Events": [_event(name) for name in _listed(args.events)],
        "MediaTypes": _listed(args.media),
        "Agents": _listed(args.agent),
        "Places": _listed(args.place),
    }
    return {key: dict.fromkeys(names, 1) for key, names in given.items() if names}


def _listed(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _event(name: str) -> str:
    whole = name if name.startswith("Event") else f"Event{name}"
    row = BY_NAME.get(whole)
    if row is None or row.kind != Kind.EVENT:
        raise UsageError(f"there is no event {name!r}; doc/protocol.md has them all")
    return whole


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Watch until it is enough."""
    narrowed = filter_of(args)
    deployment = deployment_of(args)
    tenants = [tenant_of(name, deployment, ()) for name in _listed(args.tenant)]
    request = RequestStartPlaceAgentStateReportingAll(
        tenants={str(each): each for each in tenants}, filter=narrowed
    )
    watch = Watch(
        output, count=args.count or 0, until_state=args.until_state, narrowed=bool(narrowed)
    )
    nodes = _nodes(args, deployment)
    if nodes:
        await watch_nodes(reactor, args, nodes, tenants, narrowed, watch)
        return Exit.OK
    client = await dial(reactor, args, _where(args, deployment, tenants), tenants)
    try:
        await _watch(client, request, watch, output)
    finally:
        await client.close()
    return Exit.OK


def _nodes(args: Namespace, deployment: Deployment | None) -> list[NodePlace]:
    """The nodes to ask; none: one server has it all."""
    if deployment is None:
        several = len(args.connect) > 1 or args.direct
        return [NodePlace(each, each) for each in args.connect] if several else []
    return nodes_of(deployment, args.application) if args.direct else []


def _where(args: Namespace, deployment: Deployment | None, tenants: Sequence[int]) -> Where:
    if deployment is None:
        return list(args.connect)
    place = client_view(deployment, args.application).place
    try:
        return place.serving(tenants) if tenants else place
    except ValueError as problem:
        raise UsageError(f"{args.application}: {problem}") from problem


async def _watch(
    client: Client,
    request: RequestStartPlaceAgentStateReportingAll,
    watch: Watch,
    output: Output,
) -> None:
    def moved(server: ServerFacts | None) -> None:
        if not client.closing:
            watch.connection(server.name if server else "")

    def missing(_: Message, problem: RequestRefused) -> None:
        watch.failed(problem)

    client.on_event(watch.event_received)
    client.on_connection(moved)
    client.on_not_restored(missing)
    watch.begin_anew = lambda: client.request(request).addErrback(
        lambda failure: output.note(f"cannot begin anew: {failure.getErrorMessage()}")
    )
    await client.request(request)
    await watch.over
