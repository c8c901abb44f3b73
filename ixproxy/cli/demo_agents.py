"""
Works everything off: agents pull from the views, and routing clients from one of them.

Theory of operation: every agent is logged in through one of the proxies. It
pulls from one view after another until a whole round gives nothing. What
becomes of an interaction is decided by its id, so that a part of them takes
each of the ways that `Fate` names. A stop is the end of each way, and every
stop that is acknowledged is counted by its id. What went into an agent's
workbin is fetched from there, by its owner, when the views are empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from zlib import crc32

from twisted.internet.defer import Deferred, gatherResults

from ixproxy import messages as m
from ixproxy.cli.connecting import Asking
from ixproxy.cli.demo_clients import Clients
from ixproxy.cli.demo_deployment import PROXIES, TENANT_ID, WORKBIN, Plan
from ixproxy.messages.message import KeyValues, Request
from ixproxy.values import ClientType

BY_IDS = "_system_"


class Fate(Enum):
    """What becomes of an interaction that was pulled."""

    STOPPED = "stopped at once"
    CHANGED = "changed, then stopped"
    HELD = "put on hold, resumed, then stopped"
    KEPT = "laid into a workbin, fetched, then stopped"
    ESCALATED = "placed in another queue, then stopped by a strategy"


_PER_CENT = ((5, Fate.CHANGED), (10, Fate.HELD), (15, Fate.KEPT), (20, Fate.ESCALATED))


def fate_of(identifier: str) -> Fate:
    """What becomes of an interaction: the same in every run with the same id."""
    drawn = crc32(identifier.encode()) % 100
    return next((fate for below, fate in _PER_CENT if drawn < below), Fate.STOPPED)


@dataclass(slots=True)
class Seen:
    """
    What agents and strategies saw of the cluster.

    :ivar stops: interaction id to how many of its stops were acknowledged.
    :ivar held: who has an interaction, by what the cluster answered.
    :ivar taken_twice: takes of an interaction that somebody had.
    :ivar pulls: pulls that gave something; `breaks`: those of them that gave
        something older than what an earlier pull of the same view had given.
    """

    stops: Counter[str] = field(default_factory=Counter)
    fates: Counter[Fate] = field(default_factory=Counter)
    held: dict[str, str] = field(default_factory=dict)
    taken_twice: int = 0
    pulls: int = 0
    breaks: int = 0
    newest: dict[str, bytes] = field(default_factory=dict)

    def pulled(self, view: str, known: bytes, keys: dict[str, bytes]) -> None:
        """
        Look at the order keys of what a pull gave.

        :param known: the newest key of the view when the pull was sent: only
            what was known then can be said to have come before.
        """
        if keys:
            self.pulls += 1
            self.breaks += min(keys.values()) < known
            self.newest[view] = max(self.newest.get(view, b""), *keys.values())

    def taken(self, identifier: str, who: str) -> None:
        """Somebody was handed an interaction."""
        self.taken_twice += identifier in self.held
        self.held[identifier] = who

    def given_back(self, identifier: str) -> None:
        """Whoever had it has it no more, or is about to."""
        self.held.pop(identifier, None)


class Worker:
    """
    An agent, or a strategy: pulls, works, stops.

    :param stopped: called for each stop that was acknowledged.
    """

    def __init__(
        self,
        clients: Clients,
        client: Asking,
        name: str,
        seen: Seen,
        stopped: Callable[[int], None],
    ) -> None:
        self._clients = clients
        self._client = client
        self.name = name
        self._seen = seen
        self._stopped = stopped

    async def pull(self, view: str, extension: KeyValues) -> list[str]:
        """One pull from a view; the ids that it gave, none after an error."""
        seen = self._seen
        known = seen.newest.get(view, b"")
        request = m.RequestPull(
            tenant_id=TENANT_ID, view_id=view, number_of_interactions=1, extension=extension
        )
        kind = "Pull, held while empty" if extension else "Pull"
        answer = await self._clients.tried(self._client, request, kind)
        if not isinstance(answer, m.EventPulledInteractions):
            return []
        seen.pulled(view, known, answer.sort_keys)
        for identifier in answer.interactions:
            seen.taken(identifier, self.name)
        return list(answer.interactions)

    async def stop(self, identifier: str) -> None:
        """End an interaction."""
        self._seen.given_back(identifier)
        request = m.RequestStopProcessing(
            tenant_id=TENANT_ID,
            interaction_id=identifier,
            reason=m.Reason(reason_description="done"),
        )
        if await self._clients.tried(self._client, request) is not None:
            self._seen.stops[identifier] += 1
            self._stopped(1)

    async def do(self, request: Request) -> bool:
        """Send a request; whether it was carried out."""
        return await self._clients.tried(self._client, request) is not None


class Agent(Worker):
    """An agent who is logged in, with all media ready."""

    async def log_in(self, plan: Plan, number: int) -> None:
        """:raise RequestRefused: the cluster refused the login."""
        await self._clients.ask(
            self._client,
            m.RequestAgentLogin(
                tenant_id=TENANT_ID,
                agent_id=self.name,
                place_id=f"place-{number}",
                media_list=dict.fromkeys(plan.media_types, 1),
            ),
        )

    async def log_out(self) -> None:
        """Errors are counted."""
        await self.do(m.RequestAgentLogout(tenant_id=TENANT_ID, agent_id=self.name))

    async def work(self, plan: Plan, first: int) -> None:
        """
        Pull from all views in turn until a round gives nothing, then empty the workbin.

        :param first: where the first round begins: not all at the same view.
        """
        views = plan.views[first % len(plan.views) :] + plan.views[: first % len(plan.views)]
        found = True
        while found:
            found = False
            for view in views:
                for identifier in await self.pull(view, {}):
                    found = True
                    await self._treat(plan, identifier)
        await self._empty_workbin()

    async def _treat(self, plan: Plan, identifier: str) -> None:
        fate = fate_of(identifier)
        self._seen.fates[fate] += 1
        whose: dict[str, Any] = {"tenant_id": TENANT_ID, "interaction_id": identifier}
        match fate:
            case Fate.KEPT:
                self._seen.given_back(identifier)
                if await self.do(m.RequestPlaceInWorkbin(workbin=self._workbin, **whose)):
                    return
            case Fate.ESCALATED:
                self._seen.given_back(identifier)
                if await self.do(m.RequestPlaceInQueue(queue=plan.escalations, **whose)):
                    return
            case Fate.CHANGED:
                notes = {"Handled by": self.name}
                await self.do(m.RequestChangeProperties(added_properties=notes, **whose))
            case Fate.HELD:
                if await self.do(m.RequestHold(**whose)):
                    await self.do(m.RequestResume(**whose))
            case Fate.STOPPED:
                pass
        await self.stop(identifier)

    @property
    def _workbin(self) -> m.Workbin:
        return m.Workbin(workbin_type_id=WORKBIN, workbin_agent_id=self.name)

    async def _empty_workbin(self) -> None:
        while True:
            lying = m.RequestGetWorkbinContent(tenant_id=TENANT_ID, workbin=self._workbin)
            content = await self._clients.tried(self._client, lying)
            if not isinstance(content, m.EventWorkbinContent) or not content.interactions:
                return
            identifiers = list(content.interactions)[:50]
            taking = m.RequestPull(
                tenant_id=TENANT_ID,
                view_id=BY_IDS,
                pull_parameters=dict.fromkeys(identifiers, 1),
                number_of_interactions=len(identifiers),
            )
            answer = await self._clients.tried(self._client, taking)
            if not isinstance(answer, m.EventPulledInteractions):
                return
            for identifier in answer.interactions:
                self._seen.taken(identifier, self.name)
                await self.stop(identifier)


class Strategy(Worker):
    """A routing client: its empty pulls are held by the nodes."""

    async def work(self, view: str, agents_done: Callable[[], bool]) -> None:
        """Pull and stop until the view is empty and no agent can put anything into it."""
        while True:
            last = agents_done()
            identifiers = await self.pull(view, {} if last else {"pull-for-strategy": 1})
            for identifier in identifiers:
                await self.stop(identifier)
            if last and not identifiers:
                return


async def work_off(
    clients: Clients, plan: Plan, agents: int, seen: Seen, progress: Callable[[int], None]
) -> None:
    """
    Log agents in, let them and the strategies work until all is empty, log them out.

    :raise RequestRefused: a login was refused.
    """
    desks: list[Agent] = []
    for number in range(1, agents + 1):
        proxy = PROXIES[number % len(PROXIES)]
        name = f"agent-{number}"
        client = await clients.open(proxy, f"desktop-{number}", ClientType.AGENT_APPLICATION)
        desks.append(Agent(clients, client, name, seen, progress))
        await desks[-1].log_in(plan, number)
    strategies: list[Strategy] = []
    for proxy in PROXIES:
        client = await clients.open(proxy, f"strategy at {proxy}", ClientType.ROUTING_ENGINE)
        strategies.append(Strategy(clients, client, f"strategy at {proxy}", seen, progress))
    working = gatherResults(
        [Deferred.fromCoroutine(desk.work(plan, place)) for place, desk in enumerate(desks)],
        consumeErrors=True,
    )
    routing = gatherResults(
        [
            Deferred.fromCoroutine(each.work(plan.escalations_view, lambda: bool(working.called)))
            for each in strategies
        ],
        consumeErrors=True,
    )
    await gatherResults([working, routing], consumeErrors=True)
    for desk in desks:
        await desk.log_out()
