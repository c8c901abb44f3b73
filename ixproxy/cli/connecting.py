"""Connects a command to a server, with the options that all such commands share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any, Protocol

from msgspec import structs
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.cli.identity import add_identity_options, credentials_of, tls_of
from ixproxy.cli.key_values import seconds
from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.session_file import Saved, SessionFile
from ixproxy.cli.targets import tenant_of, view_of
from ixproxy.client import SESSION_BYTES, Answer, Client, Settings, connect
from ixproxy.client.places import Where, endpoints_of
from ixproxy.config import Deployment, load
from ixproxy.errors import NodeUnavailable
from ixproxy.messages.message import Message, Request
from ixproxy.values import ClientType

DEFAULT_NAME = "ixctl"
DEFAULT_TIMEOUT = 30.0

CLIENT_TYPES = tuple(each.value for each in ClientType if each is not ClientType.PROXY)


class Asking(Protocol):
    """What a command needs of a client; the client library's `Client` is one."""

    @property
    def server(self) -> m.ServerFacts:
        """Who answered the registration."""

    def ask(self, message: Request, timeout: float | None = None) -> Deferred[Answer]:
        """Send a request."""

    def request(self, message: Request, timeout: float | None = None) -> Deferred[Any]:
        """Send a request; the bare answer."""

    def on_event(self, callback: Callable[[Message], None]) -> None:
        """Have events told."""


@dataclass(frozen=True, slots=True)
class Connected:
    """
    A command's connection.

    :ivar tenant_id: the tenant that the command is about.
    :ivar kept: the client session goes on after the command.
    """

    client: Asking
    tenant_id: int
    kept: bool = False


def add_options(
    parser: ArgumentParser,
    client_type: ClientType,
    *,
    choice: bool = True,
    session: bool = True,
    several: bool = False,
) -> None:
    """
    Add the options that say where and as whom to connect.

    :param client_type: what the command is, by default or without a choice.
    :param session: whether there is a client session to go on with.
    :param several: `--connect` may be given again, and tenants are a list.
    """
    group = parser.add_argument_group("connection")
    where = group.add_mutually_exclusive_group(required=True)
    again = "; again for each of several nodes" if several else ""
    where.add_argument(
        "--connect",
        metavar="ENDPOINT",
        action="append" if several else "store",
        help=f"such as tcp:127.0.0.1:7001{again}",
    )
    where.add_argument("--config", metavar="FILE", type=Path, help="a deployment file; with")
    group.add_argument(
        "--application",
        metavar="NAME",
        help="the node, proxy, cluster of proxies or client in it: where to connect to",
    )
    group.add_argument("--name", default=DEFAULT_NAME, help="the client's name (%(default)s)")
    if choice:
        group.add_argument(
            "--as",
            dest="client_type",
            choices=CLIENT_TYPES,
            help=f"the client's type ({client_type.value})",
        )
    parser.set_defaults(default_client_type=client_type)
    group.add_argument(
        "--tenant",
        default="",
        metavar="TENANT,..." if several else "TENANT",
        help="its id, or its name with --config",
    )
    add_identity_options(group)
    group.add_argument(
        "--timeout",
        type=seconds,
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help="for each request (%(default)s)",
    )
    if session:
        group.add_argument(
            "--session",
            metavar="FILE",
            type=Path,
            help="go on with the client session in FILE, and leave it there: what was "
            "taken stays with it until the node's agent-session-restore-timeout",
        )


def deployment_of(args: Namespace) -> Deployment | None:
    """
    The deployment that the command line names, if any.

    :raise ConfigError: the file has mistakes.
    :raise UsageError: `--application` without `--config`, or the reverse.
    """
    if args.config is None:
        if args.application:
            raise UsageError("--application needs --config")
        return None
    if not args.application:
        raise UsageError("--config needs --application")
    return load(args.config)


@asynccontextmanager
async def connected(reactor: Any, args: Namespace) -> AsyncIterator[Connected]:
    """
    Connect, and say goodbye at the end unless the session goes on.

    :raise NodeUnavailable: nobody could be reached.
    :raise RequestRefused: the server refused the registration.
    :raise UsageError: the options make no sense together.
    """
    deployment = deployment_of(args)
    view = view_of(deployment, args.application, args.tenant) if deployment else None
    where = view.place if view else args.connect
    tenants = view.tenants if view else ()
    path: Path | None = getattr(args, "session", None)
    with SessionFile(path) if path else nullcontext() as file:
        saved = _saved_or_new(args, file.read() if file else None)
        if file is not None:
            # Each attempt raises the incarnation, and none may be used twice.
            attempts = len(endpoints_of(where))
            file.write(structs.replace(saved, incarnation=saved.incarnation + attempts))
        client = await dial(reactor, args, where, tenants, saved)
        keep = file is not None
        try:
            tenant_id = tenant_of(args.tenant, deployment, tenants or client.server.tenants)
            yield Connected(client, tenant_id, kept=keep)
        finally:
            if file is not None:
                left = dict(client.holding)
                file.write(structs.replace(saved, incarnation=client.incarnation, holding=left))
            await client.close(goodbye=not keep)


def settings_of(args: Namespace) -> Settings:
    """The limits and times of a connection, as the options say."""
    return Settings(timeout=args.timeout, attempt_timeout=min(args.timeout, 10.0))


async def dial(
    reactor: Any,
    args: Namespace,
    where: Where,
    tenants: Sequence[int],
    saved: Saved | None = None,
) -> Client:
    """
    One client, as the options say.

    :param saved: the client session to go on with; None: a new one.
    :raise NodeUnavailable: nobody could be reached.
    :raise RequestRefused: the server refused the registration.
    :raise UsageError: the options make no sense together.
    """
    saved = saved or _saved_or_new(args, None)
    tried = ", ".join(map(str, endpoints_of(where)))
    try:
        return await connect(
            reactor,
            where,
            tenants=tenants,
            name=saved.client_name,
            client_type=saved.client_type,
            credentials=credentials_of(args),
            tls=tls_of(args, endpoints_of(where)),
            session=bytes.fromhex(saved.session),
            incarnation=saved.incarnation,
            holding=saved.holding,
            settings=settings_of(args),
        )
    except ValueError as problem:
        raise UsageError(f"cannot connect to {tried}: {problem}") from problem
    except NodeUnavailable as problem:
        raise NodeUnavailable(f"{tried}: {problem}") from problem


def _saved_or_new(args: Namespace, saved: Saved | None) -> Saved:
    """The session to go on with, or a new one."""
    wanted: str | None = getattr(args, "client_type", None)
    if saved is None:
        kind = wanted or args.default_client_type.value
        return Saved(SystemRandom().randbytes(SESSION_BYTES).hex(), 0, args.name, kind)
    if wanted not in (None, saved.client_type):
        raise UsageError(f"{args.session} is the session of a {saved.client_type}, not {wanted}")
    return saved
