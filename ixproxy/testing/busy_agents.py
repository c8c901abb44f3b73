"""
Clients that work by chance: routers that deliver, agents that answer, reporting clients that read.

What they are told they believe: an agent whose session the server has ended
logs in again, an interaction that was revoked is no longer theirs. Each keeps
asking until it is told to rest; nobody asks anything about an interaction that
it does not hold, but for what it was invited to.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Message, Request
from ixproxy.testing.agent_steps import MEDIA
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.steps import TENANT
from ixproxy.testing.watching import StreamWatch
from ixproxy.values import ClientType

AGENTS = ("anna", "bert", "carl", "anna", "dora")
"""Who logs in through each of the desktops."""

PAUSE = 0.4
"""Seconds between two things that one client does, on average."""

_SETTLED_LATE = (m.RequestDeliver, m.RequestTransfer, m.RequestConference)


class BusyClients:
    """
    A submitter, two routers, some desktops, two reporting clients.

    :param timeout: seconds for which they wait for an answer, and `delivering`
        more for that of an invitation.
    :ivar victims: those to whom something may happen.
    :ivar counts: requests, by name and what they came to.
    """

    def __init__(self, cluster: Cluster, random: Random, timeout: float, delivering: float) -> None:
        self._cluster = cluster
        self._random = random
        self._timeout = timeout
        self._delivering = delivering
        self._working = True
        self._ids: list[str] = []
        self._ended: Counter[str] = Counter()
        self._doubtful: Counter[str] = Counter()
        self._open: dict[int, tuple[Client, str]] = {}
        self._asked = 0
        self._logged_in: dict[Client, str] = {}
        self.counts: Counter[str] = Counter()
        self.broken: list[Failure] = []
        self.victims: list[Client] = []
        self._watches: dict[Client, StreamWatch] = {}

    def begin(self) -> None:
        """Connect all, and have them work."""
        cluster = self._cluster
        self._mail = cluster.client("mail-1", ClientType.MEDIA_SERVER)
        for number in range(2):
            reporter = cluster.client(f"stat-{number}", ClientType.REPORTING_ENGINE)
            watch = StreamWatch(f"stat-{number}")
            reporter.on_event(watch.event_received)
            cluster.finish(reporter.request(m.RequestStartPlaceAgentStateReportingAll()))
            self._watches[reporter] = watch
            self.victims.append(reporter)
        for number in range(2):
            router = cluster.client(f"router-{number}", ClientType.ROUTING_ENGINE)
            self.victims.append(router)
            self._run(self._route(router))
        for agent in AGENTS:
            desk = cluster.client("desk", ClientType.AGENT_APPLICATION)
            self.victims.append(desk)
            desk.on_event(partial(self._told, desk))
            self._run(self._desk(desk, agent))
        self._run(self._submit())

    @property
    def watches(self) -> list[StreamWatch]:
        """What the reporting clients are told that live."""
        return [watch for client, watch in self._watches.items() if self._cluster.alive(client)]

    def rest(self) -> None:
        """Nobody begins anything any more."""
        self._working = False

    def unanswered(self) -> list[str]:
        """Requests that have no answer; what went wrong with anybody is raised."""
        for failure in self.broken:
            failure.raiseException()
        return [
            f"{name} of {client!r} was never answered"
            for client, name in self._open.values()
            if self._cluster.alive(client)
        ]

    def audit(self) -> list[str]:
        """Everything that was submitted is gone, by exactly one hand."""
        left = [row["id"] for row in self._cluster.rows("interactions")]
        problems = [f"{identifier} is left" for identifier in left]
        for identifier in self._ids:
            ended = self._ended[identifier]
            if ended > 1:
                problems.append(f"{identifier} was ended {ended} times")
            if not ended and not self._doubtful[identifier] and identifier not in left:
                problems.append(f"{identifier} is gone, and nobody ended it")
        return problems

    async def end_all(self) -> None:
        """Everybody ends what is held."""
        for client in self._cluster.living():
            await self.end(client, list(client.holding))

    async def resume_all(self, client: Client) -> None:
        """What somebody put on hold can be pulled again."""
        for identifier in self._ids:
            await self._ask(client, m.RequestResume(**_named(identifier)))

    async def end(self, client: Client, identifiers: list[str]) -> None:
        """Stop interactions, and note what became of it."""
        for identifier in identifiers:
            refusal = await self._ask(client, m.RequestStopProcessing(**_named(identifier)))
            if refusal is None:
                self._ended[identifier] += 1
            elif isinstance(refusal, RequestRefused) and refusal.in_doubt:
                self._doubtful[identifier] += 1

    def _run(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(self.broken.append)

    async def _pause(self, seconds: float = PAUSE) -> None:
        await deferLater(self._cluster.clock, self._random.random() * 2 * seconds)

    def _active(self, client: Client) -> bool:
        return self._working and self._cluster.alive(client)

    async def _ask(self, client: Client, request: Request) -> RequestRefused | None:
        """Ask something; returns what it was refused with."""
        self._asked += 1
        number, name = self._asked, type(request).__name__
        if not self._cluster.alive(client):
            return None
        self._open[number] = client, name
        patience = self._timeout
        if isinstance(request, _SETTLED_LATE):
            patience += self._delivering + 1.0
        try:
            answer = await client.request(request, patience)
        except RequestRefused as refusal:
            self.counts[f"{name} {refusal.code}"] += 1
            return refusal
        else:
            self.counts[name] += 1
            if isinstance(request, m.RequestSubmit):
                self._ids.append(answer.interaction_id)
            return None
        finally:
            del self._open[number]

    async def _submit(self) -> None:
        random = self._random
        for number in range(random.randrange(6, 14)):
            submit = m.RequestSubmit(
                tenant_id=TENANT,
                media_type=random.choice(MEDIA),
                queue=random.choice(["In", "In", "Second"]),
                user_data={"n": number},
            )
            await self._ask(self._mail, submit)
            await self._pause(0.2)

    async def _route(self, router: Client) -> None:
        """Pull, and deliver what is pulled."""
        random = self._random
        while self._active(router):
            if len(router.holding) < 3:
                view = random.choice(["In/All", "In/All", "Second/All"])
                pull = m.RequestPull(
                    tenant_id=TENANT,
                    view_id=view,
                    number_of_interactions=2,
                    extension={"pull-for-strategy": 1},
                )
                await self._ask(router, pull)
            for identifier in list(router.holding):
                agent = random.choice(AGENTS)
                self._run(self._deliver(router, identifier, agent))
            await self._pause()

    async def _deliver(self, router: Client, identifier: str, agent: str) -> None:
        await self._pause(0.1)
        if identifier in router.holding and self._active(router):
            deliver = m.RequestDeliver(**_named(identifier), agent_id=agent)
            await self._ask(router, deliver)

    def _told(self, desk: Client, event: Message) -> None:
        if isinstance(event, m.EventForcedAgentStateChange):
            if event.agent_state_change_operation == "Logout":
                self._logged_in.pop(desk, None)
        elif isinstance(event, m.EventInvite):
            self._run(self._answer(desk, event))

    async def _answer(self, desk: Client, invite: m.EventInvite) -> None:
        """Accept, refuse, or let it be."""
        random = self._random
        chance = random.random()
        await self._pause(random.choice([0.01, 0.01, 0.3]))
        named = {**_named(invite.interaction_id), "ticket_id": invite.ticket_id}
        if not self._cluster.alive(desk):
            return
        if chance < 0.7:
            await self._ask(desk, m.RequestAccept(**named))
        elif chance < 0.85:
            await self._ask(desk, m.RequestReject(**named))

    async def _desk(self, desk: Client, agent: str) -> None:
        """Log in, work on what is held, change states."""
        random = self._random
        who = {"tenant_id": TENANT, "agent_id": agent}
        while self._active(desk):
            await self._pause()
            if not self._active(desk):
                return
            if desk not in self._logged_in:
                some = {name: random.randrange(2) for name in random.sample(MEDIA, 2)}
                self._logged_in[desk] = agent
                place = {"place_id": f"place-{agent}"}
                login = m.RequestAgentLogin(**who, **place, media_list=some)  # type: ignore[arg-type]
                if await self._ask(desk, login) is not None:
                    self._logged_in.pop(desk, None)
                continue
            held = sorted(desk.holding)
            if held and random.random() < 0.7:
                await self._work_on(desk, random.choice(held))
            else:
                await self._change(desk, who)

    async def _work_on(self, desk: Client, identifier: str) -> None:
        random, named = self._random, _named(identifier)
        target = random.choice(AGENTS)
        match random.randrange(8):
            case 0 | 1:
                await self.end(desk, [identifier])
            case 2:
                queue = random.choice(["In", "Second", "Done"])
                await self._ask(desk, m.RequestPlaceInQueue(**named, queue=queue))
            case 3:
                await self._ask(desk, m.RequestTransfer(**named, agent_id=target))
            case 4 | 5:
                await self._ask(desk, m.RequestConference(**named, agent_id=target))
            case 6:
                await self._ask(desk, m.RequestLeaveInteraction(**named))
            case 7:
                await self._ask(desk, m.RequestHold(**named))

    async def _change(self, desk: Client, who: dict[str, Any]) -> None:
        random = self._random
        media = {**who, "media_type_name": random.choice(MEDIA)}
        match random.randrange(9):
            case 0:
                self._logged_in.pop(desk, None)
                await self._ask(desk, m.RequestAgentLogout(**who))
            case 1 | 2:
                await self._ask(desk, m.RequestAddMedia(**media))
            case 3 | 4:
                await self._ask(desk, m.RequestNotReadyForMedia(**media))
            case 5:
                await self._ask(desk, m.RequestCancelNotReadyForMedia(**media))
            case 6:
                await self._ask(desk, m.RequestDoNotDisturbOn(**who))
            case 7:
                await self._ask(desk, m.RequestDoNotDisturbOff(**who))
            case 8:
                await self._ask(desk, m.RequestRemoveMedia(**media))


def _named(identifier: str) -> dict[str, Any]:
    return {"tenant_id": TENANT, "interaction_id": identifier}
