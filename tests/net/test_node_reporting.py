"""Reporting clients of a node: their streams begun, gone on with, and ended."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.messages import (
    EventAck,
    EventPlaceAgentState,
    EventPropertiesChanged,
    RequestAgentLogin,
    RequestChangeProperties,
    RequestFindInteractions,
    RequestNotReadyForMedia,
    RequestPull,
    RequestRegisterClient,
    RequestServerStatus,
    RequestStartPlaceAgentStateReporting,
    RequestStartPlaceAgentStateReportingAll,
    RequestStopPlaceAgentStateReporting,
    RequestStopPlaceAgentStateReportingAll,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.model import NodeModel, TenantPlan
from ixproxy.testing.faults import Fault
from ixproxy.testing.node_checks import sizes
from ixproxy.testing.tenants import TENANT
from ixproxy.wire.codec import decode
from ixproxy.wire.shortening import SHORTENED
from tests.failures import LoggedFailures
from tests.net.node_rig import NodeRig
from tests.net.reporting_runs import Run, names, told

ONE = b"1" * 16
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
START_ALL = RequestStartPlaceAgentStateReportingAll()
STOP_ALL = RequestStopPlaceAgentStateReportingAll()
LOGIN = RequestAgentLogin(tenant_id=1, agent_id="ann", media_list={"email": 1})


def test_states_come_between_brackets_and_then_what_happens_counted_from_one(
    rig: NodeRig,
) -> None:
    desk = rig.client("AgentApplication")
    desk.ask(LOGIN)
    engine = rig.client("ReportingEngine")
    assert isinstance(engine.ask(START_ALL), EventAck)
    assert told(engine) == [("Begin", 0), ("PlaceAgentState", 0), ("End", 0)]
    begin, state, end = engine.events()
    assert (begin.number_of_agents, end.number_of_agents) == (1, 0)
    assert begin.event_number == end.event_number == state.event_number
    assert isinstance(state, EventPlaceAgentState)
    assert (state.agent_id, state.media_list, state.interactions) == ("ann", {"email": 1}, {})
    media = rig.client("MediaServer")
    media.ask(SUBMIT)
    change: Any = RequestNotReadyForMedia(tenant_id=1, agent_id="ann", media_type_name="email")
    desk.ask(change)
    assert told(engine)[3:] == [("InteractionSubmitted", 1), ("NotReadyForMedia", 2)]


def test_the_answer_precedes_the_stream(rig: NodeRig) -> None:
    engine = rig.client("ReportingEngine")
    engine.frames.clear()
    engine.ask(START_ALL)
    assert type(decode(engine.frames[0])) is EventAck


def test_who_joins_a_stream_goes_on_with_its_numbers(rig: NodeRig) -> None:
    engine = rig.client("ReportingEngine")
    engine.ask(START_ALL)
    media = rig.client("MediaServer")
    media.ask(SUBMIT)
    proxy = rig.proxy()
    proxy.ask(START_ALL)
    media.ask(SUBMIT)
    assert told(proxy) == [("Begin", 1), ("End", 0), ("InteractionSubmitted", 2)]
    assert told(engine)[2:] == [("InteractionSubmitted", 1), ("InteractionSubmitted", 2)]
    assert len(rig.server.reporting.streams) == 1


def test_a_filtered_stream_has_the_numbers_of_the_whole_and_what_came_before(
    rig: NodeRig,
) -> None:
    desk, media = rig.client("AgentApplication"), rig.client("MediaServer")
    whole, narrow = rig.client("ReportingEngine"), rig.client("ReportingEngine", client_name="n")
    whole.ask(START_ALL)
    media.ask(SUBMIT)
    narrow.ask(RequestStartPlaceAgentStateReportingAll(filter={"Agents": {"ann": 1}}))
    media.ask(SUBMIT)
    desk.ask(LOGIN)
    media.ask(SUBMIT)
    desk.ask(RequestPull(tenant_id=1, view_id="In/All"))
    events = narrow.events()
    found = [
        (type(each).__name__, each.reporting_event_sequence_number, each.previous_sequence_number)
        for each in events
    ]
    assert found == [
        ("EventActivityReport", 1, 0),
        ("EventActivityReport", 0, 0),
        ("EventAgentLogin", 3, 1),
        ("EventTakenFromQueue", 5, 3),
        ("EventPartyAdded", 6, 5),
    ]
    assert [number for _, number in told(whole)][2:] == [1, 2, 3, 4, 5, 6]
    assert all(event.previous_sequence_number == 0 for event in whole.events())
    assert len(rig.server.reporting.streams) == 2


def test_named_agents_add_up_and_each_request_begins_the_stream_anew(rig: NodeRig) -> None:
    """Test idea 44 of the reference."""
    desk = rig.client("AgentApplication")
    for name in ("ann", "bob", "eve"):
        desk.ask(RequestAgentLogin(tenant_id=1, agent_id=name))
    engine = rig.client("ReportingEngine")
    engine.ask(RequestStartPlaceAgentStateReporting(tenant_id=1, agents=["ann"]))
    assert names(engine) == ["Begin", "PlaceAgentState", "End"]
    engine.frames.clear()
    engine.ask(RequestStartPlaceAgentStateReporting(tenant_id=1, agents=["eve"]))
    begin, *states, _ = engine.events()
    assert [state.agent_id for state in states] == ["ann", "eve"]
    assert begin.number_of_agents == 2
    engine.frames.clear()
    engine.ask(RequestStopPlaceAgentStateReporting(tenant_id=1, agents=["ann"]))
    assert [state.agent_id for state in engine.events()[1:-1]] == ["eve"]
    engine.frames.clear()
    engine.ask(RequestStopPlaceAgentStateReporting(tenant_id=1))
    desk.ask(RequestNotReadyForMedia(tenant_id=1, agent_id="eve", media_type_name="email"))
    assert engine.events() == []
    assert len(rig.server.reporting.streams) == len(rig.server.reporting) == 0


def test_a_stop_ends_the_stream_and_a_new_one_begins_with_states(rig: NodeRig) -> None:
    engine, media = rig.client("ReportingEngine"), rig.client("MediaServer")
    engine.ask(START_ALL)
    media.ask(SUBMIT)
    assert isinstance(engine.ask(STOP_ALL), EventAck)
    engine.frames.clear()
    media.ask(SUBMIT)
    assert engine.frames == []
    engine.ask(START_ALL)
    media.ask(SUBMIT)
    assert told(engine) == [("Begin", 0), ("End", 0), ("InteractionSubmitted", 1)]


def test_a_stop_while_the_states_are_read_ends_them(rig: NodeRig) -> None:
    engine = rig.client("ReportingEngine")
    for lane in rig.executors.values():
        lane.paused = lane is not rig.writer
    engine.ask(START_ALL)
    engine.ask(STOP_ALL)
    for lane in rig.executors.values():
        lane.resume()
    rig.settle()
    assert engine.events() == []
    assert rig.server.state.readers.busy == 0


@pytest.mark.parametrize("way", ["lost", "unregistered", "superseded"])
def test_a_stream_ends_with_its_client(rig: NodeRig, way: str) -> None:
    engine = rig.client("ReportingEngine", session=ONE)
    engine.ask(START_ALL)
    assert len(rig.server.reporting) == 1
    if way == "lost":
        engine.lose()
    elif way == "unregistered":
        engine.ask(RequestUnregisterClient())
    else:
        rig.client("ReportingEngine", session=ONE, incarnation=2)
    media = rig.client("MediaServer")
    engine.frames.clear()
    media.ask(SUBMIT)
    assert engine.events() == []
    found = sizes(rig.server)
    assert found["reporting streams"] == found["subscribers of streams"] == 0
    assert found["reporters"] == found["reported"] == 0


def test_a_stream_that_was_asked_for_before_the_client_came_back_does_not_begin(
    rig: NodeRig,
) -> None:
    engine = rig.client("ReportingEngine", session=ONE)
    rig.writer.paused = True
    engine.send(START_ALL)
    rig.settle()
    again = rig.peer()
    again.send(
        RequestRegisterClient(
            client_type="ReportingEngine",
            client_name="r",
            session=ONE,
            incarnation=2,
            max_frame=1 << 20,
        )
    )
    rig.settle()
    rig.writer.resume()
    rig.settle()
    assert again.events() == engine.events() == []
    assert len(rig.server.reporting) == 0
    assert sizes(rig.server)["reporters"] == 0


def test_a_client_behind_a_proxy_is_told_by_its_number(rig: NodeRig) -> None:
    proxy = rig.proxy()
    number = proxy.number("ReportingEngine")
    proxy.ask(START_ALL, client=number)
    proxy.ask(START_ALL)
    rig.client("MediaServer").ask(SUBMIT)
    wanted = [("Begin", 0), ("End", 0), ("InteractionSubmitted", 1)]
    assert told(proxy, number) == told(proxy) == wanted


def test_an_event_that_does_not_fit_a_frame_is_shortened(rig: NodeRig) -> None:
    media = rig.client("MediaServer", max_frame=4 << 20)
    id = media.ask(SUBMIT).interaction_id
    engine = rig.client("ReportingEngine", max_frame=600 << 10)
    other = rig.client("ReportingEngine", max_frame=4 << 20)
    for peer in (engine, other):
        peer.ask(START_ALL)
    change = RequestChangeProperties(
        tenant_id=1, interaction_id=id, changed_properties={"t": "x" * (400 << 10)}
    )
    media.ask(change)
    (short,) = (each for each in engine.events() if isinstance(each, EventPropertiesChanged))
    (whole,) = (each for each in other.events() if isinstance(each, EventPropertiesChanged))
    assert short.extension == {SHORTENED: 1}
    assert "UserData" not in short.interaction
    assert whole.interaction["UserData"]["t"]
    assert short.reporting_event_sequence_number == whole.reporting_event_sequence_number == 1


@pytest.mark.parametrize("who", ["ReportingEngine", "Proxy"])
def test_a_store_that_cannot_be_read_loses_the_stream_which_may_begin_anew(
    rig: NodeRig, who: str
) -> None:
    peer, media = rig.client(who, client_name="x"), rig.client("MediaServer")
    rig.store.broken["reader"] = Fault.REFUSED
    peer.ask(START_ALL)
    assert names(peer) == ["Lost"]
    media.ask(SUBMIT)
    assert names(peer) == ["Lost"]
    del rig.store.broken["reader"]
    peer.ask(START_ALL)
    media.ask(SUBMIT)
    assert told(peer)[1:] == [("Begin", 0), ("End", 0), ("InteractionSubmitted", 1)]


def test_states_that_take_too_long_to_read_lose_the_stream(rig: NodeRig) -> None:
    engine = rig.client("ReportingEngine")
    for lane in rig.executors.values():
        lane.paused = lane is not rig.writer
    engine.ask(START_ALL)
    rig.run(NodeLimits().database_request_timeout + 1)
    assert names(engine) == ["Lost"]
    assert sizes(rig.server)["reporters"] == 0
    for lane in rig.executors.values():
        lane.resume()
    rig.run(1)
    assert names(engine) == ["Lost"]
    assert rig.server.state.readers.busy == 0


def test_a_stream_for_which_no_read_may_wait_is_lost_at_once() -> None:
    rig = NodeRig(NodeLimits(max_database_request_queue_size=1)).start()
    media = rig.client("MediaServer")
    for lane in rig.executors.values():
        lane.paused = lane is not rig.writer
    for _ in range(2):
        media.send(RequestFindInteractions(tenant_id=1))
    rig.settle()
    engine = rig.client("ReportingEngine")
    engine.ask(START_ALL)
    assert names(engine) == ["Lost"]
    assert rig.server.state.counters["busy"] == 1
    rig.stop()


def test_a_mistake_of_ours_costs_one_stream(
    rig: NodeRig, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broke:
        broke.setattr(rig.server.state.readers, "read_parts", broken)
        engine = rig.client("ReportingEngine")
        assert isinstance(engine.ask(START_ALL), EventAck)
    assert logged_failures.flush(ZeroDivisionError)
    assert sizes(rig.server)["reporters"] == 0
    engine.ask(START_ALL)
    assert names(engine) == ["Lost", "Begin", "End"]


def test_streams_about_all_tenants_begin_anew_when_these_change(rig: NodeRig) -> None:
    everything, named = rig.client("ReportingEngine"), rig.client("ReportingEngine")
    everything.ask(START_ALL)
    named.ask(RequestStartPlaceAgentStateReportingAll(tenants={"a": 1}))
    at = rig.server.core._standing
    more = NodeModel([TENANT, TenantPlan(2, "Second", {}, {}, {})])
    rig.server.configuration_changed(more, at.settings, rig.server.state.limits)
    rig.settle()
    assert names(everything) == ["Begin", "End", "Lost"]
    assert names(named) == ["Begin", "End"]
    everything.ask(START_ALL)
    assert sorted(map(sorted, (s.key.tenants for s in rig.server.reporting.streams))) == [
        [1],
        [1, 2],
    ]


def test_a_node_that_stops_ends_its_streams_without_a_word(rig: NodeRig) -> None:
    engine = rig.client("ReportingEngine")
    for lane in rig.executors.values():
        lane.paused = lane is not rig.writer
    engine.ask(START_ALL)
    rig.stop()
    assert engine.events() == []


def test_a_restarted_node_counts_anew_from_the_states_that_it_has() -> None:
    run = Run()
    run.begin("one")
    run.rest()
    for what in ("submit", "submit", "pull"):
        run.do(what)
        run.rest()
    assert run.stream("one")[-1].reporting_event_sequence_number == 4
    place = run.rig.place
    run.rig.stop()
    again = NodeRig(place=place).start()
    engine = again.client("ReportingEngine")
    engine.ask(START_ALL)
    begin, state, end = engine.events()
    assert (begin.reporting_event_sequence_number, end.activity) == (0, "End")
    assert len(state.interactions) == 1
    again.client("MediaServer").ask(SUBMIT)
    assert names(engine)[-1] == "InteractionSubmitted"
    numbers = [number for _, number in told(engine)[3:]]
    assert numbers == list(range(1, len(numbers) + 1))
    again.stop()
    place.discard()


def test_a_status_says_how_many_read_how_many_streams(rig: NodeRig) -> None:
    for name in ("one", "two"):
        rig.client("ReportingEngine", client_name=name).ask(START_ALL)
    other = rig.client("ReportingEngine")
    other.ask(RequestStartPlaceAgentStateReportingAll(filter={"Agents": {}}))
    status = other.ask(RequestServerStatus()).node_status
    assert (status.streams, status.subscribers) == (2, 3)
