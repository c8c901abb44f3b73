"""What is so at rest of servers and pushed routers, and that each of it can be broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.client.third_party_server import Fault
from ixproxy.testing.simulation import ending_calls as ending
from ixproxy.testing.simulation.calling import made_call
from ixproxy.testing.simulation.calls import NEVER
from ixproxy.testing.simulation.ending import end
from ixproxy.testing.simulation.pushed_work import Take
from ixproxy.testing.simulation.run import Run
from tests.testing.simulation.small_worlds import one, pushed_to, routed, running, submitted


def test_a_run_with_servers_and_routers_and_without_faults_breaks_no_rule() -> None:
    with running(services=True, pushed=True, pushers=2, outer=1) as run:
        routed(run, 1)
        routed(run, 2)
        submitted(run, 3)
        end(run)
        assert run.breach is None, run.breach


def test_without_them_nothing_is_asked() -> None:
    with running() as run:
        before, at = len(run.asked), run.now()
        ending.call_at_rest(run)
        ending.routers_go(run)
        assert (len(run.asked), run.now()) == (before, at)


def _cut(run: Run) -> None:
    run.cluster.cut("node1", "archive")
    run.cluster.network.lose("node1", "archive")


def _faulty(run: Run) -> None:
    def fault(_: Any) -> Any:
        raise Fault("No", "no")

    run.calls.server("archive")._answer = fault


def _unbalanced(run: Run) -> None:
    for node in run.cluster.nodes:
        assert node.server is not None
        servers = node.server.third_party.servers
        servers._in_turn = lambda address, servers: servers  # type: ignore[method-assign]


def _immortal(run: Run) -> None:
    run.calls.servers[0].kill = lambda: None  # type: ignore[method-assign]


def _unfound(run: Run) -> None:
    run.ledger.owners["never"] = {"node1"}


@pytest.mark.parametrize(
    ("mistake", "rule"),
    [
        (_cut, "external_servers_are_connected_again"),
        (_faulty, "each_server_answers_again"),
        (_unbalanced, "servers_of_a_type_have_turns"),
        (_immortal, "who_is_dead_is_not_connected"),
        (_unfound, "what_is_there_is_found_by_a_call"),
    ],
)
def test_what_is_wrong_at_rest_is_found(mistake: Callable[[Run], None], rule: str) -> None:
    with running(services=True) as run:
        run.on_answer = ()
        mistake(run)
        ending.call_at_rest(run)
        assert run.breach is not None
        assert run.breach.rule == rule


def test_what_was_never_answered_is_answered_too_late() -> None:
    with running(services=True) as run:
        asked = made_call(run, one(run, "router"), {"AppName": "archive"}, NEVER)
        run.cluster.run(4)
        assert asked.outcome is not None
        ending.call_at_rest(run)
        run.cluster.run(0.1)
        for node in run.cluster.nodes:
            assert node.server is not None
            assert node.server.third_party.servers.in_flight == 0
        assert run.breach is None


def test_routers_go_with_nothing() -> None:
    with running(pushed=True) as run:
        router = pushed_to(run)
        routed(run)
        run.pushed.takes["node1", "x", router.session] = Take(99, "Mail")
        ending.routers_go(run)
        assert router.left
        assert run.breach is not None
        assert run.breach.rule == "what_is_pushed_goes_back_with_its_router"
        assert "x is pushed on node1 as 99" in run.breach.text
