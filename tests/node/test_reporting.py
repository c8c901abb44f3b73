"""Who has a reporting stream, what it is about, and when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    RequestStartPlaceAgentStateReporting,
    RequestStartPlaceAgentStateReportingAll,
    RequestStopPlaceAgentStateReporting,
    RequestStopPlaceAgentStateReportingAll,
    RequestSubmit,
)
from ixproxy.messages.message import Event
from ixproxy.node.work import (
    Answer,
    Asked,
    ClientsLost,
    CloseStream,
    ConnectionLost,
    Goodbye,
    OpenStream,
    Registered,
    Report,
    Sender,
    StreamEnded,
    Work,
)
from ixproxy.values import ClientType
from tests.node.tried import TriedNode

START_ALL = RequestStartPlaceAgentStateReportingAll()
STOP_ALL = RequestStopPlaceAgentStateReportingAll()


def start(tenant: int = 1, **more: Any) -> RequestStartPlaceAgentStateReporting:
    return RequestStartPlaceAgentStateReporting(tenant_id=tenant, **more)


def stop(tenant: int = 1, **more: Any) -> RequestStopPlaceAgentStateReporting:
    return RequestStopPlaceAgentStateReporting(tenant_id=tenant, **more)


def stat_server(node: TriedNode, name: str = "stat", **more: Any) -> Sender:
    return node.client(name, ClientType.REPORTING_ENGINE, **more)


def opened(node: TriedNode) -> OpenStream:
    """The stream that the last batch begins."""
    (effect,) = node.effects(OpenStream)
    assert isinstance(effect, OpenStream)
    return effect


def events(node: TriedNode) -> list[Event]:
    return [effect.event for effect in node.effects(Report)]


@pytest.fixture
def node(make_node: Callable[..., TriedNode]) -> TriedNode:
    """A node whose events no log wants."""
    node = make_node()
    node.settings = replace(node.settings, logs={})
    node.core.configuration_changed(node.model, node.settings, node.now)
    return node


def test_events_are_made_for_nobody_but_the_tenants_of_streams(node: TriedNode) -> None:
    mail = node.media_server()
    node.submit(mail)
    assert events(node) == []
    assert isinstance(node.ask(stat_server(node, tenants=(2,)), START_ALL), EventAck)
    node.submit(mail)
    assert events(node) == []
    node.ask(stat_server(node, "other", tenants=(1,)), START_ALL)
    node.submit(mail)
    assert [type(event).__name__ for event in events(node)] == ["EventInteractionSubmitted"]


def test_a_stream_begins_behind_its_answer_and_with_what_the_same_batch_does_then(
    node: TriedNode,
) -> None:
    stat, mail = stat_server(node), node.media_server()
    submit = RequestSubmit(tenant_id=1, media_type="email", queue="Inbound")
    node.run(Asked(mail, submit), Asked(stat, START_ALL), Asked(mail, submit))
    kinds = [type(effect) for effect in node.outcome.effects]
    assert kinds[-5:] == [Answer, Answer, OpenStream, Answer, Report]
    assert Report not in kinds[:-5]


def test_all_tenants_of_the_client_are_meant_where_none_is_named(node: TriedNode) -> None:
    stat = stat_server(node)
    node.ask(stat, START_ALL)
    assert opened(node).key.tenants == {1, 2}
    assert opened(node).follows
    named = RequestStartPlaceAgentStateReportingAll(tenants={"Tenant": 2})
    other = stat_server(node, "other")
    node.ask(other, named)
    assert opened(node).key.tenants == {2}
    assert not opened(node).follows


@pytest.mark.parametrize(
    ("request_", "code", "named"),
    [
        (
            RequestStartPlaceAgentStateReportingAll(tenants={"a": 9}),
            Code.UNKNOWN_TENANT,
            "9",
        ),
        (RequestStartPlaceAgentStateReportingAll(tenants={"a": 2}), Code.NOT_ALLOWED, "2"),
        (
            RequestStartPlaceAgentStateReportingAll(tenants={"a": "x"}),
            Code.BAD_ATTRIBUTE,
            "Tenants",
        ),
        (
            RequestStartPlaceAgentStateReportingAll(filter={"Colour": {}}),
            Code.BAD_ATTRIBUTE,
            "Colour",
        ),
        (start(2, agents=["a"]), Code.NOT_ALLOWED, "2"),
        (start(1), Code.MISSING_VALUE, "Places"),
        (start(1, agents=["a"], filter={"Events": 5}), Code.BAD_ATTRIBUTE, "Events"),
        (stop(9), Code.UNKNOWN_TENANT, "9"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(
    node: TriedNode, request_: Any, code: int, named: str
) -> None:
    stat = stat_server(node, tenants=(1,))
    with pytest.raises(RequestRefused, match=named) as refused:
        node.ask(stat, request_)
    assert refused.value.code == code
    assert node.core._standing.memory.reporters == {}
    assert node.core._standing.memory.reported == {}


def test_a_client_that_is_not_connected_begins_nothing(node: TriedNode) -> None:
    stat = stat_server(node)
    node.run(ConnectionLost(stat.session))
    assert node.refusal(stat, START_ALL) == Code.NOT_REGISTERED


def test_a_refusal_leaves_the_stream_that_was_there(node: TriedNode) -> None:
    stat = stat_server(node)
    node.ask(stat, START_ALL)
    assert node.refusal(stat, start(1)) == Code.MISSING_VALUE
    assert node.effects(CloseStream) == node.effects(OpenStream) == []
    node.submit(node.media_server())
    assert len(events(node)) == 1


def test_the_same_asked_again_is_a_new_stream(node: TriedNode) -> None:
    stat = stat_server(node)
    node.ask(stat, START_ALL)
    first = opened(node)
    node.ask(stat, START_ALL)
    assert opened(node).key == first.key
    assert opened(node).number > first.number
    assert node.core._standing.memory.reported == {1: 1, 2: 1}


def test_another_request_makes_one_stream_of_both(node: TriedNode) -> None:
    """Test idea 44 of the reference: all, one place, cancel."""
    stat = stat_server(node)
    node.ask(stat, start(1, places=["P1"]))
    node.ask(stat, start(2, agents=["Ann"]))
    assert len(opened(node).key.parts) == 2
    assert opened(node).key.tenants == {1, 2}
    node.ask(stat, stop(1, places=["P1"]))
    assert opened(node).key.tenants == {2}
    node.ask(stat, stop(2))
    assert node.effects(OpenStream) == []
    assert len(node.effects(CloseStream)) == 1
    assert node.core._standing.memory.reported == {}


def test_an_end_of_what_was_never_begun_is_answered_and_changes_nothing(node: TriedNode) -> None:
    stat = stat_server(node)
    for request in (STOP_ALL, stop(1), stop(1, agents=["a"])):
        assert node.ask(stat, request) == EventAck()
        assert node.effects(CloseStream) == []
    node.ask(stat, START_ALL)
    assert node.ask(stat, stop(1, agents=["a"])) == EventAck()
    assert node.effects(OpenStream) == node.effects(CloseStream) == []


def test_nothing_is_reported_behind_the_answer_of_a_stop(node: TriedNode) -> None:
    stat, mail = stat_server(node), node.media_server()
    node.ask(stat, START_ALL)
    node.ask(stat, STOP_ALL)
    assert [type(each) for each in node.outcome.effects][-2:] == [Answer, CloseStream]
    node.submit(mail)
    assert events(node) == []


@pytest.mark.parametrize("way", ["lost", "gone with its proxy", "goodbye", "registered anew"])
def test_a_stream_ends_with_its_connection(node: TriedNode, way: str) -> None:
    stat, mail = stat_server(node), node.media_server()
    node.ask(stat, START_ALL)
    ways: dict[str, Work] = {
        "lost": ConnectionLost(stat.session),
        "gone with its proxy": ClientsLost((stat.session,), token="t"),
        "goodbye": Goodbye(stat.session),
        "registered anew": Registered(stat, 2),
    }
    node.run(ways[way])
    assert node.core._standing.memory.reporters == {}
    node.submit(mail)
    assert events(node) == []


def test_a_client_without_a_lasting_session_takes_its_stream_along(node: TriedNode) -> None:
    stat = stat_server(node)
    node.ask(stat, START_ALL)
    node.run(ConnectionLost(stat.session, lasting=False))
    assert node.core._standing.memory.reported == {}


def test_the_server_ends_the_stream_that_it_means_and_no_later_one(node: TriedNode) -> None:
    stat = stat_server(node)
    node.ask(stat, START_ALL)
    first = opened(node)
    node.ask(stat, START_ALL)
    node.run(StreamEnded(stat.session, first.number))
    assert node.core._standing.memory.reported == {1: 1, 2: 1}
    node.run(StreamEnded(stat.session, opened_number(node)))
    assert node.core._standing.memory.reported == {}
    node.run(StreamEnded(b"nobody", 1))
    assert node.outcome.effects == []


def opened_number(node: TriedNode) -> int:
    (reporter,) = node.core._standing.memory.reporters.values()
    return reporter.number


def test_a_restarted_node_has_no_streams(node: TriedNode) -> None:
    stat = stat_server(node)
    node.ask(stat, START_ALL)
    node.restart()
    node.submit(node.media_server())
    assert events(node) == []


def test_a_stream_is_taken_back_with_its_batch(node: TriedNode) -> None:
    stat = stat_server(node)
    node.ask(stat, START_ALL)
    memory = node.core._standing.memory
    mark = memory.journal.mark()
    memory.drop_reporter(stat.session)
    assert memory.reported == {}
    memory.journal.undo(mark)
    assert memory.reported == {1: 1, 2: 1}
    assert memory.is_reported(1)
    memory.journal.forget()


def test_streams_unlike_all_others_are_limited_and_what_others_have_is_not(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ixproxy.wire.subscribing.MAX_STREAMS", 2)
    one, two, three = (stat_server(node, name) for name in ("one", "two", "three"))
    node.ask(one, start(places=["a"]))
    node.ask(two, start(places=["b"]))
    assert node.refusal(three, start(places=["c"])) == Code.LIMIT_REACHED
    node.ask(three, start(places=["a"]))
    node.ask(two, STOP_ALL)
    node.ask(two, stop())
    assert len(node.core._standing.memory.wanted) == 1
    node.ask(two, start(places=["d"]))
    proxy = node.client("proxy", ClientType.PROXY)
    node.ask(proxy, START_ALL)
