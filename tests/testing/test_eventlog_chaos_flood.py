"""A flood fills the spool of a log, and in the end everything of it is gone."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy.errors import IxproxyError
from ixproxy.node.log_work import Dropped
from ixproxy.testing.chaos_books import Books
from ixproxy.testing.chaos_history import History
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.eventlog_chaos_flood import Flood
from ixproxy.testing.memory_eventlog import Shelf
from tests.testing.test_chaos_workers import PLAN
from tests.testing.test_logged_cluster import plan


class Flooded:
    """A node in memory whose log has little room, and the flood."""

    def __init__(self, folder: Path, **rules: Any) -> None:
        self.shelf = Shelf()
        self.cluster = Cluster(3, tenants=(PLAN,), nodes=1, proxies=0)
        self.cluster.nodes[0].log(plan(self.shelf, **rules))
        self.cluster.run(1)
        self.history = History(folder / "history.jsonl")
        where = [
            self.cluster.network.client_endpoint(server.endpoint, "here")
            for server in self.cluster.nodes[0].servers
        ]
        self.flood = Flood(self.cluster.clock, self.history, where)
        self.does(self.flood.begin())

    def does(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.cluster.finish(Deferred.fromCoroutine(work))

    def dropped(self) -> int:
        server = self.cluster.nodes[0].latest.server
        assert server is not None
        (status,) = server.state.logs.statuses()
        return int(status.counts.get("dropped", 0))

    def close(self) -> None:
        self.does(self.flood.end())
        self.cluster.close()


def test_pulls_that_are_given_up_make_events_until_some_are_dropped(tmp_path: Path) -> None:
    run = Flooded(tmp_path, max_queue=100)
    flood = run.flood
    run.does(flood.submit(20))
    run.shelf.is_away = True
    assert run.does(flood.until(lambda: run.dropped() > 50))
    assert not run.does(flood.until(lambda: False, 1.0)), "it ends all the same"
    run.shelf.is_away = False
    assert run.does(flood.known())
    assert run.does(flood.drain()) == []
    run.cluster.run(60)
    assert run.cluster.rows("interactions") == []
    books = Books().read(run.history.requests)
    assert (len(books.ids), len(books.ended)) == (20, 20)
    gaps = [each.what for each in run.shelf.gaps.values()]
    assert all(isinstance(each, Dropped) for each in gaps)
    assert gaps
    assert flood.refused == 0
    run.close()


def test_what_is_refused_is_open_and_is_handed_in_again(tmp_path: Path) -> None:
    run = Flooded(tmp_path, max_queue=40, mandatory=True)
    flood = run.flood
    run.does(flood.submit(5))
    run.shelf.is_away = True
    assert run.does(flood.until(lambda: flood.refused >= 3))
    before = flood.refused
    run.does(flood.submit(4))
    assert (flood.refused - before, len(flood.open)) == (4, 4)
    assert run.does(flood.drain(1.0)) == ["4 documents are not acknowledged, 5 not ended"]
    run.shelf.is_away = False
    run.cluster.run(40)
    assert run.does(flood.drain()) == []
    assert flood.open == []
    assert len(Books().read(run.history.requests).ids) == 9
    run.close()


def test_who_has_not_begun_says_so(tmp_path: Path) -> None:
    flood = Flood(None, History(tmp_path / "history.jsonl"), [])
    with pytest.raises(IxproxyError, match="has not begun"):
        _ = flood.asker
