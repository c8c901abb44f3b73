"""Calls to external servers as reporting clients hear of them."""

from __future__ import annotations

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventExternalServiceRequested,
    EventExternalServiceResponded,
    RequestStartExternalServiceReporting,
    RequestStopExternalServiceReporting,
)
from ixproxy.node.model import NodeSettings
from tests.net.node_rig import NodeRig, RawPeer
from tests.net.third_party_rig import Program, call, connected, known, node


def reporter(rig: NodeRig, *servers: str) -> RawPeer:
    peer = rig.client("ReportingEngine")
    ack = peer.ask(RequestStartExternalServiceReporting(servers=list(servers)))
    assert isinstance(ack, EventAck)
    return peer


def test_reporting_hears_of_each_call_twice_with_durable_numbers() -> None:
    rig = node("one", "two")
    Program(rig, "one")
    Program(rig, "two")
    connected(rig)
    one, everything = reporter(rig, "one"), reporter(rig)
    router = rig.client("RoutingEngine", client_name="ors")
    before = rig.server.core.last_event_number
    router.ask(call({"Parameters": {"Text": "hi"}}, user_data={"Customer": "kim"}))
    router.ask(call({"AppName": "two"}))
    heard = everything.events()
    assert [type(event).__name__ for event in heard] == [
        "EventExternalServiceRequested",
        "EventExternalServiceResponded",
    ] * 2
    assert one.events() == heard[:2]
    requested, responded = heard[:2]
    assert isinstance(requested, EventExternalServiceRequested)
    assert isinstance(responded, EventExternalServiceResponded)
    assert [event.event_number - before for event in heard] == [1, 2, 3, 4]
    assert requested.esp_request_envelope["Parameters"] == {"Text": "hi"}
    assert requested.user_data == responded.user_data == {"Customer": "kim"}
    assert responded.esp_request_envelope["Parameters"] == {"Text": "hi"}
    assert requested.actor is not None
    assert requested.actor.router_id == "ors"
    assert (requested.esp_server, requested.esp_client_refid) == ("one", router.reference - 1)
    assert requested.esp_request_id == responded.esp_request_id != heard[2].esp_request_id
    assert {event.dbid for event in heard} == {101}


def test_the_end_of_a_call_that_failed_is_reported_with_its_code() -> None:
    rig = node("one", timeout=5)
    Program(rig, "one", at_once=False)
    connected(rig)
    reports = reporter(rig)
    rig.client("RoutingEngine").send(call())
    rig.run(6)
    _, end = reports.events()
    assert end.esp_request_envelope["FaultCode"] == str(int(Code.SERVICE_TIMED_OUT))


def test_a_call_that_was_not_made_is_no_event() -> None:
    rig = node("one")
    reports = reporter(rig)
    rig.client("RoutingEngine").ask(call())
    assert reports.events() == []


def test_reporting_can_be_ended_for_one_server_and_for_all() -> None:
    rig = node("one", "two")
    Program(rig, "one")
    connected(rig)
    reports = reporter(rig, "one", "two")
    router = rig.client("RoutingEngine")
    reports.ask(RequestStopExternalServiceReporting(servers=["two"]))
    router.ask(call())
    assert len(reports.events()) == 2
    reports.ask(RequestStopExternalServiceReporting())
    reports.ask(RequestStopExternalServiceReporting(servers=["one"]))
    router.ask(call())
    assert len(reports.events()) == 2


def test_a_subscription_ends_with_its_connection() -> None:
    rig = node("one")
    Program(rig, "one")
    connected(rig)
    session = b"r" * 16
    first = rig.client("ReportingEngine", session=session)
    first.ask(RequestStartExternalServiceReporting())
    first.lose()
    again = rig.client("ReportingEngine", session=session, incarnation=2)
    rig.client("RoutingEngine").ask(call())
    assert again.events() == []


def test_what_strategies_call_can_be_hidden() -> None:
    rig = NodeRig(
        settings=NodeSettings(hide_strategy_esp_activity=True), servers=[known("one")]
    ).start()
    Program(rig, "one")
    connected(rig)
    reports = reporter(rig)
    rig.client("RoutingEngine").ask(call())
    assert reports.events() == []
    rig.client("MediaServer").ask(call())
    assert len(reports.events()) == 2
