"""A load on a cluster of processes: media servers, agents and strategies that keep books."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Client, Settings, TlsFiles, connect
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Message, Request
from ixproxy.testing.processes import RealCluster
from ixproxy.values import ClientType
from tests.ledgers import NUMBER, Ledger, Part
from tests.observed import Observed, ObservedEndpoint

TENANT = 1
PAUSE_SECONDS = 0.02
"""Between two attempts to get what is not there yet."""


class Actor:
    """
    One client that keeps books.

    :ivar proxy: the one that it connected to first.
    :ivar connections: every connection that it had.
    :ivar session: the name of its client session.
    :ivar revoked: ids that were revoked from it.
    """

    def __init__(
        self, load: Load, proxy: str, client: Client, session: bytes, connections: list[Observed]
    ) -> None:
        self.load = load
        self.proxy = proxy
        self.client = client
        self.session = session
        self.connections = connections
        self.asked = 0
        self.revoked: list[str] = []
        client.on_event(self._heard)

    def _heard(self, event: Message) -> None:
        if isinstance(event, m.EventRevoked):
            self.revoked.append(event.interaction_id)

    async def ask(self, request: Request) -> Any:
        """:raise RequestRefused: it was refused; either way it is in the books."""
        ledger = self.load.ledger
        ledger.was_asked(request)
        self.asked += 1
        try:
            answer = await self.client.request(request)
        except RequestRefused as problem:
            ledger.was_answered(request, problem)
            raise
        ledger.was_answered(request, None)
        return answer

    async def tried(self, request: Request) -> Any:
        """As `ask`, but a refusal gives None."""
        try:
            return await self.ask(request)
        except RequestRefused:
            return None

    async def submit(self, number: int, queue: str, **user_data: Any) -> str:
        """Hand one interaction in; its id, empty if there is none."""
        ledger = self.load.ledger
        request = m.RequestSubmit(
            tenant_id=TENANT,
            media_type="email",
            queue=queue,
            user_data={NUMBER: number, **user_data},
        )
        try:
            answer = await self.ask(request)
        except RequestRefused as problem:
            (ledger.doubtful if problem.in_doubt else ledger.refused).add(number)
            return ""
        ledger.acknowledged[number] = identifier = answer.interaction_id
        return str(identifier)

    async def stop(self, identifier: str) -> bool:
        """End one interaction; whether that is acknowledged."""
        ledger = self.load.ledger
        request = m.RequestStopProcessing(tenant_id=TENANT, interaction_id=identifier)
        try:
            await self.ask(request)
        except RequestRefused as problem:
            if problem.in_doubt:
                ledger.perhaps_stopped.add(identifier)
            return False
        ledger.was_stopped(identifier)
        return True

    async def pull(self, view: str, number: int, **extension: Any) -> list[str]:
        """Take some; their ids."""
        request = m.RequestPull(
            tenant_id=TENANT, view_id=view, number_of_interactions=number, extension=extension
        )
        answer = await self.tried(request)
        return [] if answer is None else list(answer.interactions)

    async def log_in(self, agent: str) -> None:
        """Log an agent in, of the same name as the place."""
        await self.ask(
            m.RequestAgentLogin(
                tenant_id=TENANT, agent_id=agent, place_id=agent, media_list={"email": 1}
            )
        )

    @property
    def answered(self) -> int:
        """How many answers came on its connections."""
        return sum(each.answers.total() for each in self.connections)

    def parts(self) -> set[Part]:
        """What it says it holds."""
        return {(each, self.session, number) for each, number in self.client.holding.items()}


class Load:
    """
    All clients of a load, and what they do.

    :param elsewhere: a client that loses its proxy goes to another one.
    :param tls: what clients show and trust; None: they speak no TLS.
    :param alive: when a silent connection is pinged, and when it is given up,
        in seconds.
    :ivar actors: those that live; `everybody` has those too that are gone.
    :ivar running: for as long as it is set they go on.
    :ivar over: set when all is given up.
    """

    def __init__(
        self,
        reactor: Any,
        cluster: RealCluster,
        seed: int,
        *,
        elsewhere: bool = False,
        alive: tuple[float, float] = (10.0, 30.0),
        tls: TlsFiles | None = None,
    ) -> None:
        self._tls = tls
        self.reactor = reactor
        self.cluster = cluster
        self.random = Random(seed)
        self.ledger = Ledger()
        self.actors: list[Actor] = []
        self.everybody: list[Actor] = []
        self.running = True
        self.over = False
        self._elsewhere = elsewhere
        self._settings = Settings(
            timeout=120.0,
            max_in_flight=10_000,
            keep_alive_interval=alive[0],
            keep_alive_limit=alive[1],
        )
        self.numbers: Iterator[int] = iter(range(10**9))

    async def join(self, proxy: str, name: str, client_type: ClientType) -> Actor:
        """One more client, through a proxy."""
        session = self.random.randbytes(16)
        connections: list[Observed] = []
        others = [each for each in self.cluster.proxies if each != proxy]
        client = await connect(
            self.reactor,
            [
                ObservedEndpoint(self.reactor, self.cluster.endpoint(each), connections, self._tls)
                for each in [proxy, *(others if self._elsewhere else [])]
            ],
            name=name,
            client_type=client_type,
            tenants=[TENANT],
            session=session,
            settings=self._settings,
        )
        actor = Actor(self, proxy, client, session, connections)
        self.actors.append(actor)
        self.everybody.append(actor)
        return actor

    async def agent(self, proxy: str, name: str) -> Actor:
        """One more agent, logged in."""
        actor = await self.join(proxy, name, ClientType.AGENT_APPLICATION)
        await actor.log_in(name)
        return actor

    async def close(self) -> None:
        """Everybody says goodbye."""
        actors, self.actors = self.actors, []
        await DeferredList([actor.client.close() for actor in actors], consumeErrors=True)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something; it is the caller who gives up."""
        while not condition():
            await self.pause()

    async def more_acknowledged(self, count: int) -> None:
        """Wait until so many more submits are acknowledged."""
        done = len(self.ledger.acknowledged) + count
        await self.until(lambda: len(self.ledger.acknowledged) >= done)

    async def pause(self) -> None:
        """Let others go on."""
        await deferLater(self.reactor, PAUSE_SECONDS)

    def at_once(self, *works: Awaitable[Any]) -> Deferred[Any]:
        """Do all of them at a time."""
        return gatherResults(
            [Deferred.fromCoroutine(work) for work in works],  # type: ignore[arg-type]
            consumeErrors=True,
        )

    def live_parts(self) -> set[Part]:
        """What the clients that live say they hold."""
        return set().union(*(actor.parts() for actor in self.actors))

    async def hand_in(self, media: Actor) -> None:
        """Submit one after the other while the load runs."""
        while self.running:
            if not await media.submit(next(self.numbers), "Q1"):
                await self.pause()

    async def work(self, agent: Actor, *, keeps: bool = True) -> None:
        """
        Pull, and stop, move, give back or keep a little, while the load runs; then stop all.

        :param keeps: False: nothing is kept, so that a node can be worked off.
        """
        random = Random(self.random.random())
        while self.running:
            taken = await agent.pull("Q1/All", 10)
            await self.at_once(*(self._treat(agent, each, random.random()) for each in taken))
            if not keeps:
                await self.finish(agent)
            if not taken:
                await self.pause()
        await self.finish(agent)

    async def _treat(self, agent: Actor, identifier: str, drawn: float) -> None:
        whose: dict[str, Any] = {"tenant_id": TENANT, "interaction_id": identifier}
        if drawn < 0.1:
            await agent.tried(m.RequestLeaveInteraction(**whose))
        elif drawn < 0.2:
            await agent.tried(m.RequestPlaceInQueue(queue="Q2", **whose))
        elif drawn < 0.3:
            await agent.tried(m.RequestChangeProperties(added_properties={"Seen": 1}, **whose))
        else:
            await agent.stop(identifier)

    async def route(self, strategy: Actor) -> None:
        """The same for a strategy, whose empty pulls are held."""
        random = Random(self.random.random())
        while self.running:
            taken = await strategy.pull("Q2/All", 2, **{"pull-for-strategy": 1})
            for identifier in taken:
                whose: dict[str, Any] = {"tenant_id": TENANT, "interaction_id": identifier}
                if random.random() < 0.3:
                    await strategy.tried(m.RequestLeaveInteraction(**whose))
                else:
                    await strategy.stop(identifier)
            if not taken:
                await self.pause()
        await self.finish(strategy)

    async def finish(self, actor: Actor) -> None:
        """Stop what is still held, until nothing is."""
        while actor.client.holding and not self.over:
            for identifier in list(actor.client.holding):
                if not await actor.stop(identifier):
                    await self.pause()

    async def empty(self, agent: Actor, view: str) -> None:
        """Pull until nothing is left, and stop all."""
        while taken := await agent.pull(view, 100):
            await self.at_once(*(agent.stop(identifier) for identifier in taken))


UNLUCKY = frozenset({Code.LOST_CONNECTION, Code.NOT_ACCESSIBLE})
"""What a request may be answered because a node is away."""
