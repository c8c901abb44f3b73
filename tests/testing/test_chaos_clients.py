"""The load, on a cluster in memory."""

from __future__ import annotations

from pathlib import Path
from random import Random

from twisted.internet.defer import Deferred

from ixproxy.node.model import NodeSettings
from ixproxy.testing.chaos_books import Books, doubled, ended_twice, lost, unanswered
from ixproxy.testing.chaos_clients import Load
from ixproxy.testing.chaos_history import History
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import proxy_address
from tests.testing.test_chaos_workers import PLAN


def test_it_goes_on_rests_and_its_books_are_right(tmp_path: Path) -> None:
    settings = NodeSettings(delivering_timeout=1.0, pull_hold_timeout=1.0)
    cluster = Cluster(5, tenants=(PLAN,), node_settings=settings)
    history = History(tmp_path / "history.jsonl")
    where = [
        cluster.network.client_endpoint(proxy_address(proxy.name), "here")
        for proxy in cluster.proxies
    ]
    load = Load(cluster.clock, history, list(where), Random(5), rate=20.0)
    cluster.finish(Deferred.fromCoroutine(load.begin()))
    cluster.run(2.0)
    assert load.shift.handed_in == 0
    load.go_on()
    cluster.run(10.0)
    assert load.shift.handed_in > 100
    load.rest()
    cluster.run_until(
        lambda: not load.busy and not cluster.rows("interactions"), "something is left", 60.0
    )
    assert load.problems() == []
    assert all(watch.whole for watch in load.watches.values())
    assert len(load.agents) == len(load.desks)
    books = Books(seen=load.seen).read(history.requests)
    assert len(books.ids) == load.shift.handed_in
    assert lost(books, []) == doubled(books, cluster.rows("receipts")) == ended_twice(books) == []
    assert unanswered(history.requests, cluster.seconds()) == []
    visitor = cluster.finish(
        Deferred.fromCoroutine(load.come("visitor", "MediaServer", 1, stays=True))
    )
    cluster.finish(Deferred.fromCoroutine(load.leave([visitor])))
    cluster.finish(Deferred.fromCoroutine(load.close()))
    assert load.clients == []
    cluster.close()


def test_who_is_not_done_says_what_is_missing(tmp_path: Path) -> None:
    load = Load(None, History(tmp_path / "history.jsonl"), [], Random(1), rate=1.0)
    assert load.busy == ""
    load.shift.open.add("R1")
    assert load.busy == "1 submits not acknowledged, 0 interactions held"
