from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace as other
from typing import Any

import pytest

from ixproxy.messages import (
    RequestHold,
    RequestLeaveInteraction,
    RequestPlaceInQueue,
    RequestPull,
    RequestResume,
    RequestStopProcessing,
)
from ixproxy.node.model import NodeModel, RouterLimits, TenantPlan, ViewPlan
from ixproxy.node.pushing import MOST_PUSHED
from ixproxy.node.rows import InteractionRow
from ixproxy.node.selections import Selection
from ixproxy.node.work import Goodbye
from ixproxy.values import PartyType
from tests.node.pushed import PUSHING, PushingNode
from tests.node.tried import CUSTOM


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


def test_what_is_put_into_a_fed_view_is_pushed_in_the_same_batch(node: PushingNode) -> None:
    router = node.pushes_to()
    mail = node.media_server()
    node.reported()
    (id,) = node.feed(mail, user_data={"a": 1})
    (event,) = node.pushed(router)
    assert (event.interaction_id, event.strategy_id, event.queue) == (id, "Mail", "In")
    assert event.interaction["UserData"] == {"a": 1}
    assert event.interaction["InteractionState"] == 2
    (party,) = node.parties(id)
    assert (party.session, party.party_type) == (router.session, PartyType.ROUTER)
    assert (party.strategy_id, party.take_number) == ("Mail", event.take_number)
    timer = node.timer("routing", id)
    assert timer is not None
    assert timer.due_at == node.now + 720 * 60
    submitted, taken, added = node.reported()
    assert [type(each).__name__ for each in (submitted, taken, added)] == [
        "EventInteractionSubmitted",
        "EventTakenFromQueue",
        "EventPartyAdded",
    ]
    assert (taken.event_number, taken.party.party_type) == (event.take_number, PartyType.ROUTER)
    assert (added.actor.router_id, added.actor.strategy_id) == ("urs-1", "Mail")
    assert event.event_number == added.event_number + 1


def test_what_waits_is_pushed_to_a_router_that_comes(node: PushingNode) -> None:
    mail = node.media_server()
    low, high = node.feed(mail), node.feed(mail, user_data={"Priority": 9})
    node.feed(mail, queue="Second")
    router = node.pushes_to()
    assert node.ids_pushed(router) == [*high, *low]


@pytest.mark.parametrize("more", [{"through_proxy": True}, {"strategies": ()}])
def test_nothing_is_pushed_through_a_proxy_or_without_strategies(
    node: PushingNode, more: dict[str, Any]
) -> None:
    node.feed(node.media_server())
    node.router("urs-1", **{"strategies": ("Mail",), **more})
    assert node.pushed() == []
    node.client("desk", "AgentApplication", strategies=("Mail",))
    assert node.pushed() == []


def test_a_strategy_that_nobody_has_loaded_gets_nothing(node: PushingNode) -> None:
    mail = node.media_server()
    node.pushes_to("urs-1", "Fast")
    node.feed(mail)
    assert node.pushed() == []
    node.feed(mail, queue="Urgent", user_data={"Priority": 3})
    assert node.pushed() == []
    (urgent,) = node.feed(mail, queue="Urgent", user_data={"Priority": 7})
    assert node.ids_pushed() == [urgent]


def test_routers_that_have_a_strategy_take_turns(node: PushingNode) -> None:
    mail = node.media_server()
    routers = [node.pushes_to(f"urs-{number}") for number in range(3)]
    node.pushes_to("urs-fast", "Fast")
    got = []
    for id in (node.feed(mail)[0] for _ in range(7)):
        got += [router.client_name for router in routers if id in node.ids_pushed(router)]
    assert got == ["urs-0", "urs-1", "urs-2", "urs-0", "urs-1", "urs-2", "urs-0"]


def test_what_comes_at_once_is_dealt_in_turns_too(node: PushingNode) -> None:
    mail = node.media_server()
    first = node.pushes_to("urs-1", "Fast")
    node.feed(mail, 5)
    second = node.pushes_to("urs-2")
    assert len(node.pushed(second)) == 5
    assert node.pushed(first) == []


def test_a_router_has_no_more_than_it_may(pushing: Callable[..., PushingNode]) -> None:
    node = pushing(default_max_submitted_per_router=2)
    router, mail = node.pushes_to(), node.media_server()
    ids = node.feed(mail, 4)
    assert [len(node.parties(id)) for id in ids] == [1, 1, 0, 0]
    node.move(router, ids[0])
    assert node.ids_pushed() == [ids[2]]
    node.ask(router, stop(ids[1]))
    assert node.ids_pushed() == [ids[3]]


def test_a_strategy_has_no_more_than_it_may(pushing: Callable[..., PushingNode]) -> None:
    node = pushing(default_max_submitted_per_strategy=3)
    routers = [node.pushes_to(f"urs-{number}") for number in range(2)]
    ids = node.feed(node.media_server(), 5)
    assert [len(node.parties(id)) for id in ids] == [1, 1, 1, 0, 0]
    (party,) = node.parties(ids[0])
    (of_party,) = [each for each in routers if each.session == party.session]
    node.move(of_party, ids[0])
    assert node.ids_pushed() == [ids[3]]
    held = {id: node.parties(id)[0] for id in ids if node.parties(id)}
    node.restart()
    for router in routers:
        mine = {id: row.take_number for id, row in held.items() if row.session == router.session}
        node.again(router, **mine)
        assert node.pushed() == []


def test_what_a_router_has_counts_after_a_restart(pushing: Callable[..., PushingNode]) -> None:
    node = pushing(default_max_submitted_per_router=2)
    router, mail = node.pushes_to(), node.media_server()
    ids = node.feed(mail, 3)
    held = {id: node.parties(id)[0].take_number for id in ids[:2]}
    node.restart()
    node.again(router, **held)
    assert node.pushed() == []
    node.move(router, ids[0])
    assert node.ids_pushed() == [ids[2]]


def test_a_limit_of_a_router_goes_before_the_options(pushing: Callable[..., PushingNode]) -> None:
    limits = {"urs-1": RouterLimits(most=1), "urs-2": RouterLimits(rate=0.0)}
    node = pushing(router_limits=limits)
    for number in (1, 2, 3):
        node.pushes_to(f"urs-{number}")
    ids = node.feed(node.media_server(), 5)
    had = [node.parties(id)[0].session.rstrip(b".").decode() for id in ids]
    assert sorted(had) == ["urs-1", "urs-3", "urs-3", "urs-3", "urs-3"]


def test_a_rate_is_kept(pushing: Callable[..., PushingNode]) -> None:
    node = pushing(default_max_submission_rate=25 / 60)
    node.feed(node.media_server(), 5)
    node.pushes_to()
    start, pushed = node.now, [len(node.pushed())]
    while sum(pushed) < 5:
        due = node.core.next_due()
        assert due is not None
        assert due > node.now
        pushed.append(len(node.pushed()) if node.wait(due - node.now) else 0)
    assert [number for number in pushed if number] == [1] * 5
    assert node.now - start == pytest.approx(4 * 60 / 25, abs=1.1)


def test_limits_changed_live_count_at_once(pushing: Callable[..., PushingNode]) -> None:
    node = pushing(default_max_submitted_per_router=0)
    node.pushes_to()
    node.feed(node.media_server(), 3)
    assert node.pushed() == []
    settings = other(node.settings, default_max_submitted_per_router=2)
    node.core.configuration_changed(node.model, settings, node.now)
    assert node.core.next_due() == 0.0
    node.wait(0)
    assert len(node.pushed()) == 2
    settings = other(settings, default_max_submitted_per_router=1)
    node.core.configuration_changed(node.model, settings, node.now)
    node.wait(1)
    assert node.pushed() == []


def test_a_view_that_feeds_a_strategy_from_now_on_is_pushed_from(node: PushingNode) -> None:
    node.pushes_to()
    node.feed(node.media_server(), 2, queue="Second")
    queues = {**PUSHING.queues, "Second": {"All": ViewPlan(strategy="Mail")}}
    plan = TenantPlan(1, "Environment", PUSHING.media_types, queues, PUSHING.workbins)
    node.core.configuration_changed(NodeModel((plan,), CUSTOM), node.settings, node.now)
    node.wait(0)
    assert len(node.pushed()) == 2


def test_what_the_time_brings_is_pushed_when_it_is_looked_at(node: PushingNode) -> None:
    node.pushes_to("urs-1", "Late")
    node.feed(node.media_server(), queue="Old")
    assert node.pushed() == []
    due = node.core.next_due()
    assert due is not None
    assert due - node.now <= 30
    seen = []
    for _ in range(4):
        node.wait(30)
        seen += node.pushed()
    assert len(seen) == 1


def test_an_idle_view_is_not_looked_at(node: PushingNode) -> None:
    node.media_server()
    node.wait(10)
    assert node.core.next_due() is None
    router = node.pushes_to()
    node.wait(10)
    assert node.core.next_due() is None
    node.run(Goodbye(router.session))
    node.wait(10)
    assert node.core.next_due() is None


def test_a_segment_has_no_more_out_than_its_limit(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    loans = node.feed(mail, 2, queue="Each", user_data={"Product": "Loan"})
    (card,) = node.feed(mail, queue="Each", user_data={"Product": "Card"})
    assert [len(node.parties(id)) for id in (*loans, card)] == [1, 0, 1]
    node.ask(router, stop(loans[0]))
    assert node.ids_pushed() == [loans[1]]


def test_no_batch_is_held_up_by_more_than_a_share(node: PushingNode) -> None:
    mail = node.media_server()
    ids = node.feed(mail, MOST_PUSHED + 50)
    node.pushes_to()
    assert len(node.pushed()) == MOST_PUSHED
    assert node.core.next_due() == 0.0
    node.wait(0)
    assert len(node.pushed()) == 50
    assert node.core.next_due() != 0.0
    assert len(ids) == MOST_PUSHED + 50


def test_a_held_interaction_is_pushed_when_it_is_resumed(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    (id,) = node.feed(mail, queue="Second")
    node.ask(mail, RequestHold(tenant_id=1, interaction_id=id))
    node.ask(mail, RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue="In"))
    assert node.pushed() == []
    node.ask(mail, RequestResume(tenant_id=1, interaction_id=id))
    assert node.ids_pushed(router) == [id]


def test_pull_and_push_go_side_by_side(pushing: Callable[..., PushingNode]) -> None:
    node = pushing(default_max_submitted_per_router=1)
    node.pushes_to()
    ids = node.feed(node.media_server(), 3)
    ors = node.router("ors-1")
    pull = RequestPull(tenant_id=1, view_id="In/All", number_of_interactions=9)
    assert list(node.ask(ors, pull).interactions) == ids[1:]


def test_a_router_that_leaves_an_interaction_may_get_it_again(node: PushingNode) -> None:
    router, mail = node.pushes_to(), node.media_server()
    (id,) = node.feed(mail)
    node.ask(router, RequestLeaveInteraction(tenant_id=1, interaction_id=id))
    assert node.ids_pushed(router) == [id]


def counted(node: PushingNode) -> list[Selection]:
    """The selections from now on."""
    asked: list[Selection] = []
    select = node.store.select

    def counting(selection: Selection, now: float) -> list[InteractionRow]:
        asked.append(selection)
        return select(selection, now)

    node.store.select = counting  # type: ignore[method-assign]
    return asked


def test_a_view_is_asked_only_for_what_there_is_room_for(
    pushing: Callable[..., PushingNode],
) -> None:
    node = pushing(default_max_submitted_per_router=3)
    mail = node.media_server()
    asked = counted(node)
    node.feed(mail, 20)
    assert asked == []
    router = node.pushes_to()
    assert len(asked) == 1
    node.feed(mail, 20)
    node.feed(mail, 20, queue="Second")
    assert len(asked) == 1
    (first, *_) = node.core._standing.memory.routers.have
    assert first == router.session
    other = node.pushes_to("urs-2", "Fast")
    node.feed(mail, 5, queue="Urgent", user_data={"Priority": 1})
    assert len(asked) == 2
    node.feed(mail, queue="Urgent", user_data={"Priority": 8})
    assert len(asked) == 3
    assert len(node.pushed(other)) == 1
