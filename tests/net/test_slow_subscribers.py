"""Reporting clients that do not take what they asked for: bounded, and not waited for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestAgentLogin,
    RequestPull,
    RequestStartPlaceAgentStateReportingAll,
    RequestSubmit,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_reporting import PART_TAKEN_IN
from ixproxy.node.initial_states import PART_BYTES
from ixproxy.testing.node_checks import sizes
from ixproxy.wire.codec import decode
from ixproxy.wire.names import Kind
from tests.net.node_rig import NodeRig
from tests.net.reporting_runs import names, read_on, stall, told

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
LONG = RequestSubmit(
    tenant_id=1, media_type="email", queue="In", user_data={"text": "x" * (100 << 10)}
)
START_ALL = RequestStartPlaceAgentStateReportingAll()
LIMITS = NodeLimits(max_client_output=1 << 20)


@pytest.fixture
def small() -> Iterator[NodeRig]:
    """A node that lets little wait for its peers."""
    rig = NodeRig(LIMITS).start()
    yield rig
    rig.stop()
    rig.place.discard()


def test_who_does_not_take_its_stream_is_closed_at_once_with_a_reason(small: NodeRig) -> None:
    """Test idea 47 of the reference."""
    engine, other = small.client("ReportingEngine"), small.client("ReportingEngine")
    proxy, media = small.proxy(), small.client("MediaServer")
    for peer in (engine, other, proxy):
        peer.ask(START_ALL)
    stall(engine)
    for _ in range(30):
        media.ask(LONG)
    assert small.server.listener.peers == 4, "nobody waits for max-output-timeout"
    small.run(6)
    assert small.server.listener.peers == 3
    assert small.server.state.counters["slow reporting clients closed"] == 1
    read_on(engine)
    small.run(1)
    assert engine.closed
    for peer in (other, proxy):
        assert names(peer).count("InteractionSubmitted") == 30
    found = sizes(small.server)
    assert (found["reporting streams"], found["subscribers of streams"]) == (1, 2)


def test_the_reason_reaches_who_reads_again(small: NodeRig) -> None:
    engine, media = small.client("ReportingEngine"), small.client("MediaServer")
    engine.ask(START_ALL)
    stall(engine)
    for _ in range(16):
        media.ask(LONG)
    assert small.server.state.counters["slow reporting clients closed"] == 1
    read_on(engine)
    small.run(0.5)
    errors = [decode(frame) for frame in engine.frames if frame.kind == Kind.ERROR]
    assert [type(each) for each in errors] == [EventError]
    (error,) = errors
    assert isinstance(error, EventError)
    assert error.error_code == Code.LIMIT_REACHED
    assert "max-client-output" in error.error_description
    assert engine.closed


def test_a_proxy_loses_its_stream_only_and_begins_it_anew(small: NodeRig) -> None:
    proxy, media = small.proxy(), small.client("MediaServer")
    mine = proxy.number("MediaServer")
    proxy.ask(START_ALL)
    stall(proxy)
    for _ in range(40):
        media.ask(LONG)
    assert small.server.state.counters["reporting streams lost"] == 1
    assert sizes(small.server)["subscribers of streams"] == 0
    assert sizes(small.server)["reporters"] == 0
    asked = proxy.send(SUBMIT, client=mine)
    read_on(proxy)
    small.run(1)
    assert isinstance(proxy.answer(asked, mine), EventAck)
    assert names(proxy)[-1] == "Lost"
    assert names(proxy).count("InteractionSubmitted") < 40
    proxy.frames.clear()
    proxy.ask(START_ALL)
    media.ask(SUBMIT)
    assert told(proxy) == [("Begin", 0), ("End", 0), ("InteractionSubmitted", 1)]


def test_what_waits_while_states_are_read_is_limited_too(small: NodeRig) -> None:
    engine, proxy = small.client("ReportingEngine"), small.proxy()
    media = small.client("MediaServer")
    for lane in small.executors.values():
        lane.paused = lane is not small.writer
    engine.ask(START_ALL)
    proxy.ask(START_ALL)
    for _ in range(9):
        media.ask(LONG)
    assert len(small.server.reporting) == 2
    for _ in range(3):
        media.ask(LONG)
    assert len(small.server.reporting) == 0
    for lane in small.executors.values():
        lane.resume()
    small.run(1)
    assert engine.closed
    assert names(proxy) == ["Lost"]
    assert small.server.state.readers.busy == 0


def crowd(rig: NodeRig) -> None:
    """Some agents, who have three times as much in hand as may wait for a client."""
    media = rig.client("MediaServer")
    for number in range(30):
        desk = rig.client("AgentApplication")
        desk.ask(RequestAgentLogin(tenant_id=1, agent_id=f"a{number:04}"))
        media.ask(LONG)
        desk.ask(RequestPull(tenant_id=1, view_id="In/All"))


def test_states_go_out_as_they_are_taken_and_may_be_more_than_the_limit(small: NodeRig) -> None:
    crowd(small)
    engine = small.client("ReportingEngine")
    stall(engine)
    engine.send(START_ALL)
    small.run(1)
    (connection,) = (
        each for each in small.server.listener._peers if each.backlog > 0 or each.paused
    )
    assert connection.backlog <= PART_BYTES + (1 << 20)
    read_on(engine)
    small.run(1)
    assert names(engine) == ["Begin", *["PlaceAgentState"] * 30, "End"]
    assert not engine.closed


@pytest.mark.parametrize("who", ["ReportingEngine", "Proxy"])
def test_who_does_not_take_its_states_is_not_waited_for(small: NodeRig, who: str) -> None:
    crowd(small)
    slow = small.client(who, client_name="slow")
    stall(slow)
    slow.send(START_ALL)
    small.run(PART_TAKEN_IN - 1)
    assert len(small.server.reporting) == 1
    small.run(2)
    assert len(small.server.reporting) == 0
    assert small.server.state.readers.busy == 0
    other = small.client("ReportingEngine")
    other.ask(START_ALL)
    small.run(1)
    assert names(other)[-1] == "End"
    read_on(slow)
    small.run(6)
    assert bool(slow.closed) == (who == "ReportingEngine")
    if who == "Proxy":
        assert names(slow)[-1] == "Lost"
