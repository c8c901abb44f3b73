"""
Traces T1 to T20 of the interaction life cycle, on a node and through proxies.

Each scene brings one trace about, and checks what others hear beside
reporting; what reporting hears is checked against the table for all alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code
from ixproxy.messages.message import Workbin
from ixproxy.node.life_cycle import LIFE_CYCLE, State, Transition, When
from ixproxy.testing.life_traces import TRACES, Trace
from ixproxy.testing.stage import Stage, codes, delivered, handled, routed, shared
from ixproxy.values import InteractionState
from tests.testing.conftest import KindsOfStore

Scene = Callable[[Stage], str]
SCENES: dict[int, Scene] = {}
STATES: dict[str, State] = {
    "": None,
    **{state.name.capitalize(): state for state in InteractionState},
}
DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")


def scene(number: int) -> Callable[[Scene], Scene]:
    """The scene of a trace."""

    def keep(play: Scene) -> Scene:
        SCENES[number] = play
        return play

    return keep


def heard(stage: Stage, **by: Sequence[str]) -> None:
    """These clients heard just this, and others nothing."""
    assert {who: stage.names(who) for who in stage.heard if stage.heard[who]} == by


@scene(1)
def t1(stage: Stage) -> str:
    stage.forget()
    identifier = stage.new()
    heard(stage)
    return identifier


@scene(2)
def t2(stage: Stage) -> str:
    stage.forget()
    ann = stage.agents["Ann"]
    ack = stage.ask(ann, m.RequestSubmit(tenant_id=1, media_type="email", queue="In"))
    assert ann.holding == {ack.interaction_id: ack.take_number}
    heard(stage)
    return str(ack.interaction_id)


@scene(3)
def t3(stage: Stage) -> str:
    """Nothing happens to what a view shows until somebody takes it."""
    identifier = stage.new()
    stage.forget()
    find = m.RequestFindInteractions(tenant_id=1, condition="Queue = 'In'")
    assert list(stage.ask(stage.router, find).interactions) == [identifier]
    heard(stage)
    return identifier


@scene(4)
def t4(stage: Stage) -> str:
    """Pulled; the push to a router is another way to the same."""
    identifier = stage.new()
    stage.forget()
    answer = stage.ask(stage.router, m.RequestPull(tenant_id=1, view_id="In/All"))
    assert answer.take_numbers.keys() == {identifier}
    heard(stage)
    return identifier


@scene(5)
def t5(stage: Stage) -> str:
    identifier = routed(stage)
    stage.forget()
    stage.ask(stage.router, stage.on(m.RequestPlaceInQueue, identifier, queue="Second"))
    assert stage.router.holding == {}
    heard(stage)
    return identifier


@scene(6)
def t6(stage: Stage) -> str:
    identifier = routed(stage)
    stage.forget()
    stage.ask(stage.router, stage.on(m.RequestPlaceInWorkbin, identifier, workbin=DRAFTS))
    heard(stage)
    return identifier


@scene(7)
def t7(stage: Stage) -> str:
    identifier = routed(stage)
    stage.forget()
    asked = stage.on(m.RequestDeliver, identifier, agent_id="Ann")
    assert stage.begin(stage.router, asked) == []
    assert list(stage.agents["Ann"].invitations) == [(identifier, stage.ticket("Ann"))]
    heard(stage, Ann=["Invite"])
    return identifier


@scene(8)
def t8(stage: Stage) -> str:
    identifier, answers = delivered(stage)
    stage.forget()
    ann = stage.agents["Ann"]
    ack = stage.ask(ann, stage.on(m.RequestAccept, identifier, ticket_id=stage.ticket("Ann")))
    stage.cluster.run(1)
    assert codes(answers) == [0]
    assert (stage.router.holding, ann.holding) == ({}, {identifier: ack.take_number})
    assert ann.invitations == {}
    heard(stage)
    return identifier


@scene(9)
def t9(stage: Stage) -> str:
    identifier, answers = delivered(stage)
    stage.forget()
    ann = stage.agents["Ann"]
    stage.ask(ann, stage.on(m.RequestReject, identifier, ticket_id=stage.ticket("Ann")))
    stage.cluster.run(1)
    assert codes(answers) == [Code.INVITATION_REJECTED]
    assert (stage.router.holding, ann.holding, ann.invitations) == ({}, {}, {})
    heard(stage, router=["Revoked"])
    return identifier


@scene(10)
def t10(stage: Stage) -> str:
    identifier, answers = delivered(stage)
    stage.forget()
    stage.cluster.run(30)
    assert codes(answers) == [Code.INVITATION_EXPIRED]
    assert (stage.router.holding, stage.agents["Ann"].invitations) == ({}, {})
    heard(stage, Ann=["Revoked"], router=["Revoked"])
    return identifier


@scene(11)
def t11(stage: Stage) -> str:
    identifier = stage.new()
    stage.forget()
    stage.take(stage.agents["Ann"], identifier)
    heard(stage)
    return identifier


@scene(12)
def t12(stage: Stage) -> str:
    identifier = handled(stage)
    stage.forget()
    stage.cluster.run(60)
    assert stage.agents["Ann"].holding == {}
    heard(stage, Ann=["Revoked"])
    return identifier


@scene(13)
def t13(stage: Stage) -> str:
    identifier = handled(stage)
    stage.forget()
    stage.ask(stage.agents["Ann"], stage.on(m.RequestPlaceInQueue, identifier, queue="Second"))
    heard(stage)
    return identifier


@scene(14)
def t14(stage: Stage) -> str:
    identifier = handled(stage)
    stage.forget()
    ann, bob = stage.agents["Ann"], stage.agents["Bob"]
    answers = stage.begin(ann, stage.on(m.RequestTransfer, identifier, agent_id="Bob"))
    assert (answers, list(ann.holding)) == ([], [identifier])
    stage.ask(bob, stage.on(m.RequestAccept, identifier, ticket_id=stage.ticket("Bob")))
    stage.cluster.run(1)
    assert (codes(answers), ann.holding, list(bob.holding)) == ([0], {}, [identifier])
    heard(stage, Bob=["Invite"])
    return identifier


@scene(15)
def t15(stage: Stage) -> str:
    identifier = handled(stage)
    stage.forget()
    ann, bob = stage.agents["Ann"], stage.agents["Bob"]
    answers = stage.begin(ann, stage.on(m.RequestConference, identifier, agent_id="Bob"))
    stage.ask(bob, stage.on(m.RequestAccept, identifier, ticket_id=stage.ticket("Bob")))
    stage.cluster.run(1)
    assert (codes(answers), list(ann.holding)) == ([0], [identifier])
    assert list(bob.holding) == [identifier]
    heard(stage, Ann=["PartyAdded"], Bob=["Invite"])
    return identifier


@scene(16)
def t16(stage: Stage) -> str:
    identifier = shared(stage)
    stage.ask(stage.agents["Ann"], stage.on(m.RequestLeaveInteraction, identifier))
    stage.cluster.run(1)
    assert stage.names("Bob")[-1] == "PartyRemoved"
    stage.forget()
    stage.ask(stage.agents["Bob"], stage.on(m.RequestLeaveInteraction, identifier))
    assert stage.agents["Bob"].holding == {}
    heard(stage)
    return identifier


@scene(17)
def t17(stage: Stage) -> str:
    identifier = shared(stage)
    stage.forget()
    stage.ask(stage.mail, stage.on(m.RequestStopProcessing, identifier))
    stage.cluster.run(1)
    assert stage.agents["Ann"].holding == stage.agents["Bob"].holding == {}
    heard(stage, Ann=["Revoked"], Bob=["Revoked"])
    return identifier


@scene(18)
def t18(stage: Stage) -> str:
    identifier = routed(stage)
    stage.forget()
    stage.cluster.run(120)
    assert stage.router.holding == {}
    heard(stage, router=["Revoked"])
    return identifier


def urs(stage: Stage, number: int) -> Client:
    """A router on one node, which is pushed to."""
    return stage.cluster.client(
        "urs", "RoutingEngine", node=number, extension={"strategies": ["Mail"]}
    )


@scene(19)
def t19(stage: Stage) -> str:
    """A router is gone: what was pushed to it goes back, first in its order, for another."""
    routers = [urs(stage, number) for number in range(len(stage.cluster.nodes))]
    submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="Routed")
    identifier: str = stage.ask(stage.mail, submit).interaction_id
    stage.cluster.run(1)
    (router,) = [each for each in routers if each.holding]
    assert list(router.holding) == [identifier]
    stage.forget()
    for each in routers:
        stage.cluster.kill_client(each)
    stage.cluster.run(7)
    heard(stage)
    return identifier


@scene(20)
def t20(stage: Stage) -> str:
    """As a snapshot's move will do to each of its interactions."""
    identifier = stage.new()
    stage.forget()
    stage.ask(stage.mail, stage.on(m.RequestPlaceInQueue, identifier, queue="Second"))
    heard(stage)
    return identifier


PLACES = {
    "on a node": (0, 0, "sqlite"),
    "through proxies": (2, 0, "sqlite"),
    "through a chain": (2, 2, "sqlite"),
    "on a node with PostgreSQL": (0, 0, "postgresql"),
    "through proxies with PostgreSQL": (2, 0, "postgresql"),
}


@pytest.fixture(params=PLACES)
def stage(request: pytest.FixtureRequest, kinds_of_store: KindsOfStore) -> Iterator[Stage]:
    proxies, outer, kind = PLACES[request.param]
    stage = Stage(proxies, outer, kinds_of_store(kind))
    yield stage
    stage.close()


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)
def test_each_trace_happens_as_it_is_written_down(stage: Stage, trace: Trace) -> None:
    """Traces T1 to T20 of the life cycle: the events that reporting hears, and who else what."""
    identifier = SCENES[trace.number](stage)
    assert stage.reported() == list(trace.reported)
    row = stage.row(identifier)
    assert (None if row is None else row["state"]) == STATES[trace.target]
    assert stage.cluster.problems() == []


def test_another_router_gets_what_a_lost_one_had_first(stage: Stage) -> None:
    """The second half of T19."""
    identifier = t19(stage)
    stage.ask(stage.mail, m.RequestSubmit(tenant_id=1, media_type="email", queue="Routed"))
    for number in range(len(stage.cluster.nodes)):
        urs(stage, number)
        stage.cluster.run(1)
    (node,) = [row["node"] for row in stage.cluster.rows("interactions") if row["id"] == identifier]
    parties = [row for row in stage.cluster.rows("parties") if row["node"] == node]
    first = min(parties, key=lambda row: int(row["take_number"]))
    assert first["interaction_id"] == identifier


def test_every_trace_of_the_field_is_there_once() -> None:
    assert [trace.number for trace in TRACES] == list(range(1, 21))
    assert SCENES.keys() == {trace.number for trace in TRACES}


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)
def test_a_trace_is_what_the_table_of_the_life_cycle_says(trace: Trace) -> None:
    state, events = STATES[trace.source], []
    for trigger in trace.triggers:
        found = LIFE_CYCLE[trigger, state]
        assert isinstance(found, Transition)
        state = found.target
        for step in found.steps:
            name = step.event.__name__.removeprefix("Event")
            may_be_missing = step.when in (
                When.INTO_WORKBIN,
                When.OUT_OF_WORKBIN,
                When.EACH_CALLED_OFF,
            )
            if step.reported and not (may_be_missing and name not in trace.reported):
                events.append(name)
    assert state == STATES[trace.target]
    assert events == list(dict.fromkeys(trace.reported))
