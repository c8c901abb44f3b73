"""Each rule of pushed work can be broken; those of commits in `test_pushed_work`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.testing.simulation import rules_of_pushed as rules
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.pushed_work import Place, Take
from ixproxy.testing.simulation.run import Run
from tests.testing.simulation.small_worlds import execute, one, pushed_to, routed, running


def said(found: Iterator[str]) -> str:
    """What a rule says first; "" when it is kept."""
    return next(found, "")


def used(run: Run, identifier: str, number: int = 7, **more: Any) -> Asked:
    """A router has said what becomes of an interaction, and is told that it is so."""
    request = m.RequestRouteCall(tenant_id=1, interaction_id=identifier, take_number=number, **more)
    outcome = m.EventRouteUsed(interaction_id=identifier)
    asked = Asked(3, one(run, "urs"), request, Deferred(), run.now(), outcome=outcome)
    asked.answered_at = run.now()
    run.asked.append(asked)
    return asked


TO: dict[str, tuple[dict[str, Any], Place, Place]] = {
    "Queue": ({"queue": "Done"}, Place("Done"), Place("Second")),
    "Workbin": (
        {"workbin": m.Workbin(workbin_type_id="Drafts", workbin_agent_id="anna")},
        Place(workbin="Drafts", owner="anna"),
        Place(workbin="Drafts", owner="bert"),
    ),
    "Stop": ({}, Place(gone=True), Place("Routed")),
}


@pytest.mark.parametrize("kind", TO)
def test_what_is_routed_is_where_its_router_said(kind: str) -> None:
    more, right, wrong = TO[kind]
    with running(pushed=True) as run:
        pushed_to(run)
        asked = used(run, "a", route_type=kind, **more)
        assert "has it as 7" in said(rules.what_is_routed_is_done(run, asked))
        run.pushed.over["a", 7] = right
        assert said(rules.what_is_routed_is_done(run, asked)) == ""
        run.pushed.over["a", 7] = wrong
        assert "and is in" in said(rules.what_is_routed_is_done(run, asked))
        used(run, "a", route_type="Queue", queue="In")
        assert said(rules.what_is_routed_is_done(run, asked)) == "", "they may be one commit"


def test_what_an_agent_does_with_it_is_not_the_routers() -> None:
    with running(pushed=True) as run:
        pushed_to(run)
        asked = used(run, "a", route_type="Agent", agent_id="anna")
        run.pushed.over["a", 7] = Place("Routed")
        assert said(rules.what_is_routed_is_done(run, asked)) == ""


def test_what_was_routed_without_its_take_may_be_any() -> None:
    with running(pushed=True) as run:
        pushed_to(run)
        asked = used(run, "a", 0, route_type="Stop")
        assert said(rules.what_is_routed_is_done(run, asked)) == ""


def test_what_a_router_that_is_gone_still_has() -> None:
    rule = rules.what_a_dead_router_had_goes_back_in_time
    with running(pushed=True, nodes=1, keep_alive=(1.5, 3.0)) as run:
        router = pushed_to(run)
        assert said(rule(run)) == ""
        run.pushed.takes["node1", "a", router.session] = Take(7, "Mail")
        run.cluster.run(20)
        assert said(rule(run)) == "", "it is there"
        router.left = True
        assert said(rule(run)) == ""
        run.cluster.run(7)
        assert said(rule(run)) == ""
        run.cluster.run(3)
        assert "gone for 10.0 s" in said(rule(run))
        run.mends["the disk of node1 is full"] = lambda: None
        assert said(rule(run)) == "", "its node cannot write"
        run.mends.clear()
        run.cluster.run(7)
        assert said(rule(run)) == ""
        run.ledger.epochs["node1"] += 1
        run.cluster.run(3)
        assert said(rule(run)) == "", "another server of it has begun"
        run.cluster.run(10)
        assert said(rule(run))


def test_a_router_that_is_back_has_what_it_has() -> None:
    rule = rules.what_a_dead_router_had_goes_back_in_time
    with running(pushed=True, nodes=1, keep_alive=(1.5, 3.0)) as run:
        router = pushed_to(run)
        run.pushed.takes["node1", "a", router.session] = Take(7, "Mail")
        router.left = True
        assert said(rule(run)) == ""
        router.left = False
        run.cluster.run(20)
        assert said(rule(run)) == ""
        router.left = True
        assert said(rule(run)) == "", "it is gone only now"


def test_a_node_that_knows_something_else_of_a_router() -> None:
    rule = rules.nodes_know_what_routers_have_loaded
    with running(pushed=True) as run:
        router = pushed_to(run)
        assert said(rule(run)) == ""
        run.pushed.loaded[router] = ("Mail", "Fast")
        assert said(rule(run)).startswith("node1 knows [{'Mail'}], said is [{'")
        run.pushed.loaded[router] = ()
        assert "said is []" in said(rule(run))
        router.left = True
        run.pushed.loaded[router] = ("Mail",)
        assert "said is []" in said(rule(run))


def test_what_waits_for_a_router_with_room() -> None:
    rule = rules.nothing_waits_for_a_router_with_room
    with running(pushed=True, nodes=1) as run:
        identifier = routed(run)
        assert said(rule(run)) == "", "there is no router"
        run.pushed.loaded[one(run, "router")] = ("Fast",)
        run.pushed.node[one(run, "router")] = 0
        assert said(rule(run)) == "", "it is not urgent"
        run.pushed.loaded[one(run, "router")] = ("Mail",)
        assert identifier in said(rule(run))
        execute(run, 0, "UPDATE interactions SET is_held = 1")
        assert said(rule(run)) == ""
        execute(run, 0, "UPDATE interactions SET is_held = 0, priority = 9")
        run.pushed.loaded[one(run, "router")] = ("Fast",)
        assert identifier in said(rule(run))
        run.pushed.node[one(run, "router")] = 1
        assert said(rule(run)) == "", "it is connected to another node"


def test_what_waits_for_routers_that_have_enough() -> None:
    rule = rules.nothing_waits_for_a_router_with_room
    with running(pushed=True, nodes=1, per_router=1) as run:
        router = pushed_to(run)
        routed(run, 1)
        identifier = routed(run, 2)
        assert len(router.here.holding) == 1
        assert said(rule(run)) == ""
        run.pushed.takes.clear()
        assert identifier in said(rule(run))
