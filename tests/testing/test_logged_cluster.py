"""Nodes with event logs, in memory: what happened is there, once each and in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Event
from ixproxy.messages.status import LogStatus
from ixproxy.net.log_plans import LogPacing, LogPlan
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Dropped, Entry
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.memory_eventlog import MemoryLog, Shelf

SUBMIT: dict[str, Any] = {"tenant_id": 1, "media_type": "email", "queue": "In"}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(3, nodes=1, proxies=0)
    yield made
    made.close()


def plan(shelf: Shelf, name: str = "log", pacing: LogPacing | None = None, **rules: Any) -> LogPlan:
    return LogPlan(
        name,
        "memory",
        lambda: MemoryLog(shelf),
        {"shelf": id(shelf)},
        LogRules(**rules),
        pacing or LogPacing(),
    )


def logged(cluster: Cluster, *plans: LogPlan) -> Any:
    cluster.nodes[0].log(*plans)
    cluster.run(1)
    return cluster.client("mail-1", "MediaServer", node=0)


def numbers(shelf: Shelf) -> list[int]:
    return [entry.number for entry in shelf.events.values()]


def kinds(shelf: Shelf) -> list[str]:
    return [type(entry.what).__name__ for entry in shelf.events.values()]


def status_of(cluster: Cluster) -> LogStatus:
    server = cluster.nodes[0].server
    assert server is not None
    (status,) = server.state.logs.statuses()
    return status


def submit(cluster: Cluster, mail: Any, count: int = 1) -> None:
    for _ in range(count):
        cluster.finish(mail.request(m.RequestSubmit(**SUBMIT)))


def test_what_happens_is_in_the_log_with_its_number_and_its_epoch(
    cluster: Cluster, shelf: Shelf
) -> None:
    mail = logged(cluster, plan(shelf))
    submit(cluster, mail, 3)
    cluster.run(3)
    assert kinds(shelf) == ["EventInteractionSubmitted"] * 3
    assert {(each.dbid, each.epoch) for each in shelf.events.values()} == {(101, 2)}
    for entry in shelf.events.values():
        assert isinstance(entry.what, Event)
        assert entry.what.event_number == entry.number
    assert cluster.nodes[0].rows("outbox") == []
    cluster.run(15)
    (number, at) = shelf.rests[101]
    assert number >= max(numbers(shelf))
    events = [each.what for each in shelf.events.values() if isinstance(each.what, Event)]
    assert at > max(event.event_time for event in events)


def test_a_log_that_was_away_gets_everything_later_and_a_crash_loses_nothing(
    cluster: Cluster, shelf: Shelf
) -> None:
    mail = logged(cluster, plan(shelf))
    shelf.is_away = True
    submit(cluster, mail, 5)
    cluster.run(5)
    cluster.nodes[0].kill()
    cluster.nodes[0].start()
    cluster.run(5)
    submit(cluster, mail, 2)
    shelf.loses_answers = 1
    shelf.is_away = False
    cluster.run(60)
    assert len(shelf.events) == 7
    assert numbers(shelf) == sorted(numbers(shelf))
    assert shelf.gaps == {}
    assert shelf.given > 7, "what was stored without an answer came again"
    assert {each.epoch for each in shelf.events.values()} == {2, 3}
    assert cluster.nodes[0].rows("outbox") == []


def missing(entries: list[Entry]) -> int:
    return sum(sum(e.what.events.values()) for e in entries if isinstance(e.what, Dropped))


def test_a_full_spool_drops_and_says_exactly_what(cluster: Cluster, shelf: Shelf) -> None:
    mail = logged(cluster, plan(shelf, max_queue=4))
    shelf.is_away = True
    submit(cluster, mail, 10)
    cluster.run(5)
    status = status_of(cluster)
    assert (status.waiting, status.dropping, status.counts["dropped"]) == (4, True, 6)
    assert status.counts["gaps"] == 1
    shelf.is_away = False
    cluster.run(60)
    submit(cluster, mail, 1)
    cluster.run(3)
    assert len(shelf.events) == 5
    (gap,) = shelf.gaps.values()
    assert isinstance(gap.what, Dropped)
    assert gap.what.events == {"EventInteractionSubmitted": 6}
    assert (gap.number, gap.what.first) == (gap.what.first, sorted(numbers(shelf))[3] + 1)
    assert gap.what.last - gap.what.first == 5
    status = status_of(cluster)
    assert (status.waiting, status.dropping) == (0, False)


def test_a_log_that_must_have_everything_has_requests_refused_instead(
    cluster: Cluster, shelf: Shelf
) -> None:
    mail = logged(cluster, plan(shelf, max_queue=3, mandatory=True))
    shelf.is_away = True
    submit(cluster, mail, 3)
    with pytest.raises(RequestRefused) as refused:
        submit(cluster, mail)
    assert (refused.value.code, refused.value.in_doubt) == (Code.EVENT_LOG_FULL, False)
    assert len(cluster.rows("interactions")) == 3
    shelf.is_away = False
    cluster.run(40)
    submit(cluster, mail)
    cluster.run(3)
    assert len(shelf.events) == 4
    assert shelf.gaps == {}
