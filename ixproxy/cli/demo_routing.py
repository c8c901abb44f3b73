"""
Brings interactions to agents: strategies pull from the views and deliver.

Theory of operation: there is a routing client at each proxy, and as many deliveries
at a time as there are agents. Each waits for a free agent, so that nobody has two
deliveries at a time. A delivery is answered when the agent has accepted, and the
agent is free again when the work is done; one that is refused or not answered puts
the interaction back, and another round finds it there. When a round over all
views gives nothing, to any of them, the queues are empty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.cli.demo_agents import Agent, Seen, Worker
from ixproxy.cli.demo_calling import Calls, is_acknowledged
from ixproxy.cli.demo_clients import Clients
from ixproxy.cli.demo_deployment import PROXIES, TENANT_ID, Plan
from ixproxy.errors import Code, RequestRefused
from ixproxy.values import ClientType

_TURNED_DOWN = {
    Code.INVITATION_REJECTED: "rejected",
    Code.INVITATION_EXPIRED: "expired",
}


class Desks:
    """Agents who wait for work, and those who are at it."""

    def __init__(self) -> None:
        self._free: deque[Agent] = deque()
        self._waiting: deque[Deferred[Agent]] = deque()
        self._failure: Failure | None = None

    def free(self, agent: Agent) -> None:
        """An agent has nothing to do."""
        if self._waiting:
            self._waiting.popleft().callback(agent)
        else:
            self._free.append(agent)

    async def take(self) -> Agent:
        """The agent who has been free the longest; waits for one."""
        if self._failure is not None:
            self._failure.raiseException()
        if self._free:
            return self._free.popleft()
        waiting: Deferred[Agent] = Deferred()
        self._waiting.append(waiting)
        return await waiting

    def invited(self, agent: Agent, invite: m.EventInvite) -> None:
        """Have an agent answer an invitation, and be free behind the work."""
        Deferred.fromCoroutine(self._answer(agent, invite)).addErrback(self._failed)

    async def _answer(self, agent: Agent, invite: m.EventInvite) -> None:
        if await agent.answer(invite):
            self.free(agent)

    def _failed(self, failure: Failure) -> None:
        """What is no refusal is a fault, and ends the work."""
        self._failure = failure
        waiting, self._waiting = self._waiting, deque()
        for each in waiting:
            each.errback(failure)


class Strategy(Worker):
    """
    A routing client: delivers, and deals itself with what agents handed on.

    :ivar calls: for acknowledgements; None: there is no external server.
    """

    calls: Calls | None = None

    async def deliver_all(self, views: Iterable[str], desks: Desks) -> None:
        """Deliver what the views have, until a round over all of them gives nothing."""
        views = tuple(views)
        found = True
        while found:
            found = False
            for view in views:
                agent = await desks.take()
                identifiers = await self.pull(view, {})
                for identifier in identifiers:
                    found = True
                    await self._deliver(identifier, agent, desks)
                if not identifiers:
                    desks.free(agent)

    async def _deliver(self, identifier: str, agent: Agent, desks: Desks) -> None:
        request = m.RequestDeliver(
            tenant_id=TENANT_ID, interaction_id=identifier, agent_id=agent.name
        )
        done = self._seen.done
        properties = self._shown.pop(identifier, {})
        first = identifier not in self._seen.turned_down
        if self.calls is not None and first and is_acknowledged(identifier, properties):
            await self.calls.acknowledge(self._clients, self._client, identifier, properties)
            done["called"] += 1
        self._seen.given_back(identifier)
        try:
            await self._clients.ask(self._client, request, "Deliver, until accepted")
        except RequestRefused as problem:
            desks.free(agent)
            outcome = _TURNED_DOWN.get(problem.code) if not problem.in_doubt else None
            if outcome is not None:
                done["invited"] += 1
                done[outcome] += 1
                return
            self._clients.measured.failed(request, problem)
            await self.stop(identifier)
        else:
            done["invited"] += 1
            done["accepted"] += 1

    async def finish(self, view: str, agents_done: Callable[[], bool]) -> None:
        """Pull and stop until the view is empty and no agent can put anything into it."""
        while True:
            last = agents_done()
            identifiers = await self.pull(view, {} if last else {"pull-for-strategy": 1})
            for identifier in identifiers:
                await self.stop(identifier)
            if last and not identifiers:
                return


async def work_off(
    clients: Clients,
    plan: Plan,
    agents: int,
    seen: Seen,
    progress: Callable[[int], None],
    calls: Calls | None = None,
) -> None:
    """
    Log agents in, let them and the strategies work until all is empty, log them out.

    :raise RequestRefused: a login was refused.
    """
    desks = Desks()
    logged_in: list[Agent] = []
    for number in range(1, agents + 1):
        proxy = PROXIES[number % len(PROXIES)]
        client = await clients.open(proxy, f"desktop-{number}", ClientType.AGENT_APPLICATION)
        name = f"agent-{number}"
        agent = Agent(clients, client, name, seen, progress, plan, desks.invited)
        logged_in.append(agent)
        await agent.log_in(number)
    for agent in logged_in:
        agent.others = [each for each in logged_in if each is not agent]
        desks.free(agent)
    strategies: list[Strategy] = []
    for proxy in PROXIES:
        client = await clients.open(proxy, f"strategy at {proxy}", ClientType.ROUTING_ENGINE)
        strategies.append(Strategy(clients, client, f"strategy at {proxy}", seen, progress))
        strategies[-1].calls = calls
    working = Deferred.fromCoroutine(_work(plan, strategies, logged_in, desks))
    finishing = [
        Deferred.fromCoroutine(each.finish(plan.escalations_view, lambda: bool(working.called)))
        for each in strategies
    ]
    await gatherResults([working, *finishing], consumeErrors=True)
    for agent in logged_in:
        await agent.log_out()
    if calls is not None:
        await calls.count(clients, client)


async def _work(plan: Plan, strategies: list[Strategy], agents: list[Agent], desks: Desks) -> None:
    deliveries = []
    for place in range(len(agents)):
        first = place % len(plan.views)
        views = plan.views[first:] + plan.views[:first]
        strategy = strategies[place % len(strategies)]
        deliveries.append(Deferred.fromCoroutine(strategy.deliver_all(views, desks)))
    await gatherResults(deliveries, consumeErrors=True)
    # All are free once they have done their last work.
    for _ in agents:
        await desks.take()
    await gatherResults(
        [Deferred.fromCoroutine(agent.empty_workbin()) for agent in agents], consumeErrors=True
    )
