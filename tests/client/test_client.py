from __future__ import annotations

from random import Random

import pytest
from twisted.internet.defer import CancelledError, Deferred

from ixproxy import messages as m
from ixproxy.client import Client, connect
from ixproxy.errors import Code, LocalProtocolError, RequestRefused
from ixproxy.messages.message import Message
from ixproxy.wire.codec import encode
from tests.client.servers import SESSION, World
from tests.deferreds import failure_of, no_result, result_of
from tests.failures import LoggedFailures

HOLD = m.RequestHold(tenant_id=1, interaction_id="A")


def test_a_client_is_used_with_await() -> None:
    world = World()
    world.server.replies[m.RequestSubmit] = lambda request: m.EventAck(
        interaction_id="A", extension={"InteractionId": "A", "queue": request.queue}
    )

    async def use() -> Message:
        client = await connect(
            world.clock,
            world.network.client_endpoint("s:1", "c"),
            name="mail-1",
            client_type="MediaServer",
            random=Random(1),
        )
        ack = await client.request(m.RequestSubmit(tenant_id=1, media_type="email", queue="Q1"))
        await client.close()
        assert isinstance(ack, m.EventAck)
        return ack

    used = Deferred.fromCoroutine(use())
    world.clock.run(1)
    assert result_of(used).extension == {"InteractionId": "A", "queue": "Q1"}
    assert world.server.last.closed
    assert world.clock.getDelayedCalls() == []


def test_it_registers_as_what_it_is() -> None:
    world = World()
    credentials = m.Credentials(user="u", password="p")
    client = world.client(tenants=[1, 2], credentials=credentials, incarnation=7)
    [request] = world.server.registered
    assert (request.client_name, request.client_type) == ("desktop-1", "AgentApplication")
    assert (request.tenants, request.credentials) == ([1, 2], credentials)
    assert (request.session, request.incarnation) == (SESSION, 8)
    assert (client.session, client.incarnation) == (SESSION, 8)
    assert client.server == world.server.facts
    assert client.connected
    assert repr(client) == "<Client 'desktop-1' (AgentApplication), connected>"


@pytest.mark.parametrize(("incarnation", "said"), [(0, []), (7, None)])
def test_a_new_session_is_in_no_agent_session_and_of_an_older_one_it_is_not_known(
    incarnation: int, said: list[tuple[int, int]] | None
) -> None:
    world = World()
    world.client(incarnation=incarnation)
    [request] = world.server.registered
    assert request.agent_sessions == said


def test_a_session_is_made_where_none_is_named_and_never_the_same_twice() -> None:
    world = World()
    for seed in (1, 2):
        world.client(session=b"", random=Random(seed))
    first, second = (request.session for request in world.server.registered)
    assert len(first) == len(second) == 16
    assert first != second


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"session": b"short"}, "a session has 16 bytes, not 5"),
        ({"client_type": "Desktop"}, "'Desktop' is not a valid ClientType"),
    ],
)
def test_arguments_that_make_no_client_are_refused_on_the_spot(
    wrong: dict[str, object], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        World().connecting(**wrong)


def test_a_client_needs_an_endpoint() -> None:
    with pytest.raises(ValueError, match="no endpoint"):
        connect(World().clock, [], name="x", client_type="MediaServer")


def test_cancelling_the_connecting_leaves_nothing_behind() -> None:
    world = World()
    world.server.silent = True
    connecting = world.connecting()
    world.rest()
    connecting.cancel()
    world.rest()
    failure_of(connecting, CancelledError)
    assert world.server.last.closed
    assert world.clock.getDelayedCalls() == []


def test_every_callback_hears_every_event_and_one_that_fails_is_no_harm(
    logged_failures: LoggedFailures,
) -> None:
    world = World()
    heard: list[Message] = []

    def broken(event: Message) -> None:
        raise ZeroDivisionError

    client = world.client(on_event=broken)
    client.on_event(heard.append)
    event = m.EventPropertiesChanged(tenant_id=1, interaction_id="A")
    world.server.last.write(encode(event))
    world.rest()
    assert heard == [event]
    assert client.connected
    assert len(logged_failures.flush(ZeroDivisionError)) == 1


def test_an_event_right_behind_the_registration_is_not_missed() -> None:
    world = World()
    world.server.silent = True
    connecting = world.connecting()
    world.rest()
    event = m.EventInvite(tenant_id=1, interaction_id="A", ticket_id=1)
    world.server.last.answer(m.EventAck(server=world.server.facts))
    world.server.last.write(encode(event))
    world.rest()
    assert isinstance(connecting.result, Client)
    assert world.events == [event]


def test_closing_says_goodbye_and_fails_what_is_in_flight() -> None:
    world = World()
    client = world.client()
    in_flight = client.request(HOLD)
    closing = client.close()
    late = client.request(HOLD)
    problem = failure_of(late, RequestRefused)
    assert isinstance(problem, RequestRefused)
    assert (problem.code, problem.in_doubt) == (Code.NOT_REGISTERED, False)
    no_result(closing)
    world.clock.run(1)
    result_of(closing)
    assert world.server.last.requests == [HOLD, m.RequestUnregisterClient()]
    problem = failure_of(in_flight, RequestRefused)
    assert isinstance(problem, RequestRefused)
    assert problem.in_doubt
    assert not client.connected
    assert world.clock.getDelayedCalls() == []


def test_closing_again_is_harmless() -> None:
    world = World()
    client = world.client()
    first, second = client.close(), client.close()
    world.clock.run(1)
    for closing in (first, second, client.close()):
        result_of(closing)
    assert world.server.last.requests == [m.RequestUnregisterClient()]


def test_closing_without_goodbye_leaves_the_session_to_another_run() -> None:
    world = World()
    client = world.client(holding={"A": 5})
    closing = client.close(goodbye=False)
    world.clock.run(1)
    result_of(closing)
    assert world.server.last.requests == []
    assert client.holding == {"A": 5}


def test_closing_does_not_wait_for_ever_for_a_silent_server() -> None:
    world = World(close_timeout=2.0)
    world.server.replies.clear()
    client = world.client()
    closing = client.close()
    world.clock.run(1.9)
    closing = no_result(closing)
    world.clock.run(0.2)
    result_of(closing)
    assert world.server.last.closed


def test_closing_while_disconnected_ends_the_attempts() -> None:
    world = World()
    client = world.client()
    world.lose()
    waiting = client.request(HOLD)
    result_of(client.close())
    failure_of(waiting, RequestRefused)
    world.clock.run(100)
    assert len(world.server.registered) == 1
    assert world.clock.getDelayedCalls() == []


def test_closing_over_a_cut_is_bounded() -> None:
    world = World(close_timeout=2.0)
    client = world.client()
    world.network.cut("c", "s")
    closing = client.close()
    world.clock.run(4.1)
    result_of(closing)
    assert world.clock.getDelayedCalls() == []


def test_a_request_that_takes_needs_its_reply_but_for_a_media_servers_submit() -> None:
    world = World()
    submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="Q")
    desktop = world.client()
    for takes in (submit, m.RequestPull(tenant_id=1, view_id="Q/V")):
        with pytest.raises(LocalProtocolError, match="needs its reply"):
            desktop.send(takes)
    media_server = world.client(client_type="MediaServer", session=bytes(16))
    media_server.send(submit)
    world.rest()
    assert world.server.last.requests == [submit]


def test_a_closed_client_sends_nothing() -> None:
    world = World()
    client = world.client()
    client.close()
    with pytest.raises(RequestRefused, match="closed"):
        client.send(HOLD)
    world.clock.run(1)
