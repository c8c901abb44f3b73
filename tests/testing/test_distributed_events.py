"""Events that clients have distributed, through proxies: each reporting client hears each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.log_packs import entries_of
from ixproxy.node.log_rules import LogRules
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.watching import StreamWatch


@pytest.fixture(params=[0, 2], ids=["proxies", "a chain of proxies"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    settings = NodeSettings(logs={"log": LogRules()})
    made = Cluster(5, outer=request.param, node_settings=settings)
    yield made
    made.close()


class Reporter:
    """A reporting client, what custom events it heard, and what is wrong with its stream."""

    def __init__(self, cluster: Cluster, name: str, **where: Any) -> None:
        self.client: Client = cluster.client(name, "ReportingEngine", **where)
        self.heard: list[m.EventCustomReporting] = []
        self.watch = StreamWatch(name)
        self.client.on_event(self._told)
        start = m.RequestStartPlaceAgentStateReportingAll()
        cluster.finish(self.client.request(start))
        self.watch.acknowledged(start)
        cluster.run(2)

    def _told(self, event: Any) -> None:
        self.watch.event_received(event)
        if isinstance(event, m.EventCustomReporting):
            self.heard.append(event)


def custom(number: int, **more: Any) -> m.RequestDistributeReportingEvent:
    return m.RequestDistributeReportingEvent(
        tenant_id=1, custom_event_id=number, event={"n": number}, **more
    )


def test_each_reporting_client_hears_each_event_once(cluster: Cluster) -> None:
    reporters = [Reporter(cluster, f"stat-{n}", proxy=n) for n in range(2)]
    router = cluster.client("router-1", "RoutingEngine", proxy=0)
    for number in range(1, 13):
        answer = cluster.finish(router.request(custom(number)))
        assert answer == m.EventAck()
    own = m.RequestDistributeEvent(tenant_id=1, event={"ThisDN": "VQ-1"})
    cluster.finish(router.request(own))
    cluster.run(2)
    for reporter in reporters:
        told = Counter(event.custom_event_id for event in reporter.heard)
        assert told == dict.fromkeys(range(13), 1)
        assert len({(event.dbid, event.event_number) for event in reporter.heard}) == 13
        assert {event.actor.router_id for event in reporter.heard if event.actor} == {"router-1"}
        assert reporter.watch.problems == []
    assert len({event.dbid for event in reporters[0].heard}) == 3, "nodes take turns"
    logged = [event for node in range(3) for event in _stored(cluster, node)]
    assert len(logged) == 13, "and the event log is told of each"


def test_what_is_about_an_interaction_comes_from_its_owner_in_order(cluster: Cluster) -> None:
    reporter = Reporter(cluster, "stat-1", proxy=1)
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    seen: list[tuple[str, str]] = []
    reporter.client.on_event(
        lambda event: seen.append((type(event).__name__, getattr(event, "interaction_id", "")))
    )
    ids = []
    for number in range(1, 7):
        submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")
        identifier = cluster.finish(mail.request(submit)).interaction_id
        ids.append(identifier)
        answer = cluster.finish(mail.request(custom(number, interaction_id=identifier)))
        assert answer.interaction_id == identifier
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        cluster.finish(mail.request(stop))
    cluster.run(2)
    for identifier in ids:
        assert [name for name, about in seen if about == identifier] == [
            "EventInteractionSubmitted",
            "EventCustomReporting",
            "EventProcessingStopped",
        ]
    assert [event.interaction["Queue"] for event in reporter.heard] == ["In"] * 6


def test_what_is_refused_is_heard_by_nobody(cluster: Cluster) -> None:
    reporter = Reporter(cluster, "stat-1", proxy=0)
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    for wrong, code in (
        (custom(0), Code.MISSING_VALUE),
        (custom(1, interaction_id="never"), Code.UNKNOWN_INTERACTION),
        (custom(1, media_type="pigeon"), Code.NOT_ACCESSIBLE),
        (custom(1, media_type="fax"), Code.NO_SERVERS),
        (m.RequestDistributeEvent(tenant_id=1), Code.MISSING_VALUE),
        (m.RequestDistributeEvent(event={"k": 1}), Code.NOT_ACCESSIBLE),
        (
            m.RequestDistributeEvent(tenant_id=1, event={"x": "y" * (600 << 10)}),
            Code.USER_DATA_TOO_LARGE,
        ),
    ):
        with pytest.raises(RequestRefused) as refused:
            cluster.finish(mail.request(wrong))
        assert refused.value.code == code
    cluster.run(2)
    assert reporter.heard == []


def test_the_largest_event_about_the_largest_interaction_is_told_as_far_as_it_fits(
    cluster: Cluster,
) -> None:
    reporter = Reporter(cluster, "stat-1", proxy=0)
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    large = "x" * ((512 << 10) - 20)
    submit = m.RequestSubmit(
        tenant_id=1, media_type="email", queue="In", user_data={"large": large}
    )
    identifier = cluster.finish(mail.request(submit)).interaction_id
    request = m.RequestDistributeReportingEvent(
        tenant_id=1, custom_event_id=1, event={"large": large}, interaction_id=identifier
    )
    cluster.finish(mail.request(request))
    cluster.run(2)
    (event,) = reporter.heard
    assert event.event == {"large": large}
    assert "UserData" not in event.interaction
    assert event.extension == {"Shortened": 1}
    assert reporter.watch.problems == []


def test_a_node_lost_before_it_answers_leaves_it_in_doubt_and_told_once_at_most(
    cluster: Cluster,
) -> None:
    reporter = Reporter(cluster, "stat-1", proxy=0)
    mail = cluster.client("mail-1", "MediaServer", proxy=0)
    asked = [mail.request(custom(number)) for number in range(1, 31)]
    cluster.run(0.003)
    cluster.kill_node(1)
    answers, refusals = [], set[int]()
    for each in asked:
        try:
            answers.append(bool(cluster.finish(each)))
        except RequestRefused as refusal:
            refusals.add(refusal.code)
            answers.append(False)
    assert refusals <= {Code.LOST_CONNECTION, Code.NO_SERVERS}
    cluster.run(5)
    told = Counter(event.custom_event_id for event in reporter.heard)
    assert all(count == 1 for count in told.values())
    lost = [number for number, done in enumerate(answers, 1) if done and number not in told]
    assert all(number in _stored(cluster, 1) for number in lost), "the log has what nobody heard"


def _stored(cluster: Cluster, node: int) -> set[int]:
    """The custom events in one node's outbox."""
    rows = cluster.nodes[node].rows("outbox")
    events = [each.what for row in rows for each in entries_of(0, row["body"])[0]]
    return {event.custom_event_id for event in events if isinstance(event, m.EventCustomReporting)}


def test_a_ping_is_for_a_node_and_a_proxy_refuses_it(cluster: Cluster) -> None:
    """Test idea 61: Ping is refused by the proxy (2000); whoever monitors a node asks the node."""
    client = cluster.client("probe", "AgentApplication", proxy=0)
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(client.request(m.RequestPing()))
    assert refused.value.code == Code.UNSUPPORTED_OPERATION == 2000
    for number, node in enumerate(cluster.nodes):
        direct = cluster.client("probe", "AgentApplication", node=number)
        statistics = cluster.finish(direct.request(m.RequestPing())).statistics
        assert (statistics["Name"], statistics["Dbid"]) == (node.name, node.dbid)
        assert statistics["Uptime"] > 0
