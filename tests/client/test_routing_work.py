from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ixproxy.client.routing_work import RoutingItem, RoutingWork, as_it_comes
from ixproxy.messages import EventAbandoned, EventPulledInteractions, EventRouteRequest


def client(**holding: int) -> Any:
    return SimpleNamespace(holding=holding)


def push(id: str, take: int = 1, **properties: Any) -> EventRouteRequest:
    return EventRouteRequest(
        tenant_id=1,
        interaction_id=id,
        take_number=take,
        interaction=properties,
        strategy_id="Mail",
    )


def taken(work: RoutingWork) -> list[str]:
    found = iter(work.take, None)
    return [item.interaction_id for item in found]


def arrived(work: RoutingWork, of: Any, *events: Any) -> None:
    arrivals = work.arrivals()
    arrivals.belong_to(of)
    for event in events:
        arrivals(event)


def test_the_highest_priority_of_all_nodes_comes_first_then_the_oldest() -> None:
    work = RoutingWork()
    arrived(work, client(a=1, b=1), push("a", Priority=3), push("b", Priority=9, ReceivedAt=5.0))
    arrived(work, client(c=1, d=1), push("c", Priority=9, ReceivedAt=4.0), push("d"))
    assert len(work) == 4
    assert taken(work) == ["c", "b", "a", "d"]


def test_without_an_order_of_its_own_it_is_as_it_comes() -> None:
    work = RoutingWork(as_it_comes)
    arrived(work, client(a=1, b=1), push("a", Priority=1), push("b", Priority=9))
    assert taken(work) == ["a", "b"]


def test_what_came_before_the_client_was_known_is_not_lost() -> None:
    work = RoutingWork()
    arrivals = work.arrivals()
    arrivals(push("a"))
    assert taken(work) == []
    arrivals.belong_to(client(a=1))
    assert taken(work) == ["a"]


def test_what_the_client_has_no_more_or_by_another_take_is_passed_over() -> None:
    work = RoutingWork()
    arrived(work, client(b=2), push("a"), push("b", 1), EventAbandoned(interaction_id="b"))
    assert taken(work) == []
    assert len(work) == 0


def test_what_was_pulled_stands_in_the_same_order() -> None:
    work = RoutingWork()
    arrived(work, client(a=1), push("a", Priority=2))
    proxy = client(b=7)
    answer = EventPulledInteractions(interactions={"b": {"Priority": 5}}, take_numbers={"b": 7})
    work.add_pulled(proxy, 1, answer)
    first = work.take()
    assert first == RoutingItem(proxy, 1, "b", 7, {"Priority": 5})
    assert taken(work) == ["a"]


def test_whoever_waits_is_told_when_there_is_something() -> None:
    work = RoutingWork()
    fired: list[None] = []
    work.some().addCallback(fired.append)
    given_up = work.some()
    given_up.addErrback(lambda _: None)
    given_up.cancel()
    assert fired == []
    arrived(work, client(a=1), push("a"))
    assert len(fired) == 1
    work.some().addCallback(fired.append)
    assert len(fired) == 2
