"""A server of one's own that nodes call: what it answers, and whom it lets in."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.internet.defer import Deferred, succeed

from ixproxy.client import connect
from ixproxy.client.third_party_server import (
    Call,
    CallLimits,
    Fault,
    Result,
    ThirdPartyServer,
    serve,
)
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    Credentials,
    Event3rdServerFault,
    Event3rdServerResponse,
    Request3rdServer,
    RequestSubmit,
)
from ixproxy.net.door import Door, Rule
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork, settle
from ixproxy.values import ClientType
from ixproxy.wire.permits import Grant
from tests.deferreds import failure_of, no_result, result_of
from tests.failures import LoggedFailures

ADDRESS = "esp:7301"


class World:
    """One external server in memory, and clients that call it directly."""

    def __init__(self) -> None:
        self.clock = SteppingClock()
        self.network = MemoryNetwork(self.clock, Random(1), delay=0.0001)
        self.hosts = 0

    def serve(self, answer: Any, **more: Any) -> ThirdPartyServer:
        where = self.network.server_endpoint(ADDRESS)
        serving = serve(self.clock, where, name="esp", answer=answer, **more)
        server = result_of(serving)
        assert isinstance(server, ThirdPartyServer)
        return server

    def connecting(self, **more: Any) -> Deferred[Any]:
        self.hosts += 1
        endpoint = self.network.client_endpoint(ADDRESS, f"host{self.hosts}")
        arguments = {"name": "caller", "client_type": "RoutingEngine", **more}
        connected = connect(self.clock, endpoint, random=Random(self.hosts), **arguments)
        self.settle()
        return connected

    def caller(self, **more: Any) -> Any:
        return result_of(self.connecting(**more))

    def ask(self, client: Any, **envelope: Any) -> Any:
        asked = client.request(Request3rdServer(tenant_id=1, envelope3rd_server=envelope))
        self.settle()
        return result_of(asked)

    def settle(self) -> None:
        settle(self.clock, self.network)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.settle()


def refused_with(awaited: Deferred[Any]) -> RequestRefused:
    refusal = failure_of(awaited, RequestRefused)
    assert isinstance(refusal, RequestRefused)
    return refusal


def plain(call: Call) -> Result:
    return Result({"said": call.parameters.get("say", "nothing")}, {"by": call.caller})


@pytest.mark.parametrize("how", ["plain", "coroutine", "deferred"])
def test_what_the_callback_returns_is_the_response(world: World, how: str) -> None:
    async def later(call: Call) -> Result:
        return plain(call)

    callbacks: dict[str, Any] = {
        "plain": plain,
        "coroutine": later,
        "deferred": lambda call: succeed(plain(call)),
    }
    world.serve(callbacks[how])
    answer = world.ask(world.caller(), Service="S", Method="Say", Parameters={"say": "hi"})
    assert isinstance(answer, Event3rdServerResponse)
    assert answer.envelope3rd_server == {
        "Service": "S",
        "Method": "Say",
        "Parameters": {"said": "hi"},
    }
    assert answer.user_data == {"by": "caller"}


def test_a_callback_is_told_all_that_the_caller_says(world: World) -> None:
    heard: list[Call] = []

    def answer(call: Call) -> Result:
        heard.append(call)
        return Result()

    world.serve(answer)
    client = world.caller()
    client.request(
        Request3rdServer(
            tenant_id=3,
            media_type="email",
            interaction_id="0123",
            envelope3rd_server={"Service": "S", "Method": "M", "Version": "1.0", "Other": 5},
            user_data={"Customer": "kim"},
        )
    )
    world.settle()
    (call,) = heard
    assert (call.service, call.method, call.version) == ("S", "M", "1.0")
    assert (call.tenant_id, call.media_type, call.interaction_id) == (3, "email", "0123")
    assert call.parameters == {}
    assert call.user_data == {"Customer": "kim"}
    assert call.envelope["Other"] == 5
    assert call.caller == "caller"
    assert call.seconds == pytest.approx(60, abs=1)


def test_a_fault_is_told_and_a_mistake_is_told_without_its_reason(
    world: World, logged_failures: LoggedFailures
) -> None:
    def answer(call: Call) -> Result:
        if call.method == "Known":
            raise Fault("NoSuchMail", "there is none")
        raise KeyError("a secret")

    server = world.serve(answer)
    client = world.caller()
    known = world.ask(client, Method="Known")
    assert isinstance(known, Event3rdServerFault)
    assert (known.fault_code, known.fault_string) == ("NoSuchMail", "there is none")
    broken = world.ask(client, Method="Broken")
    assert broken.fault_code == "InternalFault"
    assert "secret" not in str(broken)
    assert (server.calls, server.faults) == (2, 2)
    assert len(logged_failures.flush(KeyError)) == 1


@pytest.mark.parametrize("result", [None, {"a": 1}, "text"])
def test_what_is_no_result_is_a_fault(
    world: World, result: object, logged_failures: LoggedFailures
) -> None:
    async def answer(call: Call) -> Any:
        return result

    world.serve(answer)
    assert world.ask(world.caller()).fault_code == "InternalFault"
    assert len(logged_failures.flush(TypeError)) == 1


@pytest.mark.parametrize("value", [object(), 2**70], ids=["object", "number"])
def test_a_result_that_no_frame_can_carry_is_an_error_in_doubt(world: World, value: object) -> None:
    server = world.serve(lambda call: Result({"x": value}))
    asked = world.caller().request(Request3rdServer(tenant_id=1))
    world.settle()
    refusal = refused_with(asked)
    assert refusal.in_doubt
    assert server.under_way == 0


def test_one_caller_has_a_window_and_others_have_theirs(world: World) -> None:
    waiting: list[Deferred[Result]] = []

    def answer(call: Call) -> Deferred[Result]:
        waiting.append(Deferred())
        return waiting[-1]

    server = world.serve(answer, limits=CallLimits(window=1))
    one, other = world.caller(name="one"), world.caller(name="other")
    first = one.request(Request3rdServer(tenant_id=1))
    second = one.request(Request3rdServer(tenant_id=1))
    third = other.request(Request3rdServer(tenant_id=1))
    world.settle()
    refusal = refused_with(second)
    assert (refusal.code, refusal.in_doubt) == (Code.BUSY, False)
    assert server.under_way == 2
    assert server.connected == ["one", "other"]
    for each in waiting:
        each.callback(Result())
    world.settle()
    result_of(first)
    result_of(third)


def test_calls_of_callers_that_are_gone_count_until_they_are_done(world: World) -> None:
    waiting: list[Deferred[Result]] = []

    def answer(call: Call) -> Deferred[Result]:
        waiting.append(Deferred())
        return waiting[-1]

    server = world.serve(answer, limits=CallLimits(max_under_way=1))
    gone = world.caller()
    gone.request(Request3rdServer(tenant_id=1)).addErrback(lambda _: None)
    world.settle()
    gone.close()
    world.settle()
    client = world.caller()
    refused = client.request(Request3rdServer(tenant_id=1))
    world.settle()
    assert refused_with(refused).code == Code.BUSY
    waiting[0].callback(Result())
    assert server.under_way == 0
    client.request(Request3rdServer(tenant_id=1)).addErrback(lambda _: None)
    world.settle()
    assert server.under_way == 1


@pytest.mark.parametrize("client_type", ["ReportingEngine", "ThirdPartyServer"])
def test_who_may_not_call_is_not_let_in(world: World, client_type: str) -> None:
    world.serve(plain)
    refusal = refused_with(world.connecting(client_type=client_type))
    assert refusal.code == Code.NOT_ALLOWED


def test_an_external_server_answers_calls_and_nothing_else(world: World) -> None:
    world.serve(plain)
    client = world.caller(client_type="MediaServer")
    asked = client.request(RequestSubmit(tenant_id=1, media_type="email"))
    world.settle()
    assert refused_with(asked).code == Code.UNSUPPORTED_OPERATION


def test_a_door_says_who_may_call(world: World) -> None:
    checker = InMemoryUsernamePasswordDatabaseDontUse(kim=b"open", lee=b"open")
    rule = Rule(Grant(frozenset({ClientType.ROUTING_ENGINE}), frozenset({1})), user="kim")
    world.serve(plain, door=Door([rule], [checker]))
    kim = world.caller(credentials=Credentials(user="kim", password="open"))
    assert isinstance(world.ask(kim), Event3rdServerResponse)
    for who, password in (("kim", "wrong"), ("lee", "open")):
        credentials = Credentials(user=who, password=password)
        refused = world.connecting(credentials=credentials)
        world.clock.run(0.1)
        refusal = refused_with(refused)
        assert refusal.code in (Code.NOT_AUTHENTICATED, Code.NOT_ALLOWED)
    beyond = world.connecting(credentials=Credentials(user="kim", password="open"), tenants=[2])
    assert refused_with(beyond).code == Code.NOT_ALLOWED


def test_a_stop_answers_what_is_under_way_and_then_closes(world: World) -> None:
    waiting: list[Deferred[Result]] = []

    def answer(call: Call) -> Deferred[Result]:
        waiting.append(Deferred())
        return waiting[-1]

    server = world.serve(answer)
    client = world.caller()
    asked = client.request(Request3rdServer(tenant_id=1))
    world.settle()
    stopped, again = server.stop(), server.stop()
    world.settle()
    no_result(stopped)
    late = client.request(Request3rdServer(tenant_id=1))
    world.settle()
    assert refused_with(late).code == Code.STOPPING
    waiting[0].callback(Result())
    world.settle()
    result_of(asked)
    result_of(stopped)
    result_of(again)
    assert server.connected == []
    client.close()
    world.settle()
    assert world.clock.getDelayedCalls() == []


def test_a_stop_does_not_wait_for_ever(world: World) -> None:
    server = world.serve(lambda call: Deferred())
    client = world.caller()
    asked = client.request(Request3rdServer(tenant_id=1))
    asked.addErrback(lambda _: None)
    world.settle()
    stopped = server.stop(grace=2.0)
    world.clock.run(1.9)
    no_result(stopped)
    world.clock.run(1.0)
    result_of(stopped)


def test_where_it_cannot_listen_it_says_so_and_leaves_nothing() -> None:
    clock = SteppingClock()
    with pytest.raises(ValueError, match="is no endpoint"):
        serve(clock, "tcp", name="esp", answer=plain)
    network = MemoryNetwork(clock, Random(1))
    result_of(serve(clock, network.server_endpoint(ADDRESS), name="esp", answer=plain)).stop()
    first = serve(clock, network.server_endpoint("a:1"), name="esp", answer=plain)
    second = serve(clock, network.server_endpoint("a:1"), name="esp", answer=plain)
    failure_of(second, Exception)
    result_of(first).stop()
    settle(clock, network)
    assert clock.getDelayedCalls() == []
