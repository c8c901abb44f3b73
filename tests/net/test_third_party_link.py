"""The connection to one external server, and servers that do not behave."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    Event3rdServerFault,
    Event3rdServerResponse,
    EventAck,
    EventError,
    RequestRegisterClient,
)
from ixproxy.messages.message import Message
from ixproxy.net.node_limits import NodeLimits
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, write_frame
from tests.net.node_rig import NodeRig
from tests.net.third_party_rig import TYPE, Program, Scripted, call, connected, known, node


def scripted(rig: NodeRig, name: str = "one") -> Scripted:
    """A scripted server that the node has registered at."""
    server = Scripted(rig, name)
    connected(rig)
    server.greet(max_frame=1 << 20)
    return server


def test_a_node_registers_as_what_it_is() -> None:
    rig = node("one")
    server = Scripted(rig, "one")
    connected(rig)
    ((_, message),) = server.requests()
    assert isinstance(message, RequestRegisterClient)
    assert (message.client_name, message.client_type) == ("node1", "InteractionServer")
    assert message.tenants == [1]


def test_a_server_that_refuses_the_node_is_tried_again_ever_more_slowly() -> None:
    rig = node("one")
    server = Scripted(rig, "one")
    times = []
    for _ in range(4):
        before = len(server.peers)
        assert rig.clock.run_until(lambda before=before: len(server.peers) > before, 60)  # type: ignore[misc]
        rig.settle()
        times.append(rig.clock.seconds())
        (reference, _) = server.requests()[0]
        server.peer.write(error_frame(Code.NOT_ALLOWED, "go away", reference=reference))
        rig.settle()
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 2 * gaps[0]
    refused = rig.client("RoutingEngine").ask(call())
    assert refused.error_code == Code.SERVICE_NOT_CONNECTED


def test_a_server_that_does_not_answer_the_registration_is_given_up() -> None:
    rig = node("one")
    server = Scripted(rig, "one")
    connected(rig)
    first = server.peer
    rig.run(11)
    assert first.closed
    rig.run(5)
    assert len(server.peers) == 2


def test_a_backup_is_tried_where_the_primary_is_not_there() -> None:
    rig = NodeRig(servers=[known("one", TYPE, "nobody:7301", "backup:7301")]).start()
    program = Program(rig, "backup")
    connected(rig, 10)
    assert program.server.connected == ["node1"]


@pytest.mark.parametrize(
    "nonsense",
    [
        encode(EventAck(), reference=1),
        encode(Event3rdServerResponse(envelope3rd_server={"x": {"y": 2**64 - 1}}), reference=1),
        encode(Event3rdServerResponse(user_data={"x": 2**64 - 1}), reference=1),
        encode(Event3rdServerResponse(), reference=1, flags=Flag.MORE),
        write_frame(Kind.REPLY, 1012, reference=1, body=b"\x91\x01"),
        write_frame(Kind.CANCEL, 0, reference=1),
        write_frame(Kind.REQUEST, 40, reference=1),
        b"GET / HTTP/1.1\r\n\r\n" * 9,
        (2 << 20).to_bytes(4, "big") + encode(EventAck())[4:],
    ],
    ids=["ack", "number", "user-data", "parts", "body", "cancel", "request", "http", "too-long"],
)
def test_nonsense_breaks_the_connection_and_only_that(nonsense: bytes) -> None:
    rig = node("one")
    server = scripted(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.settle()
    first = server.peer
    first.write(nonsense)
    rig.run(0.1)
    if nonsense[:4] == (2 << 20).to_bytes(4, "big"):
        first.write(bytes(2 << 20))
        rig.run(0.1)
    assert first.closed
    error = router.answer(reference)
    assert (error.error_code, error.in_doubt) == (Code.SERVICE_LOST, True)
    connected(rig)
    assert len(server.peers) == 2


def test_answers_to_nothing_and_pings_and_events_do_no_harm() -> None:
    rig = node("one")
    server = scripted(rig)
    server.peer.write(encode(Event3rdServerResponse(), reference=99))
    server.peer.write(write_frame(Kind.PING, 0, reference=5))
    server.peer.write(write_frame(Kind.EVENT, 1300))
    rig.settle()
    assert server.peer.open
    assert server.peer.frames[-1].kind == Kind.PONG
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.settle()
    ((number, _),) = server.calls()
    server.peer.write(encode(Event3rdServerResponse(), reference=number))
    rig.settle()
    assert isinstance(router.answer(reference), Event3rdServerResponse)


def refused_by_the_server(answer: Message) -> Message:
    """What a caller is told whose call a server answers by `answer`."""
    rig = node("one")
    server = scripted(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.settle()
    ((number, _),) = server.calls()
    server.peer.write(encode(answer, reference=number))
    rig.settle()
    told: Message = router.answer(reference)
    return told


def test_a_servers_fault_is_told_as_it_says_it() -> None:
    told = refused_by_the_server(Event3rdServerFault(fault_code="9", fault_string="no"))
    assert isinstance(told, Event3rdServerFault)
    assert (told.fault_code, told.fault_string) == ("9", "no")


@pytest.mark.parametrize(("code", "told_as"), [(3000, 3072), (3022, 3072), (3006, 3006)])
def test_a_servers_refusal_is_not_taken_for_the_nodes_own(code: int, told_as: int) -> None:
    """A proxy would ask the next node, where the server is the same."""
    told = refused_by_the_server(EventError(error_code=code, error_description="full"))
    assert isinstance(told, EventError)
    assert (told.error_code, told.error_description, told.in_doubt) == (told_as, "full", False)


def test_a_server_says_nothing_of_other_interactions() -> None:
    rig = node("one")
    server = scripted(rig)
    router = rig.client("RoutingEngine")
    reference = router.send(call())
    rig.settle()
    ((number, _),) = server.calls()
    server.peer.write(encode(Event3rdServerResponse(interaction_id="not-here"), reference=number))
    rig.settle()
    assert router.answer(reference).interaction_id == ""


def test_a_call_that_is_too_long_for_the_server_is_not_made() -> None:
    rig = node("one")
    server = Scripted(rig, "one")
    connected(rig)
    server.greet(max_frame=1000)
    router = rig.client("RoutingEngine")
    error = router.ask(call(user_data={"x": "y" * 2000}))
    assert (error.error_code, error.in_doubt) == (Code.TOO_LARGE, False)
    assert server.calls() == []
    reference = router.send(call())
    rig.settle()
    assert len(server.calls()) == 1
    assert router.answers(reference) == []


def test_an_answer_that_is_too_long_for_the_caller_is_said_to_be() -> None:
    rig = NodeRig(NodeLimits(max_userdata_size=1 << 10), servers=[known("one")]).start()
    program = Program(rig, "one")
    connected(rig)
    router = rig.client("RoutingEngine", max_frame=70 << 10)
    parameters = {"Parameters": {"x": "y" * (60 << 10)}, "Other": "z" * (5 << 10)}
    error = router.ask(call(parameters, user_data={"k": "v" * (30 << 10)}))
    assert (error.error_code, error.in_doubt) == (Code.TOO_LARGE, True)
    assert len(program.calls) == 1


def test_a_silent_server_is_pinged_and_then_given_up() -> None:
    rig = node("one")
    program = Program(rig, "one")
    connected(rig)
    rig.network.cut("node", "one")
    rig.run(60)
    assert rig.client("RoutingEngine").ask(call()).error_code == Code.SERVICE_NOT_CONNECTED
    rig.network.heal("node", "one")
    rig.run(90)
    assert program.server.connected == ["node1"]


def test_a_stuck_server_is_connected_anew() -> None:
    rig = node("one", timeout=5, window=1)
    server = scripted(rig)
    rig.client("RoutingEngine").send(call())
    rig.run(6)
    assert rig.server.state.counters["stuck external servers"] == 1
    connected(rig)
    assert len(server.peers) == 2


def test_stopping_does_not_wait_long_for_a_server_that_does_not_read() -> None:
    rig = node("one")
    scripted(rig)
    rig.network.cut("node", "one")
    rig.stop()
    rig.run(10)
    assert rig.clock.getDelayedCalls() == []


def test_a_server_that_does_not_read_gets_no_more_and_is_given_up_in_the_end() -> None:
    rig = node("one", timeout=3600)
    server = scripted(rig)
    router = rig.client("RoutingEngine")
    server.peer.transport.pauseProducing()  # type: ignore[union-attr]
    big = call(user_data={"x": "y" * (400 << 10)})
    asked = [router.send(big) for _ in range(40)]
    rig.settle()
    waiting = rig.server.third_party.servers.waiting
    assert 0 < waiting < 40
    rig.run(40)
    codes = {router.answer(each).error_code for each in asked}
    assert codes == {Code.SERVICE_LOST, Code.SERVICE_NOT_CONNECTED}
    assert len(server.peers) > 1


def test_a_server_that_sends_without_end_does_not_keep_others_waiting() -> None:
    rig = node("one", "two")
    server = scripted(rig)
    Program(rig, "two")
    connected(rig)
    server.peer.write(encode(Event3rdServerResponse(), reference=77) * 5000)
    answer = rig.client("RoutingEngine").ask(call({"AppName": "two"}))
    assert isinstance(answer, Event3rdServerResponse)
    assert rig.server.state.counters["late answers of external servers"] == 5000
