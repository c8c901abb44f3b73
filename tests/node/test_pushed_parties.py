"""What becomes of what was pushed: changed, stopped, timed out, and its router lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAbandoned,
    EventAttachedDataChanged,
    EventRevoked,
    EventRouteRequest,
    RequestChangeProperties,
    RequestPlaceInQueue,
    RequestStopProcessing,
)
from ixproxy.node.model import TenantPlan
from ixproxy.node.work import ConnectionLost, Goodbye, RouterReads
from tests.node.pushed import PUSHING, PushingNode


@pytest.fixture
def pushing() -> Iterator[Callable[..., PushingNode]]:
    made: list[PushingNode] = []

    def make(**settings: Any) -> PushingNode:
        made.append(PushingNode(**settings))
        return made[-1]

    yield make
    for node in made:
        node.discard()


@pytest.fixture
def node(pushing: Callable[..., PushingNode]) -> PushingNode:
    return pushing()


def stop(id: str) -> RequestStopProcessing:
    return RequestStopProcessing(tenant_id=1, interaction_id=id)


def test_who_has_it_hears_of_changes_by_all_or_by_others(
    pushing: Callable[..., PushingNode],
) -> None:
    change = RequestChangeProperties(
        tenant_id=1, changed_properties={"a": 2}, added_properties={"b": 1}
    )
    for spared in (False, True):
        node = pushing(no_userdata_changed_response_to_urs=spared)
        router, mail = node.pushes_to(), node.media_server()
        (id,) = node.feed(mail, user_data={"a": 1})
        node.ask(mail, replace(change, interaction_id=id))
        (event,) = node.heard(router, EventAttachedDataChanged)
        assert (event.changed_properties, event.added_properties) == ({"a": 2}, {"b": 1})
        node.ask(router, replace(change, interaction_id=id))
        assert len(node.heard(router, EventAttachedDataChanged)) == (0 if spared else 1)


def test_what_another_stops_is_abandoned(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    (id,) = node.feed(mail)
    node.ask(mail, stop(id))
    (event,) = node.told(router)
    assert isinstance(event, EventAbandoned)
    assert event.interaction_id == id
    (other,) = node.feed(mail)
    node.ask(router, stop(other))
    assert node.told(router) == []


def test_a_pulled_one_that_another_stops_is_revoked_as_ever(node: PushingNode) -> None:
    ors, mail = node.router(), node.media_server()
    (id,) = node.feed(mail, queue="Second")
    node.pull(ors, "Second/All")
    node.ask(mail, stop(id))
    (event,) = node.told(ors)
    assert isinstance(event, EventRevoked)


def test_the_routing_timer_takes_it_back(pushing: Callable[..., PushingNode]) -> None:
    node = pushing(routing_timeout=20, default_max_submitted_per_router=1)
    router, mail = node.pushes_to(), node.media_server()
    (id,) = node.feed(mail)
    node.run(RouterReads(router.session, False))
    node.wait(20 * 60)
    (event,) = node.told(router)
    assert isinstance(event, EventRevoked)
    assert node.kept(id).state == 0


def test_who_does_not_read_gets_nothing_until_it_reads(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    node.run(RouterReads(router.session, False))
    (id,) = node.feed(mail)
    assert node.pushed() == []
    assert node.core.next_due() is None or node.core.next_due() != 0.0
    node.run(RouterReads(router.session, True))
    assert node.ids_pushed(router) == [id]


def lose(node: PushingNode, router: Any) -> None:
    node.run(ConnectionLost(router.session))


def test_a_router_that_comes_back_in_time_has_what_it_lists(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    kept, unheard = node.feed(mail, 2)
    number = node.parties(kept)[0].take_number
    lose(node, router)
    other = node.pushes_to("urs-2")
    assert node.pushed() == []
    node.wait(4)
    node.again(router, **{kept: number})
    assert node.parties(kept)[0].take_number == number
    assert node.ids_pushed(other) == [unheard]
    node.wait(100)
    assert node.parties(kept)[0].session == router.session


def test_a_router_that_does_not_is_rid_of_it_and_another_gets_it(node: PushingNode) -> None:
    router, other, mail = node.pushes_to(), node.pushes_to("urs-2"), node.media_server()
    ids = node.feed(mail, 4)
    mine = [id for id in ids if node.parties(id)[0].session == router.session]
    numbers = {id: node.parties(id)[0].take_number for id in mine}
    lose(node, router)
    node.wait(4.9)
    assert node.pushed() == []
    assert node.core.next_due() == pytest.approx(node.now + 0.1)
    node.wait(0.1)
    assert node.ids_pushed(other) == mine
    node.again(router, **numbers)
    assert node.outcome.effects[0].message.held == {}  # type: ignore[union-attr]
    for id in mine:
        for request in (stop(id), RequestPlaceInQueue(interaction_id=id, queue="Second")):
            assert node.refusal(router, replace(request, tenant_id=1)) == Code.NOT_A_PARTY


def test_with_no_restore_time_it_goes_to_another_at_once(
    pushing: Callable[..., PushingNode],
) -> None:
    node = pushing(router_restore_timeout=0)
    router, mail = node.pushes_to(), node.media_server()
    (id,) = node.feed(mail)
    other = node.pushes_to("urs-2")
    lose(node, router)
    node.wait(0)
    assert node.ids_pushed(other) == [id]


def test_a_goodbye_gives_it_to_another_at_once(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    (id,) = node.feed(mail)
    other = node.pushes_to("urs-2")
    node.run(Goodbye(router.session))
    assert node.ids_pushed(other) == [id]
    assert node.pushed(router) == []


def test_after_a_restart_nobody_has_to_wait_longer(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    (id,) = node.feed(mail)
    node.now += 100
    node.restart()
    other = node.pushes_to("urs-2")
    assert node.pushed() == []
    node.wait(5)
    assert node.ids_pushed(other) == [id]
    assert router.session != other.session


def test_a_router_that_unloads_a_strategy_gets_no_more_for_it(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    (id,) = node.feed(mail)
    number = node.parties(id)[0].take_number
    node.again(router, "Fast", incarnation=1, **{id: number})
    node.feed(mail)
    assert node.pushed() == []
    assert node.parties(id)[0].take_number == number


def test_routers_that_a_tenant_does_not_list_get_nothing() -> None:
    plan = TenantPlan(
        1, "Environment", PUSHING.media_types, PUSHING.queues, routers=frozenset({"urs-2"})
    )
    node = PushingNode((plan,))
    node.pushes_to()
    (id,) = node.feed(node.media_server())
    assert node.pushed() == []
    assert node.ids_pushed(node.pushes_to("urs-2")) == [id]
    node.discard()


def test_the_event_says_what_a_pull_says(node: PushingNode) -> None:
    node.pushes_to()
    (id,) = node.feed(node.media_server(), user_data={"k": "v"})
    (event,) = node.pushed()
    assert isinstance(event, EventRouteRequest)
    assert event.interaction["StrategyId"] == "Mail"
    assert (event.tenant_id, event.media_type, event.dbid) == (1, "email", 101)
    assert id == event.interaction["InteractionId"]
