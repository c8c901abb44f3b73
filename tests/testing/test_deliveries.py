"""Deliveries, transfers and conferences through proxies, and what goes wrong meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.stage import Stage, codes, delivered, handled, routed


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage(2)
    yield stage
    assert pending(stage) == 0
    stage.close()


def pending(stage: Stage) -> int:
    """Requests that proxies or nodes still know of."""
    cluster = stage.cluster
    proxies = [
        link.pending.count
        for proxy in (*cluster.proxies, *cluster.outers)
        if proxy.process.alive and proxy.core is not None
        for link in proxy.core.state.links.values()
    ]
    nodes = [
        len(node.server.listener.unsettled())
        for node in cluster.nodes
        if node.process.alive and node.server is not None
    ]
    return sum(proxies) + sum(nodes)


def owner(stage: Stage, identifier: str) -> int:
    """The number of the node that has an interaction."""
    row = stage.row(identifier)
    assert row is not None
    return int(row["node"].removeprefix("node")) - 1


def in_doubt(answers: list[Any]) -> bool:
    (refusal,) = answers
    assert isinstance(refusal, RequestRefused)
    return refusal.in_doubt


def invite(stage: Stage, agent: str) -> m.EventInvite:
    (found,) = stage.agents[agent].invitations.values()
    return found


def accept(stage: Stage, agent: str, identifier: str) -> Any:
    request = stage.on(m.RequestAccept, identifier, ticket_id=invite(stage, agent).ticket_id)
    return stage.ask(stage.agents[agent], request)


def test_an_agent_on_another_proxy_is_invited_and_the_extension_comes_along(stage: Stage) -> None:
    identifier = handled(stage)
    asked = stage.on(
        m.RequestConference,
        identifier,
        agent_id="Bob",
        visibility_mode="Coach",
        extension={"operation": "help"},
    )
    answers = stage.begin(stage.agents["Ann"], asked)
    told = invite(stage, "Bob")
    assert (told.extension, told.visibility_mode) == ({"operation": "help"}, "Coach")
    accept(stage, "Bob", identifier)
    stage.cluster.run(1)
    assert codes(answers) == [0]


def test_a_conference_and_an_intrusion_leave_everybody_with_what_they_hold(stage: Stage) -> None:
    identifier = handled(stage)
    ann, bob, eve = (stage.agents[name] for name in ("Ann", "Bob", "Eve"))
    stage.begin(ann, stage.on(m.RequestConference, identifier, agent_id="Bob"))
    accept(stage, "Bob", identifier)
    ack = stage.ask(eve, stage.on(m.RequestIntrude, identifier))
    assert eve.holding == {identifier: ack.take_number}
    assert stage.cluster.problems() == []
    stage.ask(bob, stage.on(m.RequestStopProcessing, identifier))
    stage.cluster.run(1)
    assert (ann.holding, bob.holding, eve.holding) == ({}, {}, {})


def test_a_router_whose_node_dies_is_in_doubt_and_hears_of_the_outcome(stage: Stage) -> None:
    identifier, answers = delivered(stage)
    node = owner(stage, identifier)
    stage.cluster.kill_node(node)
    stage.cluster.run(1)
    assert codes(answers) == [Code.LOST_CONNECTION]
    assert in_doubt(answers)
    stage.cluster.restart_node(node)
    stage.cluster.settled()
    stage.cluster.run(5)
    # The node does not know the router as a party any more; Ann is invited again.
    assert stage.router.holding == {}
    assert stage.names("Ann").count("Invite") == 2
    accept(stage, "Ann", identifier)
    stage.cluster.run(1)
    assert stage.names("router")[-1] == "Accepted"
    assert stage.cluster.problems() == []


def test_a_transfer_whose_node_dies_ends_with_one_holder(stage: Stage) -> None:
    identifier = handled(stage)
    node = owner(stage, identifier)
    ann = stage.agents["Ann"]
    answers = stage.begin(ann, stage.on(m.RequestTransfer, identifier, agent_id="Bob"))
    stage.cluster.kill_node(node)
    stage.cluster.run(1)
    assert in_doubt(answers)
    stage.cluster.restart_node(node)
    stage.cluster.settled()
    stage.cluster.run(5)
    assert list(ann.holding) == [identifier]
    accept(stage, "Bob", identifier)
    stage.cluster.run(1)
    assert (ann.holding, list(stage.agents["Bob"].holding)) == ({}, [identifier])
    assert stage.names("Ann")[-1] == "Revoked"
    assert stage.cluster.problems() == []


def test_an_agent_whose_proxy_dies_is_told_again_by_the_other(stage: Stage) -> None:
    cluster = stage.cluster
    zoe = cluster.client("Zoe", "AgentApplication", proxy=[0, 1])
    login = m.RequestAgentLogin(tenant_id=1, agent_id="Zoe", place_id="P-Zoe")
    stage.ask(zoe, login)
    identifier = stage.new()
    through = 0 if zoe.server.name == "proxy1" else 1
    router = cluster.client("other", "RoutingEngine", proxy=1 - through)
    stage.take(router, identifier)
    answers = stage.begin(router, stage.on(m.RequestDeliver, identifier, agent_id="Zoe"))
    ((_, ticket),) = zoe.invitations
    cluster.kill_proxy(through)
    cluster.run(5)
    assert zoe.connected
    assert list(zoe.invitations) == [(identifier, ticket)]
    ack = stage.ask(zoe, stage.on(m.RequestAccept, identifier, ticket_id=ticket))
    assert zoe.holding == {identifier: ack.take_number}
    cluster.run(1)
    assert codes(answers) == [0]
    assert (list(zoe.holding), router.holding) == ([identifier], {})


def test_a_router_whose_proxy_dies_hears_of_the_outcome_through_another(stage: Stage) -> None:
    cluster = stage.cluster
    router = cluster.client("other", "RoutingEngine", proxy=[0, 1])
    heard: list[str] = []
    router.on_event(lambda event: heard.append(type(event).__name__))
    identifier = stage.new()
    stage.take(router, identifier)
    eve = next(
        name for name, each in stage.agents.items() if each.server.name != router.server.name
    )
    answers = stage.begin(router, stage.on(m.RequestDeliver, identifier, agent_id=eve))
    cluster.kill_proxy(0 if router.server.name == "proxy1" else 1)
    cluster.run(5)
    assert in_doubt(answers)
    stage.ask(stage.agents[eve], stage.on(m.RequestReject, identifier))
    cluster.run(1)
    assert (router.holding, heard.count("EventRejected")) == ({}, 1)
    assert heard[-1] == "EventRevoked"
    row = stage.row(identifier)
    assert row is not None
    assert row["state"] == 0


def test_a_desktop_that_dies_is_invited_until_its_time_to_come_back_is_over(stage: Stage) -> None:
    identifier, answers = delivered(stage)
    stage.forget()
    stage.cluster.kill_client(stage.agents["Ann"])
    stage.cluster.run(10)
    assert answers == []
    stage.cluster.run(12)
    assert codes(answers) == [Code.TARGET_NOT_LOGGED_IN]
    assert stage.reported() == ["Revoked", "PlacedInQueue"]
    assert stage.names("router") == ["Revoked"]
    row = stage.row(identifier)
    assert row is not None
    assert row["state"] == 0


def test_a_router_that_does_not_wait_long_enough_is_in_doubt_until_it_asks(stage: Stage) -> None:
    identifier = routed(stage)
    request = stage.on(m.RequestDeliver, identifier, agent_id="Ann")
    answers: list[Any] = []
    asked = stage.router.request(request, timeout=3)
    asked.addErrback(lambda failure: answers.append(failure.value))
    stage.cluster.run(5)
    assert in_doubt(answers)
    accept(stage, "Ann", identifier)
    stage.cluster.run(1)
    assert stage.router.doubtful == {identifier}
    leave = stage.on(m.RequestLeaveInteraction, identifier)
    assert codes(stage.begin(stage.router, leave)) == [Code.NOT_A_PARTY]
    assert stage.router.holding == {}
    assert stage.cluster.problems() == []


def test_who_is_not_logged_in_cannot_be_invited_through_any_proxy(stage: Stage) -> None:
    identifier = routed(stage)
    request = stage.on(m.RequestDeliver, identifier, agent_id="Nobody")
    assert codes(stage.begin(stage.router, request)) == [Code.TARGET_NOT_LOGGED_IN]
    assert list(stage.router.holding) == [identifier]
