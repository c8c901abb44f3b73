"""Agents, seats and one reporting stream, with real processes: three nodes, two proxies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Client, connect
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Message
from ixproxy.testing.processes import RealCluster
from tests.test_chained_servers import CLUSTER, NODE, PROXY

SEATS, FEWER = 12, 8
AGENTS = 10
OPTIONS = """
[applications.ixn{0}.options.settings]
agent-session-restore-timeout = 2
delayed-logout-timeout = 1
delayed-logout-panic-threshold = 5
[applications.ixn{0}.options.licences]
ics_multi_media_agent_seat = {1}
"""
GRACE = """
[applications.{0}.options.settings]
node-loss-grace = 1
"""
LONGEST = 60.0
"""Seconds in which what is awaited has happened, or never does."""


def deployment(seats: int) -> str:
    """Three nodes, of which the second has so many seats."""
    nodes = "".join(
        NODE.format(n) + OPTIONS.format(n, seats if n == 2 else 2 * SEATS) for n in (1, 2, 3)
    )
    proxies = "".join(
        PROXY.format(name, port, "nodes") + GRACE.format(name)
        for name, port in (("proxy1", 7001), ("proxy2", 7002))
    )
    tenant = "[tenants.Environment]\nid = 1\n[tenants.Environment.media-types]\nemail = {}\n"
    cluster = CLUSTER.format("nodes", '["ixn1", "ixn2", "ixn3"]', "Interaction Server")
    return f"{tenant}[licences]\nagent-seats = 100\n{nodes}{cluster}{proxies}"


class Heard:
    """What one client is told."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.events: list[Message] = []

    def count(self) -> Counter[str]:
        """Events by name."""
        return Counter(type(event).__name__ for event in self.events)

    async def until(self, true: Callable[[Counter[str]], bool]) -> None:
        """Wait until it has been told."""
        began = self._reactor.seconds()
        while not true(self.count()):
            assert self._reactor.seconds() - began < LONGEST, self.count()
            await deferLater(self._reactor, 0.05)


def login(number: int) -> m.RequestAgentLogin:
    return m.RequestAgentLogin(
        tenant_id=1, agent_id=f"a{number}", place_id=f"p{number}", media_list={"email": 1}
    )


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_agents_of_one_proxy_are_followed_at_the_other(
    tmp_path: Path, real_reactor: Any
) -> None:
    """
    Test ideas 33 and 55: a status reaches a desktop on another proxy; a seat too many is
    refused everywhere; fewer seats log the newest out; a lost proxy is one event.
    """
    cluster = RealCluster(real_reactor, tmp_path, deployment(SEATS))

    async def come(proxy: str, name: str, kind: str, heard: Heard) -> Client:
        where = cluster.endpoint(proxy)
        return await connect(
            real_reactor, where, name=name, client_type=kind, on_event=heard.events.append
        )

    async with cluster:
        told = Heard(real_reactor)
        reporting = await come("proxy1", "stat-1", "ReportingEngine", told)
        await reporting.request(m.RequestStartPlaceAgentStateReportingAll())
        desks: list[Client] = []
        heard = [Heard(real_reactor) for _ in range(AGENTS)]
        for number in range(AGENTS):
            desks.append(await come("proxy2", f"desk-{number}", "AgentApplication", heard[number]))
            await desks[-1].request(login(number))
        await told.until(lambda count: count["EventAgentLogin"] == AGENTS)

        status = m.EventCurrentAgentStatus(tenant_id=1, agent_id="a3", place_id="p3")
        reporting.send(status)
        await heard[3].until(lambda count: count["EventCurrentAgentStatus"] == 1)

        more = [
            await come("proxy1", f"more-{number}", "AgentApplication", Heard(real_reactor))
            for number in range(SEATS - AGENTS + 1)
        ]
        for number, desk in enumerate(more[:-1], AGENTS):
            await desk.request(login(number))
        with pytest.raises(RequestRefused) as refusal:
            await more[-1].request(login(SEATS))
        assert refusal.value.code == Code.NO_LICENCE
        await told.until(lambda count: count["EventAgentLogin"] == SEATS)
        for desk in more:
            await desk.close()
        await told.until(lambda count: count["EventAgentLogout"] == SEATS - AGENTS)

        told.events.clear()
        await cluster.change(deployment(FEWER))
        await told.until(lambda count: count["EventAgentLogout"] == AGENTS - FEWER)
        for number in range(FEWER, AGENTS):
            await heard[number].until(lambda count: count["EventForcedAgentStateChange"] == 1)

        told.events.clear()
        await cluster.kill("proxy2")
        await told.until(lambda count: count["EventMassAgentLogout"] == 1)
        assert told.count() == {"EventMassAgentLogout": 1}
        [mass] = told.events
        assert isinstance(mass, m.EventMassAgentLogout)
        assert (mass.application_name, sorted(mass.agents)) == (
            "proxy2",
            [f"a{number}" for number in range(FEWER)],
        )
        for client in (*desks, reporting):
            await client.close(goodbye=False)
