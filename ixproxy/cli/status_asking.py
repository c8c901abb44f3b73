"""Asks servers how they are; one that does not know the question is asked what it does know."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from ixproxy.cli.connecting import Asking
from ixproxy.cli.identity import credentials_of, tls_of
from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.targets import view_of
from ixproxy.client import Settings, connect
from ixproxy.config import NodeApplication, ProxyApplication, load
from ixproxy.errors import Code, IxproxyError, RequestRefused
from ixproxy.messages import (
    EventPing,
    EventServerStatus,
    RequestPing,
    RequestServerStatus,
    RequestWorkbinTypesInfo,
    ServerFacts,
)
from ixproxy.values import ClientType
from ixproxy.wire.admission import OBSERVER

NOT_KNOWN = frozenset((Code.BAD_FRAME, Code.UNSUPPORTED_YET, Code.UNSUPPORTED_OPERATION))
"""How servers of earlier versions refuse the question."""


@dataclass(frozen=True, slots=True)
class Target:
    """
    One server to ask.

    :ivar primary: of a backup, the server that it stands behind; else "".
    :ivar nodes: of a proxy, the nodes that the file gives it; None: not known.
    """

    name: str
    endpoint: str
    primary: str = ""
    nodes: tuple[str, ...] | None = None

    @property
    def by_address(self) -> bool:
        """It was named by its address, and has not said what it is called."""
        return self.name == self.endpoint

    @property
    def pair(self) -> str:
        """The name that both servers of a pair go by."""
        return self.primary or self.name


@dataclass(slots=True)
class Found:
    """
    What one server said.

    :ivar asked_at: when it was asked, in seconds since the epoch by our clock.
    :ivar failure: why it did not answer; "" if it did.
    :ivar status: None: it did not answer, or does not know the question.
    :ivar statistics: of a node of an earlier version.
    :ivar nodes: of a proxy of an earlier version, by tenant id: `all`, `some`
        or `none` linked, or the code of another refusal.
    """

    target: Target
    asked_at: float = 0.0
    server: ServerFacts | None = None
    status: EventServerStatus | None = None
    statistics: Mapping[str, Any] = field(default_factory=dict)
    nodes: dict[int, str] = field(default_factory=dict)
    failure: str = ""

    @property
    def up(self) -> bool:
        """Whether it answered."""
        return self.server is not None

    def record(self, state: str, problems: Iterable[str]) -> dict[str, object]:
        """As `--json` prints it."""
        record: dict[str, object] = {
            "application": self.target.name,
            "endpoint": self.target.endpoint,
            "state": state,
            "problems": list(problems),
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
            if self.status is not None:
                record["status"] = msgspec.to_builtins(self.status)
            if self.statistics:
                record["statistics"] = self.statistics
            if self.nodes:
                record["nodes_linked"] = {str(id): how for id, how in self.nodes.items()}
        if self.failure:
            record["failure"] = self.failure
        return record


def targets_of(args: Namespace) -> list[Target]:
    """
    Whom to ask.

    :raise ConfigError: the file has mistakes.
    :raise UsageError: `--application` without a file, or of one that is no server.
    """
    if args.config is None:
        if args.application:
            raise UsageError("--application needs --config")
        return [Target(args.connect, args.connect)]
    deployment = load(args.config)
    targets = [
        Target(
            each.name,
            deployment.dialled(each),
            each.primary,
            tuple(node.name for node in deployment.view_for(each.name).nodes)
            if isinstance(each, ProxyApplication)
            else None,
        )
        for each in deployment.applications.values()
        if isinstance(each, NodeApplication | ProxyApplication)
        and args.application in (None, each.name)
    ]
    if not targets:
        # Only to say what is wrong with the name, in the same words as elsewhere.
        view_of(deployment, args.application or "")
        raise UsageError(f"{args.application} is no node and no proxy")
    return targets


async def ask(reactor: Any, args: Namespace, target: Target, now: float) -> Found:
    """Connect, ask, and leave."""
    found = Found(target, now)
    try:
        client = await connect(
            reactor,
            target.endpoint,
            name=args.name,
            client_type=ClientType.AGENT_APPLICATION,
            tls=tls_of(args, [target.endpoint]),
            credentials=credentials_of(args),
            extension={OBSERVER: 1},
            settings=Settings(timeout=args.timeout, attempt_timeout=args.timeout),
        )
    except (IxproxyError, ValueError) as problem:
        found.failure = in_short(str(problem))
        return found
    try:
        found.server = client.server
        if target.by_address:
            found.target = replace(target, name=client.server.name)
        await question(client, found)
    except IxproxyError as problem:
        found.failure = str(problem)
    finally:
        await client.close()
    return found


def in_short(reason: str) -> str:
    """A reason for not being connected without what goes without saying."""
    reason = reason.removeprefix("no server could be reached: ")
    if said := re.fullmatch(r"Connection was refused by other side: \d+: (.*?)\.?", reason):
        return said[1].lower()
    return reason.rstrip(".")


async def question(client: Asking, found: Found) -> None:
    """
    Ask how it is.

    :raise RequestRefused: it does not say.
    """
    try:
        status = await client.request(RequestServerStatus())
    except RequestRefused as problem:
        if problem.code not in NOT_KNOWN:
            raise
        await _of_an_earlier_version(client, found)
    else:
        if isinstance(status, EventServerStatus):
            found.status = status


async def _of_an_earlier_version(client: Asking, found: Found) -> None:
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
