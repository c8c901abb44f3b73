"""
A thousand clients on two proxies, real processes all, one of which is killed; by hand:

    python -m tests.lost_proxy --clients 1000

prints when each client was back, as a histogram, and what the nodes and the
clients say of who holds what.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.internet.task import deferLater, react

from ixproxy import messages as m
from ixproxy.client import Client, Settings, connect
from ixproxy.config import client_view, load
from ixproxy.messages.message import Message, Request
from ixproxy.testing.arguments import at_least_one
from ixproxy.testing.processes import RealCluster
from tests.ledgers import Part, read_books, stray_parts

TENANT = 1
AT_A_TIME = 100
"""Requests and connections in the making, so that a small machine is not overrun at the start."""
LOOK_SECONDS = 0.01
BAR = 50

NODE = """\
[applications.ixn{number}]
type = "Interaction Server"
dbid = 10{number}
tenants = ["Environment"]
listen = "tcp:710{number}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:710{number}"
store = "sqlite:ixn{number}.db"
[applications.ixn{number}.options.settings]
allow-multiple-agent-connections = false
"""

PROXY = """\
[applications.proxy{number}]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:700{number}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:700{number}"
connections = ["ixn1", "ixn2", "ixn3"]
"""

CLIENTS = """\
[applications.desktops]
type = "Application Cluster"
connections = ["proxy1", "proxy2"]
[applications.desktops.options.cluster-settings]
cluster-type = "Interaction Server Proxy"
[applications.desktops.options.settings]
warm-standby.retry-delay = 10
warm-standby.reconnection-random-delay-range = 2

[applications.desk]
type = "Agent Desktop"
tenants = ["Environment"]
connections = ["desktops"]
"""

CLUSTER = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.Q1.views.All]
"""


def deployment() -> str:
    """Three nodes, two proxies, and the cluster of these for the clients."""
    nodes = [NODE.format(number=number) for number in (1, 2, 3)]
    proxies = [PROXY.format(number=number) for number in (1, 2)]
    return "\n".join([CLUSTER, *nodes, *proxies, CLIENTS])


@dataclass(slots=True)
class Outcome:
    """
    What was seen.

    :ivar delays: after how many seconds each client of the killed proxy was
        back, counted from the kill.
    :ivar stray: what nodes and clients do not agree on; there must be nothing.
    :ivar events: what the clients were told meanwhile; there must be nothing.
    :ivar changed: agents whose session is not the same; there must be none.
    """

    clients: int = 0
    lost: int = 0
    held: int = 0
    delays: list[float] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For a person to read."""
        tenths = Counter(int(delay * 5) for delay in self.delays)
        most = max(tenths.values(), default=1)
        lines = [
            f"{self.clients} clients, {self.held} interactions held; the killed proxy had"
            f" {self.lost} of them, {len(self.delays)} are back",
            *(
                f"{n / 5:4.1f}-{(n + 1) / 5:.1f} s {tenths[n]:4} {'#' * (BAR * tenths[n] // most)}"
                for n in range(max(tenths, default=0) + 1)
            ),
        ]
        for what, found in (
            ("held by who does not hold it", self.stray),
            ("told to clients", self.events),
            ("agent sessions changed", self.changed),
        ):
            lines.append(f"{what}: {', '.join(found[:5]) or 'nothing'}")
        return lines


class Story:
    """
    The run.

    :param count: how many clients; one in ten is a media server, the others
        are agents.
    """

    def __init__(self, reactor: Any, cluster: RealCluster, count: int, seed: int = 1) -> None:
        self._reactor = reactor
        self._cluster = cluster
        self._random = Random(seed)
        self._gate = DeferredSemaphore(AT_A_TIME)
        self._view = client_view(load(cluster.file), "desk")
        self._media_count = max(1, count // 10)
        self._agent_count = count - self._media_count
        self.clients: list[Client] = []
        self.outcome = Outcome(count)

    async def tell(self) -> Outcome:
        """Connect all, kill a proxy, wait until all is as it was; it is the caller who gives up."""
        outcome = self.outcome
        media = await self._come("media", "MediaServer", self._media_count)
        agents = await self._come("desk", "AgentApplication", self._agent_count)
        stamps = await self._work(media, agents)
        outcome.held = sum(len(client.holding) for client in self.clients)
        for client in self.clients:
            client.on_event(self._heard)
        left = [client for client in self.clients if client.server.name == "proxy1"]
        outcome.lost = len(left)
        await self._lose("proxy1", left)
        await self._settled()
        again = await self._all(agents, [self._login(n) for n in range(len(agents))])
        outcome.changed = [
            f"agent-{n}: {before} is {answer.agent_session}"
            for n, (before, answer) in enumerate(zip(stamps, again, strict=True))
            if tuple(answer.agent_session) != before
        ]
        return outcome

    async def close(self) -> None:
        """Everybody says goodbye."""
        await gatherResults([client.close() for client in self.clients], consumeErrors=True)

    async def _come(self, name: str, client_type: str, count: int) -> list[Client]:
        coming = [
            self._gate.run(
                connect,
                self._reactor,
                self._view.place,
                name=f"{name}-{number}",
                client_type=client_type,
                tenants=self._view.tenants,
                settings=Settings(timeout=60.0),
                random=Random(self._random.random()),
                session=self._random.randbytes(16),
            )
            for number in range(count)
        ]
        found: list[Client] = await gatherResults(coming, consumeErrors=True)
        self.clients += found
        return found

    async def _work(self, media: list[Client], agents: list[Client]) -> list[tuple[int, int]]:
        """Log everybody in, with an interaction for two agents of three; the sessions' stamps."""
        takers = agents[: 2 * len(agents) // 3]
        submit = m.RequestSubmit(tenant_id=TENANT, media_type="email", queue="Q1")
        await self._all([media[n % len(media)] for n in range(len(takers))], submit)
        acks = await self._all(agents, [self._login(n) for n in range(len(agents))])
        pull = m.RequestPull(tenant_id=TENANT, view_id="Q1/All", number_of_interactions=1)
        await self._all(takers, pull)
        return [tuple(ack.agent_session) for ack in acks]

    def _login(self, number: int) -> m.RequestAgentLogin:
        return m.RequestAgentLogin(
            tenant_id=TENANT,
            agent_id=f"agent-{number}",
            place_id=f"place-{number}",
            media_list={"email": 1},
        )

    async def _all(
        self, clients: Sequence[Client], requests: Request | Sequence[Request]
    ) -> list[Any]:
        """One request of each client; their answers."""
        listed = [requests] * len(clients) if isinstance(requests, Request) else requests
        asked = [
            self._gate.run(client.request, request)
            for client, request in zip(clients, listed, strict=True)
        ]
        answers: list[Any] = await gatherResults(asked, consumeErrors=True)
        return answers

    async def _lose(self, proxy: str, left: Iterable[Client]) -> None:
        """Kill a proxy, and note when each of its clients is back."""
        away = {client: client.incarnation for client in left}
        begun = self._reactor.seconds()
        killed = Deferred.fromCoroutine(self._cluster.kill(proxy))
        while away:
            await deferLater(self._reactor, LOOK_SECONDS)
            now = self._reactor.seconds()
            for client, incarnation in tuple(away.items()):
                if client.connected and client.incarnation > incarnation:
                    del away[client]
                    self.outcome.delays.append(now - begun)
        await killed

    async def _settled(self) -> None:
        """Wait until nodes and clients agree on who holds what, and no login is under way."""
        while any(client.in_flight for client in self.clients) or self._stray():
            await deferLater(self._reactor, 0.2)
        self.outcome.stray = self._stray()

    def _stray(self) -> list[str]:
        held: set[Part] = {
            (identifier, client.session, number)
            for client in self.clients
            for identifier, number in client.holding.items()
        }
        nodes, clients, out = stray_parts(read_books(self._cluster.stores()), held)
        return [*(f"{part[0]}" for part in nodes | clients), *out]

    def _heard(self, event: Message) -> None:
        self.outcome.events.append(type(event).__name__)


async def _run(reactor: Any, count: int, seed: int) -> None:
    with TemporaryDirectory(prefix="lost-proxy-") as directory:
        async with RealCluster(reactor, Path(directory), deployment()) as cluster:
            story = Story(reactor, cluster, count, seed)
            try:
                outcome = await Deferred.fromCoroutine(story.tell()).addTimeout(300, reactor)
            finally:
                await story.close()
    sys.stdout.write("\n".join([*outcome.lines(), ""]))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=at_least_one, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(_run(reactor, args.clients, args.seed)))


if __name__ == "__main__":
    main()
