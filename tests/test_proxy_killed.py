"""
`kill -9` of one proxy after the other in the middle of a load, with real processes.

Clients know both proxies: one that loses its own goes to the other, with the
same session, and says what it holds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, TimeoutError

from ixproxy.errors import Code
from ixproxy.testing.processes import RealCluster
from ixproxy.values import ClientType
from tests.ledgers import read_books, stray_parts, wrong_entries
from tests.loads import Load
from tests.test_node_killed import LANES, MINUTES, deployment

EXPLAINED = {Code.LOST_CONNECTION, Code.NOT_ACCESSIBLE, Code.NO_SERVERS}
"""What a client may hear because its proxy died, or the other one is only just there."""


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_clients_of_a_killed_proxy_go_on_at_another_with_all_they_hold(
    tmp_path: Path, real_reactor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with RealCluster(real_reactor, tmp_path, deployment()) as cluster:
        load = Load(real_reactor, cluster, seed=7, elsewhere=True)
        try:
            telling = Deferred.fromCoroutine(tell(load))
            await telling.addTimeout(60 * MINUTES, real_reactor)
        except TimeoutError:
            pytest.fail(f"it does not go on: {load.ledger.outcomes}")
        finally:
            load.running, load.over = False, True
            await load.close()
        with capsys.disabled():
            moved = sum(len(actor.connections) - 1 for actor in load.everybody)
            sys.stdout.write(f"\n  connections made anew: {moved}; {load.ledger.figures()}")
    for name in (*cluster.nodes, *cluster.proxies):
        assert "Traceback" not in cluster.log(name).read_text(), name


async def tell(load: Load) -> None:
    cluster, ledger = load.cluster, load.ledger
    media = [
        await load.join(proxy, f"media at {proxy}", ClientType.MEDIA_SERVER)
        for proxy in cluster.proxies
    ]
    keepers = [await load.agent(proxy, f"keeper at {proxy}") for proxy in cluster.proxies]
    agents = [await load.agent(p, f"agent-{n}") for n, p in enumerate(cluster.proxies * 3)]
    strategies = [
        await load.join(proxy, f"strategy at {proxy}", ClientType.ROUTING_ENGINE)
        for proxy in cluster.proxies
    ]
    for each in media:
        await load.at_once(*(each.submit(next(load.numbers), "Q1") for _ in range(30)))
    for each in keepers:
        while len(each.client.holding) < 6:
            await each.pull("Q1/All", 2)
    kept = [each.parts() for each in keepers]

    works = [load.hand_in(each) for each in media for _ in range(2 * LANES)]
    works += [load.work(each) for each in agents]
    works += [load.route(each) for each in strategies]
    running = load.at_once(*works)
    for proxy in cluster.proxies:
        await load.more_acknowledged(800)
        await cluster.kill(proxy)
        await load.until(lambda: all(actor.client.connected for actor in load.actors))
        await load.more_acknowledged(800)
        await cluster.restart(proxy)
    load.running = False
    await running
    await load.until(lambda: ledger.settled == ledger.asked)
    assert set(ledger.codes()) <= EXPLAINED, ledger.codes()
    for actor in load.actors:
        assert actor.client.in_flight == 0
        assert all(line.answers_once for line in actor.connections)

    def agreed() -> bool:
        return not any(stray_parts(read_books(cluster.stores()), load.live_parts()))

    await load.until(agreed)
    assert wrong_entries(ledger, read_books(cluster.stores())) == []
    assert [each.parts() for each in keepers] == kept, "nobody lost what it kept"
    assert not any(each.revoked for each in keepers)
    assert all(len(each.connections) > 1 for each in keepers)
