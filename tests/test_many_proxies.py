"""A thousand clients on two proxies, one of which is killed: in memory, and with real processes."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IStreamClientEndpoint

from ixproxy import messages as m
from ixproxy.client import Client, Member, Pair, ProxyCluster, WarmStandby
from ixproxy.messages.message import Message
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.processes import RealCluster
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind, code_of
from ixproxy.wire.prefix import read_frame
from tests import lost_proxy

AGENTS, MEDIA = 900, 100
TAKEN = 600
STANDBY = WarmStandby(retry_delay=10.0, random_range=2.0)
ATTEMPT = 0.5
"""Seconds in which a client is registered in memory, among many that come at a time."""

MINUTES = 5
"""When a run that does not end has failed."""

PULL = m.RequestPull(tenant_id=1, view_id="In/All", number_of_interactions=1)
SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")


def desktops(endpoints: list[IStreamClientEndpoint]) -> ProxyCluster:
    """The proxies as desktops use them: one by chance."""
    members = (Member(f"proxy{n + 1}", (each,)) for n, each in enumerate(endpoints))
    return ProxyCluster(tuple(members), STANDBY)


def pair(endpoints: list[IStreamClientEndpoint]) -> Pair:
    """The proxies as media servers use them: the first, else the second."""
    primary, backup = endpoints
    return Pair(primary, backup, STANDBY)


class Registrations:
    """How many registrations nodes have before them at a time."""

    def __init__(self, cluster: Cluster) -> None:
        self.most: Counter[str] = Counter()
        self._asked: dict[str, set[int]] = {}
        self._readers: dict[tuple[str, str], FrameReader] = {}
        cluster.network.tap = self._wrote

    def _wrote(self, source: str, target: str, written: bytes) -> None:
        node, down = (target, True) if target.startswith("node") else (source, False)
        if not node.startswith("node"):
            return
        for raw in self._readers.setdefault((source, target), FrameReader()).feed(written):
            assert isinstance(raw, bytes)
            frame = read_frame(raw)
            open_ones = self._asked.setdefault(node, set())
            if down and frame.kind == Kind.REQUEST:
                if frame.name == code_of(m.RequestRegisterClient):
                    open_ones.add(frame.reference)
                    self.most[node] = max(self.most[node], len(open_ones))
            elif frame.kind in (Kind.REPLY, Kind.ERROR):
                open_ones.discard(frame.reference)


class Thousand:
    """The clients, each logged in and with what it took."""

    def __init__(self, seed: int) -> None:
        self.cluster = Cluster(seed, nodes=3, proxies=2)
        self.events: list[Message] = []
        media = self._come("media", "MediaServer", MEDIA, pair)
        agents = self._come("desk", "AgentApplication", AGENTS, desktops)
        self.clients = media + agents
        self._all(media[n % MEDIA].request(SUBMIT) for n in range(TAKEN))
        self._all(
            agent.request(
                m.RequestAgentLogin(
                    tenant_id=1, agent_id=f"agent-{n}", place_id=f"p-{n}", media_list={"email": 1}
                )
            )
            for n, agent in enumerate(agents)
        )
        self._all(agent.request(PULL) for agent in agents[:TAKEN])
        self.agents = agents
        for client in self.clients:
            client.on_event(self.events.append)

    def _come(self, name: str, client_type: str, count: int, where: Any) -> list[Client]:
        proxy = [0, 1] if where is pair else None
        coming = [
            self.cluster.connecting(f"{name}-{n}", client_type, proxy=proxy, where=where)[1]
            for n in range(count)
        ]
        return self._all(coming)

    def _all(self, awaited: Any) -> list[Any]:
        waiting = list(awaited)
        results: list[Any] = []
        for each in waiting:
            each.addCallback(results.append)
        self.cluster.run_until(lambda: len(results) == len(waiting), "not all succeed")
        return results

    def at(self, proxy: str) -> list[Client]:
        """Who is connected to a proxy."""
        return [each for each in self.clients if each.connected and each.server.name == proxy]

    def everybody_back(self, away: list[Client], seconds: float) -> list[float]:
        """Run until all of them have come back; after how many seconds each has."""
        cluster, begun = self.cluster, self.cluster.seconds()
        before = {client: client.incarnation for client in away}
        delays: list[float] = []
        while before and cluster.seconds() - begun < seconds:
            cluster.run(0.01)
            for client, incarnation in tuple(before.items()):
                if client.connected and client.incarnation > incarnation:
                    del before[client]
                    delays.append(cluster.seconds() - begun)
        assert not before, f"{len(before)} are not back after {seconds} seconds"
        return delays

    def sessions(self) -> list[tuple[Any, ...]]:
        """Every agent's session, as each node has it."""
        columns = ("node", "agent_id", "number", "dbid", "place_id", "media", "logged_in_at")
        return sorted(tuple(row[each] for each in columns) for row in self.cluster.rows("agents"))

    def holdings(self) -> dict[bytes, dict[str, int]]:
        """What each client holds."""
        return {client.session: dict(client.holding) for client in self.clients}


def test_all_clients_of_a_killed_proxy_are_back_within_the_range_and_no_herd() -> None:
    """Test idea 54: proxy killed under 1,000 desktops, spread of reconnects, no herd at nodes."""
    thousand = Thousand(seed=1)
    cluster = thousand.cluster
    left = thousand.at("proxy1")
    assert 450 < len(left) < 650
    assert set(thousand.clients[:MEDIA]) <= set(left), "media servers use the primary"
    before, held = thousand.sessions(), thousand.holdings()
    assert len(before) == 3 * AGENTS
    assert sum(map(len, held.values())) == TAKEN
    seen = Registrations(cluster)
    cluster.kill_proxy(0)
    delays = thousand.everybody_back(left, STANDBY.random_range + ATTEMPT)
    assert len(thousand.at("proxy2")) == len(thousand.clients)
    no_herd(delays, 0.0, STANDBY.random_range)
    assert max(seen.most.values()) < 30, seen.most
    cluster.run(5)
    assert cluster.problems() == []
    assert thousand.sessions() == before
    assert thousand.holdings() == held
    assert thousand.events == []
    cluster.close()


def test_without_any_proxy_all_come_back_in_the_first_round_that_finds_one() -> None:
    """Test idea 54: rounds of 10 s behind the first one, which are spread as well."""
    thousand = Thousand(seed=2)
    cluster = thousand.cluster
    before, held = thousand.sessions(), thousand.holdings()
    killed = cluster.seconds()
    for proxy in (0, 1):
        cluster.kill_proxy(proxy)
    cluster.run(15)
    assert not any(client.connected for client in thousand.clients)
    cluster.start_proxy(1)
    late = cluster.seconds() - killed
    assert late < 20, "rounds begin after 0..2, 10..14 and 20..26 seconds"
    seen = Registrations(cluster)
    delays = thousand.everybody_back(thousand.clients, 11 + ATTEMPT)
    no_herd(delays, 20 - late, 26 - late)
    assert max(seen.most.values()) < 60, seen.most
    cluster.run(5)
    assert cluster.problems() == []
    assert thousand.sessions() == before
    assert thousand.holdings() == held
    assert thousand.events == []
    cluster.close()


def no_herd(delays: list[float], first: float, last: float) -> None:
    """They came in between, and in no tenth of the time much more than their share."""
    assert first <= min(delays)
    assert max(delays) <= last + ATTEMPT
    tenths = Counter(min(9, int(10 * (delay - first) / (last - first))) for delay in delays)
    share = len(delays) / 10
    assert max(tenths.values()) < 2.5 * share, sorted(tenths.items())
    assert len(tenths) == 10, sorted(tenths.items())


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_thousand_sockets_come_back_when_a_real_proxy_is_killed(
    tmp_path: Path, real_reactor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Test idea 54: proxy killed under 1,000 desktops; the delays are printed, not judged."""
    async with RealCluster(real_reactor, tmp_path, lost_proxy.deployment()) as cluster:
        story = lost_proxy.Story(real_reactor, cluster, AGENTS + MEDIA)
        telling = Deferred.fromCoroutine(story.tell())
        try:
            outcome = await telling.addTimeout(60 * MINUTES, real_reactor)
        except TimeoutError:
            pytest.fail("\n".join(["it does not go on:", *story.outcome.lines()]))
        finally:
            await story.close()
    with capsys.disabled():
        sys.stdout.write("\n  ".join(["", *outcome.lines()]))
    assert len(outcome.delays) == outcome.lost > 0
    assert outcome.held == TAKEN
    assert (outcome.stray, outcome.events, outcome.changed) == ([], [], [])
    for name in (*cluster.nodes, *cluster.proxies):
        assert "Traceback" not in cluster.log(name).read_text(), name
