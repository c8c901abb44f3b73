from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.testing.simulation import pushed
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import (
    logged_in,
    pulled,
    pushed_to,
    routed,
    running,
    submitted,
)


def last(run: Run, kind: type[Any]) -> Asked:
    """The last request of a kind."""
    return [asked for asked in run.asked if isinstance(asked.request, kind)][-1]


def test_what_is_submitted_is_pushed() -> None:
    with running(pushed=True, nodes=1) as run:
        router = pushed_to(run)
        pushed.submit_routed(run, Draws(0))
        run.cluster.run(0.1)
        outcome = last(run, m.RequestSubmit).outcome
        assert isinstance(outcome, m.EventAck)
        assert list(router.here.holding) == [outcome.interaction_id]


def test_several_are_submitted_and_a_router_gets_as_many_as_it_may_have() -> None:
    with running(pushed=True, nodes=1, per_router=2) as run:
        router = pushed_to(run)
        pushed.submit_several_routed(run, Draws(0))
        run.cluster.run(0.1)
        assert sum(isinstance(asked.request, m.RequestSubmit) for asked in run.asked) == 3
        assert len(router.here.holding) == 2
        assert run.breach is None


def test_what_is_placed_there_is_pushed() -> None:
    with running(pushed=True, nodes=1) as run:
        router, identifier = pushed_to(run), pulled(run)
        named = {"tenant_id": 1, "interaction_id": identifier}
        request, marks = pushed.place_in_routed(named, run, Draws(0))
        run.ask(run.there("router")[0], request, marks=marks)
        run.cluster.run(0.1)
        assert list(router.here.holding) == [identifier]
        assert run.breach is None


@pytest.mark.parametrize("kind", range(len(pushed.ROUTE_TYPES)))
def test_a_router_says_what_becomes_of_what_it_has(kind: int) -> None:
    with running(pushed=True, nodes=1) as run:
        logged_in(run)
        router = pushed_to(run)
        identifier = routed(run)
        # Of one holder and one interaction; then the kind, and whatever follows.
        pushed.route(run, Draws(1 + 100 * kind))
        run.cluster.run(3)
        asked = last(run, m.RequestRouteCall)
        assert isinstance(asked.request, m.RequestRouteCall)
        assert isinstance(asked.outcome, m.EventRouteUsed | Exception)
        assert asked.request.route_type == pushed.ROUTE_TYPES[kind]
        if isinstance(asked.outcome, m.EventRouteUsed) and pushed.ROUTE_TYPES[kind] != "Agent":
            assert identifier not in router.here.holding or asked.request.queue == "Routed"
        assert run.breach is None


def test_somebody_pulls_what_no_router_has() -> None:
    with running(pushed=True, nodes=1) as run:
        identifier = routed(run)
        pushed.pull_routed(run, Draws(0))
        run.cluster.run(3)
        outcome = last(run, m.RequestPull).outcome
        assert isinstance(outcome, m.EventPulledInteractions)
        assert list(outcome.take_numbers) == [identifier]


def test_a_router_asks_of_nothing_that_another_node_has() -> None:
    with running(pushed=True) as run:
        ids = [submitted(run, 1), submitted(run, 2)]
        router = pushed_to(run)
        its = [each for each in ids if pushed._is_its(run, router, each)]
        assert [run.ledger.born[each] for each in its] == ["node1"]


def test_routers_come_until_there_are_enough() -> None:
    with running(pushed=True, pushers=1) as run:
        for _ in range(pushed.MOST + 2):
            pushed.router_comes(run, Draws(1))
        run.cluster.run(0.5)
        assert len(run.there("urs")) == pushed.MOST
        assert run.breach is None


def test_a_router_loads_something_else_and_is_pushed_that() -> None:
    with running(pushed=True, nodes=1) as run:
        router = pushed_to(run, ())
        identifier = routed(run)
        assert not router.here.holding
        pushed.load(run, Draws(0))
        run.cluster.run(0.2)
        assert run.pushed.loaded[router] == ("Mail",)
        assert list(router.here.holding) == [identifier]


def test_a_router_that_cannot_say_what_it_has_loaded_is_told_of() -> None:
    with running(pushed=True, nodes=1) as run:
        router = pushed_to(run)
        pushed.load(run, Draws(0))
        run.cluster.network.lose(router.host)
        run.cluster.run(3)
        assert any("has not said what it has loaded" in line for line in run.history.lines())
        assert router.here.connected
        assert run.breach is None
