from __future__ import annotations

from random import Random

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from zope.interface import implementer

from ixproxy import messages as m
from ixproxy.client import Backoff, Client, Settings, connect
from ixproxy.client.connector import FINAL
from ixproxy.errors import Code, NodeUnavailable, RequestRefused
from tests.client.servers import SESSION, World
from tests.deferreds import failure_of, no_result, result_of

HOLD = m.RequestHold(tenant_id=1, interaction_id="A")


def test_endpoints_are_tried_in_order_until_one_registers() -> None:
    world = World()
    client = world.client("nobody:1", "t:1", "s:1")
    assert client.server == world.other.facts
    assert world.server.registered == []


def test_if_nobody_can_be_reached_connecting_fails_after_the_rounds_asked_for() -> None:
    world = World(rounds=3)
    connecting = world.connecting("nobody:1", "none:1")
    world.clock.run(2.9)
    no_result(connecting)
    world.clock.run(0.5)
    problem = failure_of(connecting, NodeUnavailable)
    assert "nobody:1 refuses" in str(problem)
    assert "none:1 refuses" in str(problem)
    assert world.clock.getDelayedCalls() == []


@implementer(IStreamClientEndpoint)
class Hanging:
    """An endpoint of a host that does not answer, as Twisted's are; `asked`: how often."""

    def __init__(self) -> None:
        self.asked = 0

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        self.asked += 1
        address = IPv4Address("TCP", "127.0.0.1", 7001)
        return Deferred(lambda given: given.errback(ConnectingCancelledError(address)))


def test_who_gives_up_while_connecting_tries_nobody_else() -> None:
    clock, hanging = Clock(), Hanging()
    connecting = connect(clock, [hanging, hanging], name="x", client_type="MediaServer")
    assert hanging.asked == 1
    connecting.cancel()
    failure_of(connecting, CancelledError)
    clock.pump([1.0] * 100)
    assert hanging.asked == 1
    assert clock.getDelayedCalls() == []


def test_a_server_that_does_not_answer_in_time_is_passed_over() -> None:
    clock, hanging = Clock(), Hanging()
    settings = Settings(attempt_timeout=2.0, rounds=1)
    connecting = connect(
        clock, [hanging, hanging], name="x", client_type="MediaServer", settings=settings
    )
    clock.advance(2.0)
    assert hanging.asked == 2
    clock.advance(2.0)
    assert "no connection in 2 seconds" in str(failure_of(connecting, NodeUnavailable))
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("code", sorted(FINAL))
def test_a_server_that_will_not_have_the_client_ends_it_with_its_code(code: int) -> None:
    world = World(rounds=9)
    world.server.refusal = code
    connecting = world.connecting()
    world.clock.run(0.1)
    problem = failure_of(connecting, RequestRefused)
    assert isinstance(problem, RequestRefused)
    assert (problem.code, problem.in_doubt) == (code, False)
    world.clock.run(100)
    assert len(world.server.registered) == 1


def test_a_server_that_is_only_busy_is_asked_again() -> None:
    world = World(rounds=9)
    world.server.refusal = Code.STOPPING
    connecting = world.connecting()
    world.clock.run(0.9)
    no_result(connecting)
    world.server.refusal = 0
    world.clock.run(5)
    assert isinstance(connecting.result, Client)
    assert [one.incarnation for one in world.server.registered] == [1, 2]


def test_one_that_refuses_does_not_keep_the_client_from_another() -> None:
    world = World()
    world.server.refusal = Code.UNKNOWN_TENANT
    assert world.client("s:1", "t:1").server == world.other.facts


def test_a_silent_server_is_left_after_the_time_for_an_attempt() -> None:
    world = World(attempt_timeout=4.0)
    world.server.silent = True
    connecting = world.connecting("s:1", "t:1")
    world.clock.run(3.9)
    no_result(connecting)
    world.clock.run(0.2)
    assert isinstance(connecting.result, Client)
    assert world.server.last.closed
    assert [one.incarnation for one in world.other.registered] == [2]


def test_an_endpoint_that_does_not_answer_is_left_too() -> None:
    world = World(attempt_timeout=4.0)
    world.network.cut("c", "s")
    connecting = world.connecting("s:1", "t:1")
    world.clock.run(4.1)
    assert isinstance(connecting.result, Client)


def test_an_answer_that_names_no_server_is_no_registration() -> None:
    world = World()
    world.server.silent = True
    connecting = world.connecting()
    world.rest()
    world.server.last.answer(m.EventAck())
    world.rest()
    failure_of(connecting, NodeUnavailable)


def test_a_lost_connection_is_made_again_with_the_session_and_what_it_holds() -> None:
    world = World()
    client = world.client(holding={"A": 5})
    in_flight = client.request(HOLD)
    world.rest()
    world.lose()
    problem = failure_of(in_flight, RequestRefused)
    assert isinstance(problem, RequestRefused)
    assert (problem.code, problem.in_doubt) == (Code.LOST_CONNECTION, True)
    assert [client.connected] == [False]
    world.clock.run(1.5)
    assert [client.connected] == [True]
    first, second = world.server.registered
    assert (first.session, second.session) == (SESSION, SESSION)
    assert (first.incarnation, second.incarnation) == (1, 2)
    assert second.holding == {"A": 5}
    assert client.holding == {"A": 5}
    assert world.events == []


def test_after_a_loss_the_next_endpoint_comes_first() -> None:
    world = World()
    client = world.client("s:1", "t:1")
    assert len(world.server.registered) == 1
    for expected in ((1, 1), (2, 1), (2, 2)):
        world.lose()
        world.clock.run(20)
        assert client.connected
        assert (len(world.server.registered), len(world.other.registered)) == expected


def test_what_a_server_does_not_confirm_is_dropped_and_told() -> None:
    world = World()
    client = world.client(holding={"A": 5, "B": 6})
    world.server.held = {"B": 6}
    world.lose()
    world.clock.run(2)
    assert client.holding == {"B": 6}
    [event] = world.events
    assert isinstance(event, m.EventRevoked)
    assert event.interaction_id == "A"


def test_what_is_asked_while_disconnected_waits_and_is_sent_in_order() -> None:
    world = World()
    client = world.client()
    world.lose()
    requests = [m.RequestHold(tenant_id=1, interaction_id=name) for name in "ABC"]
    waiting = [client.request(request) for request in requests]
    world.clock.run(2)
    assert world.server.last.requests == requests
    for number in range(3):
        world.server.last.answer(m.EventAck(), number + 1)
    world.rest()
    assert [result_of(one) for one in waiting] == [m.EventAck()] * 3


def test_what_waits_too_long_expires_with_nothing_done() -> None:
    world = World()
    client = world.client()
    world.network.refuse("s:1")
    world.lose()
    waiting = client.request(HOLD, timeout=3)
    cancelled = client.request(HOLD)
    cancelled.addErrback(lambda _: None)
    cancelled.cancel()
    world.clock.run(4)
    problem = failure_of(waiting, RequestRefused)
    assert isinstance(problem, RequestRefused)
    assert (problem.code, problem.in_doubt) == (Code.EXPIRED, False)
    world.network.accept("s:1")
    world.clock.run(20)
    assert client.connected
    assert world.server.last.requests == []


def test_a_newer_registration_of_the_session_elsewhere_ends_the_client() -> None:
    world = World()
    client = world.client()
    world.lose()
    waiting = client.request(HOLD)
    world.server.refusal = Code.SUPERSEDED
    world.clock.run(2)
    for awaited in (waiting, client.request(HOLD)):
        problem = failure_of(awaited, RequestRefused)
        assert isinstance(problem, RequestRefused)
        assert problem.code == Code.SUPERSEDED
    world.clock.run(100)
    assert len(world.server.registered) == 2
    assert world.clock.getDelayedCalls() == []


def test_a_loss_ends_the_return_of_what_nobody_waited_for() -> None:
    world = World()
    client = world.client()
    asked = client.request(m.RequestPull(tenant_id=1, view_id="Q/V"), timeout=1)
    asked.addErrback(lambda _: None)
    world.clock.run(2)
    world.server.last.answer(m.EventPulledInteractions(take_numbers={"A": 5}))
    world.rest()
    world.lose()
    world.clock.run(60)
    assert client.connected
    assert world.server.registered[-1].holding == {}
    assert world.server.last.requests == []


def test_a_return_that_the_server_refuses_is_settled_by_registering_again() -> None:
    world = World()
    client = world.client()
    asked = client.request(m.RequestPull(tenant_id=1, view_id="Q/V"), timeout=1)
    asked.addErrback(lambda _: None)
    world.clock.run(2)
    world.server.last.answer(m.EventPulledInteractions(take_numbers={"A": 5}))
    world.rest()
    world.server.last.refuse(Code.NOT_ALLOWED)
    world.clock.run(20)
    assert client.connected
    assert [one.holding for one in world.server.registered] == [{}, {}]


LOGIN = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})


def logged_in(world: World) -> Client:
    client = world.client()
    client.request(LOGIN)
    world.rest()
    world.server.last.answer(m.EventAck(agent_session=(5, 101)))
    world.rest()
    return client


def test_agents_are_logged_in_again_by_their_session_before_what_waits() -> None:
    world = World()
    client = logged_in(world)
    world.lose()
    client.request(HOLD).addErrback(lambda _: None)
    world.clock.run(2)
    login = m.RequestAgentLogin(
        tenant_id=1, agent_id="anna", agent_session=(5, 101), media_list={"email": 1}
    )
    assert world.server.last.requests == [login, HOLD]


def test_an_agent_whose_session_is_over_is_told_to_be_logged_out() -> None:
    world = World()
    logged_in(world)
    world.lose()
    world.clock.run(2)
    world.server.last.refuse(Code.STALE_SESSION)
    world.rest()
    [event] = world.events
    assert isinstance(event, m.EventForcedAgentStateChange)
    assert (event.agent_id, event.agent_state_change_operation) == ("anna", "Logout")
    world.lose()
    world.clock.run(5)
    assert world.server.last.requests == []


@pytest.mark.parametrize(("code", "in_doubt"), [(Code.LOST_CONNECTION, True), (Code.BUSY, False)])
def test_an_agent_whose_login_is_in_doubt_stays_logged_in(code: int, in_doubt: bool) -> None:
    world = World()
    logged_in(world)
    world.lose()
    world.clock.run(2)
    world.server.last.refuse(code, in_doubt=in_doubt)
    world.rest()
    assert world.events == []
    world.lose()
    world.clock.run(5)
    assert len(world.server.last.requests) == 1


def test_pauses_grow_while_nobody_answers_and_start_over_after_a_long_connection() -> None:
    world = World()
    client = world.client()
    attempts: list[float] = []
    connect = world.network.client_endpoint

    class Counting:
        def connect(self, factory: IProtocolFactory) -> object:
            attempts.append(world.clock.seconds())
            return connect("s:1", "c").connect(factory)

    client._connector._course._groups = [(Counting(),)]  # type: ignore[list-item]
    client._connector._course._last = None
    world.clock.run(100)
    world.network.refuse("s:1")
    world.lose()
    begun = world.clock.seconds()
    world.clock.run(30)
    assert [round(at - begun) for at in attempts] == [1, 3, 7, 15, 23]
    world.network.accept("s:1")
    world.clock.run(50)
    attempts.clear()
    world.lose()
    begun = world.clock.seconds()
    world.clock.run(5)
    assert [round(at - begun) for at in attempts] == [1]


def test_clients_of_a_server_that_went_down_come_back_at_different_times() -> None:
    world = World(backoff=Backoff(0.1, 2.0, 1.0, 2.0))
    clients = [
        world.client(session=bytes([number]) * 16, random=Random(number)) for number in range(20)
    ]
    assert world.network.lose("c") == 20
    back: set[float] = set()
    while not all(client.connected for client in clients):
        assert world.clock.step()
        if len(world.server.registered) > 20 + len(back):
            back.add(world.clock.seconds())
    assert len(back) == 20
    assert max(back) - min(back) > 1
