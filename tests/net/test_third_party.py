"""Calls through a node to external servers, on a clock and a network in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from ixproxy.client.third_party_server import Call, Fault, Result
from ixproxy.errors import Code
from ixproxy.messages import (
    Event3rdServerFault,
    Event3rdServerResponse,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.testing.faults import Fault as Broken
from ixproxy.testing.tenants import TENANT
from ixproxy.wire.prefix import Flag
from tests.net.third_party_rig import Program, call, connected, known, node


def test_a_call_goes_there_and_back_with_parameters_and_user_data() -> None:
    rig = node("one")
    program = Program(rig, "one")
    connected(rig)
    router = rig.client("RoutingEngine")
    answer = router.ask(call({"Parameters": {"Text": "hello"}}, user_data={"Customer": "kim"}))
    assert isinstance(answer, Event3rdServerResponse)
    assert answer.envelope3rd_server == {
        "AppName": "one",
        "Service": "Test",
        "Method": "Echo",
        "Parameters": {"Text": "hello"},
    }
    assert answer.user_data == {"Customer": "kim"}
    (made,) = program.calls
    assert (made.service, made.method, made.caller, made.tenant_id) == ("Test", "Echo", "node1", 1)
    assert made.seconds == pytest.approx(30.0, abs=0.1)
    assert program.server.connected == ["node1"]


def test_the_caller_finds_its_own_number_and_the_nodes_in_the_answer() -> None:
    rig = node("one")
    Program(rig, "one")
    connected(rig)
    router = rig.client("RoutingEngine")
    plain = router.ask(call())
    named = router.ask(call(extension={"EspClientRefid": 4711}))
    assert plain.extension["EspClientRefid"] == router.reference - 1
    assert named.extension["EspClientRefid"] == 4711
    assert named.extension["EspServerRefid"] == plain.extension["EspServerRefid"] + 1
    assert named.extension["EspRequestId"] != plain.extension["EspRequestId"]


def test_a_caller_behind_a_proxy_has_no_number_but_the_one_that_it_gives() -> None:
    rig = node("one")
    Program(rig, "one")
    connected(rig)
    proxy = rig.proxy()
    number = proxy.number("RoutingEngine")
    assert "EspClientRefid" not in proxy.ask(call(), client=number).extension
    named = proxy.ask(call(extension={"EspClientRefid": 7}), client=number)
    assert named.extension["EspClientRefid"] == 7


def test_calls_by_type_are_balanced() -> None:
    rig = node("one", "two")
    programs = [Program(rig, name) for name in ("one", "two")]
    connected(rig)
    router = rig.client("RoutingEngine")
    for _ in range(4):
        answer = router.ask(call({"AppType": "ClassificationServer"}))
        assert isinstance(answer, Event3rdServerResponse)
    assert [len(each.calls) for each in programs] == [2, 2]


def test_a_fault_is_passed_on() -> None:
    rig = node("one")
    program = Program(rig, "one")

    def refuse(made: Call) -> Result:
        raise Fault("UnknownMethod", f"there is no {made.method}")

    program.result = refuse
    connected(rig)
    answer = rig.client("RoutingEngine").ask(call())
    assert isinstance(answer, Event3rdServerFault)
    assert (answer.fault_code, answer.fault_string) == ("UnknownMethod", "there is no Echo")
    assert answer.envelope3rd_server["FaultCode"] == "UnknownMethod"


def test_unknown_and_unconnected_servers_are_told_apart() -> None:
    rig = node("one")
    router = rig.client("RoutingEngine")
    unknown = router.ask(call({"AppName": "nobody"}))
    away = router.ask(call())
    by_type = router.ask(call({"AppType": TENANT.name}))
    codes = [error.error_code for error in (unknown, away, by_type)]
    assert codes == [Code.SERVICE_UNKNOWN, Code.SERVICE_NOT_CONNECTED, Code.SERVICE_UNKNOWN]
    assert not any(error.in_doubt for error in (unknown, away, by_type))


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        ({"AppName": ""}, Code.MISSING_VALUE),
        ({"AppName": 7}, Code.BAD_ATTRIBUTE),
        ({"AppName": "x" * 300}, Code.BAD_ATTRIBUTE),
        ({"AppType": "--"}, Code.BAD_ATTRIBUTE),
    ],
)
def test_an_envelope_that_names_nobody_is_refused(envelope: dict[str, object], code: int) -> None:
    rig = node("one")
    answer = rig.client("RoutingEngine").ask(call(envelope))
    assert answer.error_code == code


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"interaction_id": "nothing"}, Code.UNKNOWN_INTERACTION),
        ({"media_type": "carrier pigeon"}, Code.UNKNOWN_MEDIA_TYPE),
        ({"tenant_id": 99}, Code.UNKNOWN_TENANT),
    ],
)
def test_what_the_node_does_not_know_is_refused(attributes: dict[str, object], code: int) -> None:
    rig = node("one")
    Program(rig, "one")
    connected(rig)
    request = structs.replace(call(), **attributes)
    assert rig.client("RoutingEngine").ask(request).error_code == code


def test_an_interaction_that_is_named_is_in_the_answer_whatever_the_server_says() -> None:
    rig = node("one")
    Program(rig, "one")
    connected(rig)
    submitted = rig.client("MediaServer").ask(
        RequestSubmit(tenant_id=1, media_type="email", queue="In")
    )
    answer = rig.client("RoutingEngine").ask(call(interaction_id=submitted.interaction_id))
    assert answer.interaction_id == submitted.interaction_id


def test_a_time_out_is_in_doubt_and_the_late_answer_is_nobodys() -> None:
    rig = node("one", timeout=5)
    program = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.run(4.9)
    assert router.answers(reference) == []
    rig.run(0.5)
    error = router.answer(reference)
    assert (error.error_code, error.in_doubt) == (Code.SERVICE_TIMED_OUT, True)
    program.answer()
    assert len(router.answers(reference)) == 1
    assert rig.server.state.counters["late answers of external servers"] == 1


def test_a_time_to_live_that_is_shorter_counts() -> None:
    rig = node("one", timeout=60)
    Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call(), ttl=2000)
    rig.run(2.5)
    assert router.answer(reference).error_code == Code.SERVICE_TIMED_OUT


def test_a_server_lost_under_way_is_in_doubt_and_is_found_again() -> None:
    rig = node("one")
    program = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.settle()
    program.lose()
    error = router.answer(reference)
    assert (error.error_code, error.in_doubt) == (Code.SERVICE_LOST, True)
    connected(rig)
    again = router.send(call())
    rig.settle()
    program.answer(1)
    assert isinstance(router.answer(again), Event3rdServerResponse)


def test_a_slow_server_does_not_keep_calls_to_others_waiting() -> None:
    rig = node("one", "two", window=1)
    slow = Program(rig, "one", at_once=False)
    Program(rig, "two")
    connected(rig)
    router = rig.client("RoutingEngine")
    waiting = [router.send(call()) for _ in range(3)]
    rig.settle()
    assert isinstance(router.ask(call({"AppName": "two"})), Event3rdServerResponse)
    by_type = call({"AppType": "ClassificationServer"})
    assert isinstance(router.ask(by_type), Event3rdServerResponse)
    assert len(slow.calls) == 1
    for _ in waiting:
        slow.answer()
    assert all(isinstance(router.answer(each), Event3rdServerResponse) for each in waiting)


def test_a_full_queue_refuses_with_nothing_done() -> None:
    rig = node("one", window=1, queue=1)
    slow = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    asked = [router.send(call()) for _ in range(3)]
    rig.settle()
    error = router.answer(asked[2])
    assert (error.error_code, error.in_doubt) == (Code.SERVICE_QUEUE_FULL, False)
    slow.answer()
    slow.answer()
    assert len(slow.calls) == 2
    assert [len(router.answers(each)) for each in asked] == [1, 1, 1]


def test_a_cancelled_call_that_waits_is_not_made() -> None:
    rig = node("one", window=1)
    slow = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    first, second = router.send(call()), router.send(call())
    rig.settle()
    router.cancel(second)
    rig.settle()
    assert router.answer(second).error_code == Code.CANCELLED
    slow.answer()
    assert isinstance(router.answer(first), Event3rdServerResponse)
    assert len(slow.calls) == 1


def test_a_caller_that_left_is_not_asked_for_any_more() -> None:
    rig = node("one", window=1)
    slow = Program(rig, "one", at_once=False)
    connected(rig)
    router, other = rig.client("RoutingEngine"), rig.client("MediaServer")
    router.send(call())
    rig.settle()
    gone = rig.client("RoutingEngine", client_name="gone")
    gone.send(call())
    rig.settle()
    gone.lose()
    last = other.send(call())
    rig.settle()
    slow.answer()
    slow.answer()
    assert isinstance(other.answer(last), Event3rdServerResponse)
    assert len(slow.calls) == 2


def test_what_nobody_wants_a_reply_to_is_called_all_the_same() -> None:
    rig = node("one")
    program = Program(rig, "one")
    connected(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call(), flags=Flag.NO_REPLY)
    rig.settle()
    assert router.answers(reference) == []
    assert len(program.calls) == 1


def test_a_store_that_fails_keeps_nobody_from_the_answer() -> None:
    rig = node("one")
    program = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.settle()
    rig.store.broken["commit"] = Broken.REFUSED
    program.answer()
    assert isinstance(router.answer(reference), Event3rdServerResponse)


def test_a_changed_deployment_adds_and_removes_servers_live() -> None:
    rig = node("one")
    one, two = Program(rig, "one", at_once=False), Program(rig, "two")
    connected(rig)
    router = rig.client("RoutingEngine")
    under_way = router.send(call())
    rig.settle()
    model, settings = NodeModel([TENANT]), NodeSettings()
    rig.server.configuration_changed(model, settings, NodeLimits(), servers=[known("two")])
    connected(rig)
    assert router.answer(under_way).error_code == Code.SERVICE_LOST
    assert router.ask(call()).error_code == Code.SERVICE_UNKNOWN
    assert isinstance(router.ask(call({"AppName": "two"})), Event3rdServerResponse)
    assert one.server.connected == []
    assert two.server.connected == ["node1"]


def test_limits_are_changed_live() -> None:
    rig = node("one", window=1, queue=0)
    slow = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    router.send(call())
    rig.settle()
    assert router.ask(call()).error_code == Code.SERVICE_QUEUE_FULL
    limits = replace(rig.server.state.limits, third_party_server_window_size=2)
    rig.server.configuration_changed(NodeModel([TENANT]), NodeSettings(), limits)
    rig.settle()
    router.send(call())
    rig.settle()
    assert len(slow.calls) == 2
    assert slow.server.connected == ["node1"]


def test_an_orderly_stop_refuses_what_waits_and_says_that_the_rest_is_in_doubt() -> None:
    rig = node("one", window=1)
    slow = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    first, second = router.send(call()), router.send(call())
    rig.settle()
    rig.stop()
    answers = [router.answer(each) for each in (first, second)]
    assert [each.error_code for each in answers] == [Code.STOPPING, Code.STOPPING]
    assert [each.in_doubt for each in answers] == [True, False]
    rig.run(1)
    slow.answer()
    slow.stop()
    assert rig.clock.getDelayedCalls() == []


def test_a_call_of_a_client_that_says_goodbye_has_its_one_answer() -> None:
    rig = node("one")
    slow = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.settle()
    router.ask(RequestUnregisterClient())
    slow.answer()
    assert isinstance(router.answer(reference), Event3rdServerResponse)


def test_an_answer_that_comes_while_the_node_stops_leaves_the_call_in_doubt() -> None:
    rig = node("one")
    slow = Program(rig, "one", at_once=False)
    connected(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.settle()
    rig.writer.paused = True
    router.send(call({"AppName": "nobody"}))
    rig.settle()
    slow.answer()
    rig.server.stopService()
    rig.settle()
    rig.writer.resume()
    rig.settle()
    error = router.answer(reference)
    assert (error.error_code, error.in_doubt) == (Code.STOPPING, True)
