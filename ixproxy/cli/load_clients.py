"""The clients of a load: connected, spread over the proxies, and closed whatever happens."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

from twisted.internet.defer import DeferredList

from ixproxy.cli.connecting import deployment_of
from ixproxy.cli.identity import credentials_of, tls_of
from ixproxy.cli.load_hands import Hands
from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_mix import BY_AGENTS, Kind
from ixproxy.cli.load_requests import revoked
from ixproxy.cli.load_run import Crew
from ixproxy.cli.targets import tenant_of, view_of
from ixproxy.client import Client, Settings, connect
from ixproxy.client.places import Endpoint
from ixproxy.messages.message import KeyValues
from ixproxy.values import ClientType
from ixproxy.wire.admission import OBSERVER


def client_type_of(kind: Kind) -> ClientType:
    """Who sends requests of this kind."""
    if kind is Kind.SUBMIT:
        return ClientType.MEDIA_SERVER
    if kind in BY_AGENTS:
        return ClientType.AGENT_APPLICATION
    return ClientType.ROUTING_ENGINE


class Clients:
    """
    All connections of a load.

    :param random: draws the order of endpoints.
    """

    def __init__(self, reactor: Any, args: Namespace, random: Random) -> None:
        self._reactor = reactor
        self._args = args
        self._random = random
        self._deployment = deployment_of(args)
        self._firsts: Counter[Endpoint] = Counter()
        self._open: list[Client] = []
        self._observers: list[Client] = []

    async def observer(self, name: str) -> Client:
        """One that does none of the load, and stays when the others have gone."""
        first = next(kind for kind in Kind if kind in self._args.mix.kinds)
        client = await self.open(name, client_type_of(first), {OBSERVER: 1})
        self._open.remove(client)
        self._observers.append(client)
        return client

    async def open(
        self, name: str, client_type: ClientType, extension: KeyValues | None = None
    ) -> Client:
        """
        One more.

        :param extension: goes with its registration.
        :raise NodeUnavailable: nobody could be reached.
        :raise RequestRefused: the server refused the registration.
        """
        args = self._args
        endpoints, tenants = self._where()
        client = await connect(
            self._reactor,
            endpoints,
            tenants=tenants,
            tls=tls_of(args, endpoints),
            credentials=credentials_of(args),
            name=name,
            client_type=client_type,
            extension=extension,
            settings=Settings(
                timeout=args.timeout,
                attempt_timeout=min(args.timeout, 10.0),
                max_in_flight=max(1000, args.depth, args.max_in_flight or 0),
            ),
        )
        self._open.append(client)
        return client

    def _where(self) -> tuple[list[Endpoint], tuple[int, ...]]:
        """Whom to try, first who has the fewest clients of ours; and for which tenants."""
        args = self._args
        if self._deployment is None:
            return [args.connect], ()
        view = view_of(self._deployment, args.application, args.tenant)
        servers = list(view.place.groups)
        self._random.shuffle(servers)
        servers.sort(key=lambda endpoints: self._firsts[endpoints[0]])
        self._firsts[servers[0][0]] += 1
        return [endpoint for server in servers for endpoint in server], view.tenants

    def tenant_of(self, client: Client) -> int:
        """
        The tenant that the load is about.

        :raise UsageError: it is not clear which.
        """
        return tenant_of(self._args.tenant, self._deployment, client.server.tenants)

    async def crew(self, number: int, ledger: Ledger) -> Crew:
        """The connections of one client of the load, as many as its mix needs."""
        args = self._args
        agent_names = f"{args.name}-{number}-agent-"
        hands = Hands(number, ledger, bool(args.view), args.agents, agent_names)
        kinds = set(args.mix.kinds)
        needed = [client_type_of(kind) for kind in Kind if kind in kinds]
        clients: dict[ClientType, Client] = {}
        for client_type in dict.fromkeys(needed):
            short = client_type.value[0].lower()
            clients[client_type] = client = await self.open(
                f"{args.name}-{number}{short}", client_type
            )
            client.on_event(partial(revoked, hands))
        of_kind = {
            kind: clients[client_type_of(kind)] for kind in Kind if client_type_of(kind) in clients
        }
        return Crew(hands, of_kind.__getitem__)

    async def goodbye(self) -> None:
        """Close all but the observer: what they hold goes back at once."""
        leaving, self._open = self._open, []
        await DeferredList([client.close() for client in leaving], consumeErrors=True)

    async def close(self) -> None:
        """Close all that are left."""
        await self.goodbye()
        await DeferredList([client.close() for client in self._observers], consumeErrors=True)


@asynccontextmanager
async def clients(reactor: Any, args: Namespace, random: Random) -> AsyncIterator[Clients]:
    """Clients that are closed at the end."""
    opened = Clients(reactor, args, random)
    try:
        yield opened
    finally:
        await opened.close()
