"""What a client had comes back with its connection: logins, states of agents, subscriptions."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code, RequestRefused
from tests.client.servers import World
from tests.deferreds import failure_of, result_of
from tests.failures import LoggedFailures

HOLD = m.RequestHold(tenant_id=1, interaction_id="A")
LOGIN = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})
SUBSCRIBE = m.RequestSubscribe(tenant_id=1, ps_topic_list={"1@p1": "1"})
UNSUBSCRIBE = m.RequestUnsubscribe(tenant_id=1, ps_topic_list={"1@p1": "1"})
NOTIFY = m.RequestWorkbinNotifications(
    tenant_id=1, workbin=m.Workbin(workbin_type_id="Drafts", workbin_agent_id="anna")
)
DISTURB_NOT = m.RequestDoNotDisturbOn(tenant_id=1, agent_id="anna")


def grants(world: World) -> None:
    """The server does whatever it is asked."""
    world.server.replies[m.RequestAgentLogin] = lambda _: m.EventAck(agent_session=(5, 101))
    for kind in (SUBSCRIBE, UNSUBSCRIBE, NOTIFY, DISTURB_NOT, HOLD):
        world.server.replies[type(kind)] = lambda _: m.EventAck()


def with_everything(world: World) -> Client:
    """A client that has all that can come back."""
    grants(world)
    client = world.client(holding={"A": 5})
    for request in (LOGIN, SUBSCRIBE, DISTURB_NOT, NOTIFY):
        client.request(request)
        world.rest()
    return client


def test_everything_comes_back_logins_first_then_what_was_said_then_subscriptions() -> None:
    world = World()
    client = with_everything(world)
    world.lose()
    world.clock.run(2)
    assert client.connected
    again = m.RequestAgentLogin(
        tenant_id=1, agent_id="anna", agent_session=(5, 101), media_list={"email": 1}
    )
    assert world.server.registered[-1].holding == {"A": 5}
    assert world.server.last.requests == [again, DISTURB_NOT, SUBSCRIBE, NOTIFY]
    assert world.events == []


def test_subscriptions_wait_for_the_logins_and_other_requests_do_not() -> None:
    world = World()
    client = with_everything(world)
    del world.server.replies[m.RequestAgentLogin]
    world.lose()
    for request in (UNSUBSCRIBE, HOLD):
        client.request(request)
    world.clock.run(2)
    kinds = [type(each) for each in world.server.last.requests]
    assert kinds == [m.RequestAgentLogin, m.RequestHold]
    asked = client.request(NOTIFY)
    world.server.last.answer(m.EventAck(agent_session=(5, 101)), 1)
    world.rest()
    rest = [DISTURB_NOT, SUBSCRIBE, NOTIFY, UNSUBSCRIBE, NOTIFY]
    assert world.server.last.requests[2:] == rest
    assert result_of(asked) == m.EventAck()
    world.lose()
    world.clock.run(4)
    assert world.server.last.requests == [world.server.last.requests[0]]
    world.server.last.answer(m.EventAck(agent_session=(5, 101)), 1)
    world.rest()
    assert world.server.last.requests[1:] == [DISTURB_NOT, NOTIFY]


def test_what_a_server_refuses_to_give_back_is_told_once_and_not_asked_again() -> None:
    world = World()
    client = with_everything(world)
    told: list[tuple[object, int]] = []
    client.on_not_restored(lambda request, problem: told.append((request, problem.code)))
    for kind in (DISTURB_NOT, NOTIFY):
        world.server.replies[type(kind)] = lambda _: m.EventError(
            error_code=Code.UNSUPPORTED_YET, error_description="no"
        )
    world.lose()
    world.clock.run(2)
    assert told == [(DISTURB_NOT, Code.UNSUPPORTED_YET), (NOTIFY, Code.UNSUPPORTED_YET)]
    world.lose()
    world.clock.run(4)
    assert len(told) == 2
    assert world.server.last.requests[1:] == [SUBSCRIBE]


def test_a_callback_that_fails_keeps_nothing_from_coming_back(
    logged_failures: LoggedFailures,
) -> None:
    world = World()
    client = with_everything(world)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    client.on_not_restored(broken)
    world.server.replies[m.RequestSubscribe] = lambda _: m.EventError(
        error_code=Code.NOT_ALLOWED, error_description="no"
    )
    world.lose()
    world.clock.run(2)
    assert world.server.last.requests[-1] == NOTIFY
    assert len(logged_failures.flush(ZeroDivisionError)) == 1


def test_a_server_that_is_busy_is_asked_for_them_again() -> None:
    world = World()
    client = with_everything(world)
    told: list[object] = []
    client.on_not_restored(lambda *args: told.append(args))
    busy = m.EventError(error_code=Code.BUSY, error_description="no")
    world.server.replies[m.RequestSubscribe] = lambda _: busy
    world.lose()
    world.clock.run(2)
    world.server.replies[m.RequestSubscribe] = lambda _: m.EventAck()
    world.clock.run(10)
    assert told == []
    asked = world.server.last.requests
    assert asked[-1] == SUBSCRIBE
    assert asked.count(SUBSCRIBE) > 1
    world.lose()
    world.clock.run(4)
    assert world.server.last.requests[-2:] == [SUBSCRIBE, NOTIFY]


def test_a_connection_lost_again_before_everything_is_back_loses_nothing() -> None:
    world = World()
    with_everything(world)
    del world.server.replies[m.RequestSubscribe]
    for _ in range(3):
        world.lose()
        world.clock.run(9)
        assert world.server.last.requests[-2:] == [SUBSCRIBE, NOTIFY]
    grants(world)
    world.lose()
    world.clock.run(9)
    assert world.server.last.requests[1:] == [DISTURB_NOT, SUBSCRIBE, NOTIFY]


def test_a_subscription_that_began_in_doubt_is_none_and_one_that_ended_in_doubt_is_over() -> None:
    world = World()
    client = with_everything(world)
    del world.server.replies[m.RequestUnsubscribe]
    del world.server.replies[m.RequestWorkbinNotifications]
    other = m.RequestWorkbinNotifications(tenant_id=1, workbin=m.Workbin(workbin_type_id="Sent"))
    asked = [client.request(UNSUBSCRIBE), client.request(other)]
    world.rest()
    world.lose()
    for each in asked:
        problem = failure_of(each, RequestRefused)
        assert isinstance(problem, RequestRefused)
        assert problem.in_doubt
    world.clock.run(2)
    assert world.server.last.requests[1:] == [DISTURB_NOT, NOTIFY]


def test_a_client_that_is_closed_brings_nothing_back() -> None:
    world = World()
    client = with_everything(world)
    del world.server.replies[m.RequestAgentLogin]
    world.lose()
    world.clock.run(2)
    client.close()
    world.rest()
    assert world.clock.getDelayedCalls() == []


def test_a_program_is_told_when_the_connection_goes_and_where_it_is_made_again() -> None:
    world = World()
    client = world.client("s:1", "t:1")
    world.other.facts = m.ServerFacts(name="proxy2")
    told: list[m.ServerFacts | None] = []
    client.on_connection(told.append)
    world.network.refuse("s:1")
    world.lose()
    world.rest()
    assert told == [None]
    world.clock.run(2)
    assert told == [None, world.other.facts]
    client.close()
    world.rest()
    assert told[2:] == [None]
