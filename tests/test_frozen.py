"""
A node and a proxy that freeze under load, and thaw, with real processes.

Nobody is told: keep-alive finds it out on every side. What a thawed process
finds in its sockets comes from links that others have given up.
"""

from __future__ import annotations

import signal
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

ALIVE = "keep-alive-interval = 1\nkeep-alive-timeout = 1\n"
OPTION_TABLE = ".options.settings]\n"

EXPLAINED = {Code.LOST_CONNECTION, Code.NOT_ACCESSIBLE, Code.NO_SERVERS}


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_frozen_servers_that_thaw_do_no_harm(
    tmp_path: Path, real_reactor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    text = deployment().replace(OPTION_TABLE, OPTION_TABLE + ALIVE)
    async with RealCluster(real_reactor, tmp_path, text) as cluster:
        load = Load(real_reactor, cluster, seed=3, elsewhere=True, alive=(1.0, 2.0))
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
    processes = cluster.servers.processes
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

    works = [load.hand_in(each) for each in media for _ in range(2 * LANES)]
    works += [load.work(each) for each in agents]
    works += [load.route(each) for each in strategies]
    running = load.at_once(*works)
    await load.more_acknowledged(800)

    def logged(name: str, words: str) -> int:
        return cluster.log(name).read_text().count(words)

    lost = {proxy: logged(proxy, "Node ixn2 is lost") for proxy in cluster.proxies}
    processes["ixn2"].signal(signal.SIGSTOP)
    await load.until(
        lambda: all(logged(proxy, "Node ixn2 is lost") > before for proxy, before in lost.items())
    )
    processes["ixn2"].signal(signal.SIGCONT)
    await cluster.ready()
    await load.more_acknowledged(800)

    there = [actor for actor in load.actors if actor.proxy == "proxy1"]
    processes["proxy1"].signal(signal.SIGSTOP)
    await load.until(
        lambda: all(len(actor.connections) > 1 and actor.client.connected for actor in there)
    )
    await load.more_acknowledged(800)
    processes["proxy1"].signal(signal.SIGCONT)
    await cluster.ready()
    await load.more_acknowledged(800)

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
