"""
Something breaks in the middle of pulls: is anything stranded or doubled?

Theory of operation: some interactions wait in a cluster, and several clients
pull them, by view, for a strategy and by ids, all at once. At a moment chosen
by the seed something breaks: a connection, a program, the network for a
while, or a client's patience. The clients go on working: they end what they
hold and pull again. Then everything is healed and given the time that
sessions and grace periods take. After that no interaction may be taken by a
client that does not have it, each must have been ended exactly once, and a
fresh client must find nothing left.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.client import Backoff, Client, Settings
from ixproxy.core.settings import ProxySettings
from ixproxy.core.warm_standby import WarmStandby
from ixproxy.errors import RequestRefused
from ixproxy.node.model import NodeSettings
from ixproxy.testing.breaking import CHAINED, SECOND, Accident, Breaks, accidents
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.steps import TENANT
from ixproxy.values import ClientType

RESTORE = 4.0
"""Seconds for which a session that lost its connection keeps what it holds."""

GRACE = 2.0
"""Seconds after which what a lost node holds is taken from its clients."""

WINDOW = 0.012
"""Seconds after the pulls were sent in which something breaks."""

AWAY = (1.0, 3.0, 8.0)
"""Seconds for which what broke stays broken, at most: shorter and longer than all of these."""

TIMEOUT = 2.0
"""Seconds for which clients wait for an answer."""

KEEP_ALIVE = (0.7, 2.0)
"""Seconds between looks at connections, and of silence after which one is given up."""


class Point(Enum):
    """How far the furthest pull was at that moment."""

    BEFORE_THE_TAKE = "before the take"
    AFTER_THE_COMMIT = "after the commit"
    AT_THE_PROXY = "at the proxy"
    AT_THE_CLIENT = "at the client"


@dataclass(slots=True)
class Aftermath:
    """
    What became of it.

    :ivar points: where pulls were when it happened.
    :ivar problems: what should not be; nothing is as it should be.
    """

    accident: Accident
    points: set[Point]
    problems: list[str]


@dataclass(slots=True)
class _Ledger:
    """What clients were told of the interactions that they ended."""

    ended: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)


def have_accident(
    seed: int, accident: Accident | None = None, *, fast_path: bool = True, chained: bool = False
) -> Aftermath:
    """
    Run the simulation of one seed.

    :param accident: None: the seed chooses.
    :param chained: clients come in through two proxies in front of the others.
    """
    random = Random(seed)
    kinds = accidents(chained=chained)
    accident = accident or kinds[seed % len(kinds)]
    cluster = Cluster(
        seed,
        outer=2 if chained else 0,
        fast_path=fast_path,
        node_settings=NodeSettings(agent_session_restore_timeout=RESTORE, pull_hold_timeout=1.0),
        proxy_settings=ProxySettings(
            node_loss_grace=GRACE, request_timeout=TIMEOUT, pull_hold_timeout=1.0
        ),
        client_settings=Settings(
            timeout=TIMEOUT,
            attempt_timeout=TIMEOUT,
            keep_alive_interval=KEEP_ALIVE[0],
            keep_alive_limit=KEEP_ALIVE[1],
            backoff=Backoff(first=0.1, most=1.0, spread=0.2),
        ),
        keep_alive=KEEP_ALIVE,
        standby=WarmStandby(retry_delay=1.0, random_range=0.2),
    )
    try:
        return _Simulation(cluster, random, accident).run()
    finally:
        cluster.close()


class _Simulation:
    def __init__(self, cluster: Cluster, random: Random, accident: Accident) -> None:
        self._cluster = cluster
        self._random = random
        self._accident = accident
        self._ledger = _Ledger()
        self._ids: list[str] = []
        self._pulls: list[Deferred[m.EventPulledInteractions]] = []
        self._workers: list[Client] = []
        self._broken: list[Failure] = []
        self._pulling = True
        self._over = False

    def run(self) -> Aftermath:
        cluster, random = self._cluster, self._random
        self._prepare()
        for client in self._workers:
            self._pull(client)
        cluster.run(random.random() * WINDOW)
        points = self._points()
        breaks = Breaks(cluster, random, self._workers, self._pulls)
        mends = [breaks.have(self._accident)]
        for client in self._workers:
            Deferred.fromCoroutine(self._work(client)).addErrback(self._broken.append)
        if random.random() < 0.4:
            # Misfortunes seldom come singly.
            cluster.run(random.random() * AWAY[0])
            others = (*SECOND, *CHAINED) if cluster.outers else SECOND
            mends.append(breaks.have(random.choice(others)))
        cluster.run(random.random() * random.choice(AWAY))
        for mend in mends:
            mend()
        cluster.run(RESTORE + GRACE + TIMEOUT)
        self._pulling = False
        cluster.run(2 * TIMEOUT)
        problems = cluster.problems()
        self._over = True
        cluster.run(2 * TIMEOUT)
        for failure in self._broken:
            failure.raiseException()
        problems += cluster.problems()
        self._work_off()
        return Aftermath(self._accident, points, [*problems, *self._audit()])

    def _prepare(self) -> None:
        """Interactions that wait, and clients that are about to pull."""
        cluster, random = self._cluster, self._random
        server = cluster.client("mail-1", ClientType.MEDIA_SERVER)
        for number in range(random.randrange(3, 9)):
            submit = m.RequestSubmit(
                tenant_id=TENANT, media_type="email", queue="In", user_data={"n": number}
            )
            self._ids.append(cluster.finish(server.request(submit)).interaction_id)
        for number in range(2):
            self._workers.append(cluster.client(f"router-{number}", ClientType.ROUTING_ENGINE))
        desktop = cluster.client("desktop-1", ClientType.AGENT_APPLICATION)
        login = m.RequestAgentLogin(tenant_id=TENANT, agent_id="anna", media_list={"email": 1})
        cluster.finish(desktop.request(login))
        self._workers.append(desktop)

    def _pull(self, client: Client) -> None:
        """One pull of one of the three kinds."""
        random = self._random
        timeout = TIMEOUT
        if self._accident is Accident.GIVEN_UP:
            timeout = random.random() * WINDOW + 0.0001
        router = client is not self._workers[-1]
        if random.random() < 0.3:
            named = random.sample(self._ids, random.randrange(1, len(self._ids) + 1))
            pull = _by_ids(named)
        else:
            pull = _by_view(random.randrange(1, 4), for_strategy=router and random.random() < 0.6)
        asked = client.request(pull, timeout)
        asked.addErrback(lambda failure: failure.trap(RequestRefused, CancelledError))
        self._pulls.append(asked)

    def _points(self) -> set[Point]:
        """Where the pulls are."""
        taken = {
            (party["session"], party["interaction_id"]) for party in self._cluster.rows("parties")
        }
        if not taken:
            return {Point.BEFORE_THE_TAKE}
        points: set[Point] = set()
        at_proxies = {
            (client.session, identifier)
            for proxy in (*self._cluster.outers, *self._cluster.proxies)
            if proxy.core is not None
            for client in proxy.core.state.clients
            for identifier in client.holding
        }
        at_clients = {
            (client.session, identifier)
            for client in self._workers
            for identifier in client.holding
        }
        for take in taken:
            if take in at_clients:
                points.add(Point.AT_THE_CLIENT)
            elif take in at_proxies:
                points.add(Point.AT_THE_PROXY)
            else:
                points.add(Point.AFTER_THE_COMMIT)
        return points

    async def _work(self, client: Client) -> None:
        """End some of what is held, pull again; at last end it all."""
        while not self._over:
            if self._pulling:
                some = [each for each in client.holding if self._random.random() < 0.3]
                await self._end(client, some)
                for_strategy = client is not self._workers[-1] and self._random.random() < 0.5
                with suppress(RequestRefused):
                    await client.request(_by_view(2, for_strategy=for_strategy), TIMEOUT)
            await deferLater(self._cluster.clock, 0.7)
        await self._end(client, list(client.holding))

    async def _end(self, client: Client, identifiers: list[str]) -> None:
        for identifier in identifiers:
            stop = m.RequestStopProcessing(tenant_id=TENANT, interaction_id=identifier)
            try:
                await client.request(stop, TIMEOUT)
            except RequestRefused as refusal:
                if refusal.in_doubt:
                    self._ledger.doubtful[identifier] += 1
            else:
                self._ledger.ended[identifier] += 1

    def _work_off(self) -> None:
        """A fresh client ends what is left."""
        client = self._cluster.client("router-9", ClientType.ROUTING_ENGINE)
        while self._cluster.finish(client.request(_by_view(10))).interactions:
            self._cluster.finish(Deferred.fromCoroutine(self._end(client, list(client.holding))))

    def _audit(self) -> list[str]:
        """Everything that was submitted is gone, by exactly one hand."""
        left = [row["id"] for row in self._cluster.rows("interactions")]
        problems = [f"{identifier} is left" for identifier in left]
        ended, doubtful = self._ledger.ended, self._ledger.doubtful
        for identifier in self._ids:
            if ended[identifier] > 1:
                problems.append(f"{identifier} was ended {ended[identifier]} times")
            if not ended[identifier] and not doubtful[identifier] and identifier not in left:
                problems.append(f"{identifier} is gone, and nobody ended it")
        return problems


def _by_view(limit: int, *, for_strategy: bool = False) -> m.RequestPull:
    return m.RequestPull(
        tenant_id=TENANT,
        view_id="In/All",
        number_of_interactions=limit,
        extension={"pull-for-strategy": 1} if for_strategy else {},
    )


def _by_ids(ids: list[str]) -> m.RequestPull:
    return m.RequestPull(
        tenant_id=TENANT, view_id="_system_", pull_parameters=dict.fromkeys(ids, "")
    )
