from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAgentLogin,
    EventCurrentAgentStatus,
    EventTopic,
    RequestAgentLogin,
    RequestNotify,
    RequestPublish,
    RequestSubscribe,
    RequestUnsubscribe,
)
from ixproxy.node import topics
from ixproxy.node.work import ClientsLost, ConnectionLost, Goodbye, Relayed, Sender
from ixproxy.values import ClientType
from tests.node.tried import TriedNode


def subscribe(*names: str, tenant: int = 1) -> RequestSubscribe:
    return RequestSubscribe(tenant_id=tenant, ps_topic_list=dict.fromkeys(names, "1"))


def unsubscribe(*names: str) -> RequestUnsubscribe:
    return RequestUnsubscribe(tenant_id=1, ps_topic_list=dict.fromkeys(names, "1"))


def publish(name: str, **data: Any) -> RequestPublish:
    return RequestPublish(tenant_id=1, topic=name, user_data=data)


def reporter(node: TriedNode, **more: Any) -> Sender:
    return node.client("stat", ClientType.REPORTING_ENGINE, **more)


def status(agent: str = "Ann", **more: Any) -> EventCurrentAgentStatus:
    return EventCurrentAgentStatus(
        tenant_id=1, agent_id=agent, media_capacity_list={"email": 2}, **more
    )


@pytest.mark.parametrize("kind", [RequestPublish, RequestNotify])
def test_what_is_published_reaches_all_who_listen(
    node: TriedNode, kind: type[RequestPublish | RequestNotify]
) -> None:
    first, second, third = (node.desktop(f"desk-{number}") for number in range(3))
    node.ask(first, subscribe("news", "other"))
    node.ask(second, subscribe("news"))
    before = node.core.last_event_number
    node.ask(third, kind(tenant_id=1, topic="news", user_data={"a": 1}))
    for desk in (first, second):
        (event,) = node.told(desk)
        assert isinstance(event, EventTopic)
        assert (event.topic, event.user_data, event.event_number) == ("news", {"a": 1}, 0)
    assert node.told(third) == []
    assert node.core.last_event_number == before, "it is no event of the node"
    assert node.reported() == []


def test_subscriptions_end_one_by_one_and_all_together(node: TriedNode) -> None:
    desk = node.desktop()
    node.ask(desk, subscribe("a", "b", "c"))
    node.ask(desk, subscribe("d", tenant=2))
    node.ask(desk, unsubscribe("a", "never"))
    assert set(node.turn().memory.topics) == {(1, "b"), (1, "c"), (2, "d")}
    node.ask(desk, unsubscribe())
    assert set(node.turn().memory.topics) == {(2, "d")}


@pytest.mark.parametrize("what", ["lost", "together", "goodbye", "again"])
def test_a_subscription_lasts_as_long_as_the_connection(node: TriedNode, what: str) -> None:
    desk = node.desktop()
    node.ask(desk, subscribe("a", "1@P"))
    if what == "lost":
        node.run(ConnectionLost(desk.session))
    elif what == "together":
        node.run(ClientsLost((desk.session,)))
    elif what == "goodbye":
        node.run(Goodbye(desk.session))
    else:
        node.desktop()
    assert node.turn().memory.topics == {}
    assert node.turn().memory.topics_of == {}


def test_what_is_no_topic_or_too_much_is_refused(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = node.desktop(tenants=(1,))
    for wrong, code in (
        (subscribe(), Code.MISSING_VALUE),
        (subscribe("2@P"), Code.BAD_ATTRIBUTE),
        (subscribe("x" * 256), Code.BAD_ATTRIBUTE),
        (subscribe(""), Code.BAD_ATTRIBUTE),
        (subscribe("a", tenant=2), Code.NOT_ALLOWED),
        (subscribe("a", tenant=9), Code.UNKNOWN_TENANT),
        (publish(""), Code.MISSING_VALUE),
        (publish("2@P"), Code.BAD_ATTRIBUTE),
    ):
        assert node.refusal(desk, wrong) == code
    monkeypatch.setattr(topics, "MAX_TOPICS", 2)
    node.ask(desk, subscribe("a", "b"))
    node.ask(desk, subscribe("b"))
    assert node.refusal(desk, subscribe("b", "c")) == Code.LIMIT_REACHED


def test_a_status_reaches_the_agents_clients_and_who_listens_each_once(node: TriedNode) -> None:
    first, second = node.agent("Ann", "desk-1"), node.agent("Ann", "desk-2")
    supervisor = node.desktop("supervisor")
    for desk in (first, supervisor):
        node.ask(desk, subscribe("1@P-Ann"))
    number = node.core.last_event_number
    node.run(Relayed(reporter(node), status(event_number=77, dbid=9)))
    for desk in (first, second, supervisor):
        (event,) = node.told(desk)
        assert isinstance(event, EventCurrentAgentStatus)
        assert event.media_capacity_list == {"email": 2}
        assert (event.event_number, event.dbid) == (0, 101)
        row = node.agents()[0]
        assert event.agent_session == (row.number, row.dbid)
    assert node.core.last_event_number in (number, number + 1)


def test_a_status_of_somebody_who_is_not_here_reaches_only_who_listens(node: TriedNode) -> None:
    desk = node.desktop()
    node.ask(desk, subscribe("1@P7"))
    node.run(Relayed(reporter(node), status("Bob", place_id="P7")))
    assert node.names_told(desk) == ["EventCurrentAgentStatus"]
    node.run(Relayed(reporter(node), status("Bob")))
    assert node.told(desk) == []


def test_what_is_not_relayed_has_no_effect_at_all(node: TriedNode) -> None:
    node.agent("Ann")
    stranger = reporter(node, tenants=(2,))
    for event in (status(), EventAgentLogin(tenant_id=1, agent_id="Ann")):
        node.run(Relayed(stranger, event))
        assert node.outcome.effects == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["listen", "stop", "publish", "lose", "come", "bye", "login"]),
            st.integers(0, 2),
            st.sampled_from(["a", "b", "1@P"]),
        ),
        max_size=25,
    )
)
def test_no_table_grows_whatever_clients_do(steps: list[tuple[str, int, str]]) -> None:
    """Who listens is known from both ends, and nothing is kept of who is gone."""
    node = TriedNode()
    try:
        listens: dict[int, set[str]] = {}
        desks = {number: node.desktop(f"d{number}", through_proxy=True) for number in range(3)}
        for what, number, topic in steps:
            desk = desks[number]
            if what in ("lose", "bye"):
                work = ConnectionLost if what == "lose" else Goodbye
                node.run(work(desk.session))
                listens.pop(number, None)
            elif what == "come":
                node.desktop(f"d{number}", through_proxy=True)
                listens.pop(number, None)
            elif what == "listen":
                there = node.turn().memory.sessions.get(desk.session)
                if there is None or there.lost_at is not None:
                    assert node.refusal(desk, subscribe(topic)) == Code.NOT_REGISTERED
                    continue
                node.ask(desk, subscribe(topic))
                listens.setdefault(number, set()).add(topic)
            elif what == "stop":
                node.ask(desk, unsubscribe(topic))
                listens.get(number, set()).discard(topic)
            elif what == "login":
                login = RequestAgentLogin(tenant_id=1, agent_id=f"a{number}", provisional=True)
                node.perform(desk, login)
            else:
                node.ask(desk, publish(topic))
                told = {each for each in desks if node.told(desks[each])}
                assert told == {each for each in listens if topic in listens[each]}
        for desk in desks.values():
            node.run(Goodbye(desk.session))
        memory = node.turn().memory
        tables = (
            "topics", "topics_of", "logging_in", "returned", "seen", "available", "available_of",
            "agents", "agents_of", "provisional", "provisional_of", "sessions", "lost", "places",
        )  # fmt: skip
        assert [table for table in tables if getattr(memory, table)] == []
    finally:
        node.discard()
