"""`ixctl status`: who is there, and what is linked."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from ixproxy.cli.connecting import Asking
from ixproxy.cli.key_values import seconds
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.targets import view_of
from ixproxy.client import Settings, connect
from ixproxy.config import NodeApplication, ProxyApplication, load
from ixproxy.errors import Code, IxproxyError, RequestRefused
from ixproxy.messages import EventPing, RequestPing, RequestWorkbinTypesInfo, ServerFacts
from ixproxy.values import ClientType

COLUMNS = ("application", "role", "endpoint", "state", "epoch", "last event", "sessions", "nodes")


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "status",
        help="who is there, and what is linked",
        description="Asks one server, or every node and proxy of a deployment file. Exit code "
        "3 when one that should be there is not.",
    )
    group = parser.add_argument_group("connection")
    where = group.add_mutually_exclusive_group(required=True)
    where.add_argument("--connect", metavar="ENDPOINT", help="such as tcp:127.0.0.1:7001")
    where.add_argument("--config", metavar="FILE", type=Path, help="a deployment file")
    group.add_argument("--application", metavar="NAME", help="only this one of the file")
    group.add_argument("--name", default="ixctl", help="the client's name (%(default)s)")
    group.add_argument(
        "--timeout", type=seconds, default=5.0, metavar="SECONDS", help="for each (%(default)s)"
    )
    parser.set_defaults(command=command)


@dataclass(frozen=True, slots=True)
class Target:
    """
    One server to ask.

    :ivar primary: of a backup, the server that it stands behind; else "".
    """

    name: str
    endpoint: str
    primary: str = ""


@dataclass(slots=True)
class Found:
    """
    What one server said.

    :ivar problem: why it did not answer; "" if it did.
    :ivar nodes: of a proxy, by tenant id: `all`, `some` or `none` linked, or
        the code of another refusal.
    """

    target: Target
    server: ServerFacts | None = None
    statistics: Mapping[str, Any] = field(default_factory=dict)
    nodes: dict[int, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def state(self) -> str:
        """`up`, `standby` or `away`."""
        if self.server is not None:
            return "up"
        return "standby" if self.target.primary else "away"

    def record(self) -> dict[str, object]:
        """As `--json` prints it."""
        record: dict[str, object] = {
            "application": self.target.name,
            "endpoint": self.target.endpoint,
            "state": self.state,
        }
        if self.server is not None:
            server = self.server
            record |= {
                "name": server.name,
                "role": server.role,
                "dbid": server.dbid,
                "epoch": server.epoch,
                "tenants": server.tenants,
                "last_event_number": server.last_event_number,
                "path": server.path,
            }
            if self.statistics:
                record["statistics"] = self.statistics
            if self.nodes:
                record["nodes_linked"] = {str(id): how for id, how in self.nodes.items()}
        if self.problem:
            record["problem"] = self.problem
        return record

    def row(self) -> list[object]:
        """As the table has it."""
        server = self.server or ServerFacts()
        return [
            self.target.name,
            server.role,
            self.target.endpoint,
            self.state,
            server.epoch or "",
            server.last_event_number or "",
            self.statistics.get("Sessions", ""),
            ", ".join(f"tenant {id}: {how} linked" for id, how in self.nodes.items()),
        ]


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Ask all at once, and print one table."""
    targets = targets_of(args)
    found = await gatherResults(
        [Deferred.fromCoroutine(_ask(reactor, args, target)) for target in targets],
        consumeErrors=True,
    )
    for each in found:
        output.record(each.record())
    if not output.json:
        output.table(COLUMNS, [each.row() for each in found])
        for each in found:
            if each.statistics:
                output.line("")
                output.line(each.target.name)
                output.properties(each.statistics, "  ")
            if each.problem:
                output.note(f"{each.target.name}: {each.problem}")
    return Exit.UNREACHABLE if missing(found) else Exit.OK


def targets_of(args: Namespace) -> list[Target]:
    """
    Whom to ask.

    :raise UsageError: `--application` without a file, or of one that is no server.
    """
    if args.config is None:
        if args.application:
            raise UsageError("--application needs --config")
        return [Target(args.connect, args.connect)]
    deployment = load(args.config)
    targets = [
        Target(each.name, each.endpoint, each.primary)
        for each in deployment.applications.values()
        if isinstance(each, NodeApplication | ProxyApplication)
        and args.application in (None, each.name)
    ]
    if not targets:
        # Only to say what is wrong with the name, in the same words as elsewhere.
        view_of(deployment, args.application or "")
        raise UsageError(f"{args.application} is no node and no proxy")
    return targets


def missing(found: list[Found]) -> list[str]:
    """Servers that should be there: of a pair, one is enough."""
    up = {name for each in found if each.server for name in (each.target.name, each.target.primary)}
    return [
        each.target.name
        for each in found
        if each.server is None and not each.target.primary and each.target.name not in up
    ]


async def _ask(reactor: Any, args: Namespace, target: Target) -> Found:
    found = Found(target)
    try:
        client = await connect(
            reactor,
            target.endpoint,
            name=args.name,
            client_type=ClientType.AGENT_APPLICATION,
            settings=Settings(timeout=args.timeout, attempt_timeout=args.timeout),
        )
    except (IxproxyError, ValueError) as problem:
        found.problem = str(problem)
        return found
    try:
        found.server = client.server
        await look_closer(client, found)
    except IxproxyError as problem:
        found.problem = str(problem)
    finally:
        await client.close()
    return found


async def look_closer(client: Asking, found: Found) -> None:
    """Ask a node for its statistics, and a proxy whether its nodes are linked."""
    if client.server.role != "proxy":
        answer = await client.request(RequestPing())
        if isinstance(answer, EventPing):
            found.statistics = answer.statistics
        return
    for tenant_id in client.server.tenants:
        # A question to all nodes of the tenant: the answer is partial when one is away.
        try:
            _, partial = await client.ask(RequestWorkbinTypesInfo(tenant_id=tenant_id))
        except RequestRefused as problem:
            none = problem.code in (Code.NO_SERVERS, Code.NOT_ACCESSIBLE)
            found.nodes[tenant_id] = "none" if none else str(problem.code)
        else:
            found.nodes[tenant_id] = "some" if partial else "all"
