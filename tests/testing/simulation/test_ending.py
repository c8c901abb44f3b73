from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.client.holdings import Held
from ixproxy.testing.faults import Fault
from ixproxy.testing.memory_servers import time_of_day
from ixproxy.testing.simulation import asking, breaking
from ixproxy.testing.simulation.ending import MOST_TIMES, TOLD, come_to_rest, end
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import logged_in, pulled, running, submitted


def test_all_is_healed_and_comes_to_rest() -> None:
    with running(proxies=2) as run:
        logged_in(run)
        pulled(run)
        for broken in (breaking.pause_node, breaking.cut_client, breaking.stop_reading):
            broken(run, Draws(0))
        breaking.cut_node(run, Draws(1))
        run.store(run.cluster.nodes[0]).broken["commit"] = Fault.REFUSED
        run.cluster.run(1.0)
        end(run)
        assert run.mends == {}
        assert run.breach is None, run.breach


def test_what_waits_is_worked_off_and_everybody_leaves() -> None:
    with running() as run:
        pulled(run, 1)
        submitted(run, 2)
        end(run)
        assert run.breach is None, run.breach
        assert run.last is not None
        assert len(run.last.here.holding) == 2
        assert not run.there("mail", "router", "desk", "stat")


def test_it_ends_where_a_rule_is_broken() -> None:
    with running() as run:
        run.ended[submitted(run)] = 1
        end(run)
        assert run.breach is not None
        assert run.breach.rule == "nothing_acknowledged_is_lost"
        assert run.there("mail")


def test_what_a_dead_node_has_is_let_go_before_it_is_started() -> None:
    with running() as run:
        identifier = pulled(run)
        (node,) = run.ledger.owners[identifier]
        number = [each.name for each in run.cluster.nodes].index(node)
        breaking.kill_node(run, Draws(number + 50 * len(run.cluster.nodes)))
        assert run.down.keys() == {node}
        end(run)
        assert run.breach is None, run.breach
        assert any("but for" in line for line in run.history.lines())


def test_it_is_a_breach_if_what_a_dead_node_has_is_kept() -> None:
    with running(grace=500.0) as run:
        identifier = pulled(run)
        (node,) = run.ledger.owners[identifier]
        number = [each.name for each in run.cluster.nodes].index(node)
        breaking.kill_node(run, Draws(number + 50 * len(run.cluster.nodes)))
        object.__setattr__(run.world, "grace", 1.0)
        end(run)
        assert run.breach is not None
        assert run.breach.rule == "what_a_lost_node_has_is_let_go"


def test_everything_that_a_client_has_named_is_found() -> None:
    with running() as run:
        asking.submit_named(run, Draws(0))
        run.cluster.run(1.0)
        asking.submit_named(run, Draws(0))
        run.cluster.run(1.0)
        assert len(run.own) == 2
        end(run)
        assert run.breach is None, run.breach


def test_in_some_worlds_a_node_is_away_at_the_end_and_agents_log_out() -> None:
    with running(outlasts=True) as run:
        logged_in(run)
        end(run)
        assert run.breach is None, run.breach
        (asked,) = [each for each in run.asked if isinstance(each.request, m.RequestAgentLogout)]
        assert isinstance(asked.outcome, m.EventAck)


def rests_when_it_may_not_be_kept(run: Run, after: float = 0.0) -> str:
    """
    A router has something, and all is at rest when its time for that is over, or `after` that.

    :return: what it has.
    """
    identifier = pulled(run)
    (timer,) = run.cluster.rows("timers")
    clock = run.cluster.clock
    run.cluster.run(timer["due_at"] + after - run.world.ending - time_of_day(clock)())
    return identifier


@pytest.mark.parametrize("after", [0.0, 0.0005, 0.001, 0.0015, 0.002])
def test_what_may_not_be_kept_any_longer_just_then_is_no_breach(after: float) -> None:
    with running(handling=90.0) as run:
        identifier = rests_when_it_may_not_be_kept(run, after)
        end(run)
        assert run.breach is None, run.breach
        told = [line for line in run.history.lines() if "router-1 hears EventRevoked" in line]
        assert len(told) == 1
        assert identifier in told[0]


def test_it_is_one_if_the_client_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Held, "event_received", lambda held, event: ())
    with running(handling=90.0) as run:
        identifier = rests_when_it_may_not_be_kept(run)
        end(run)
        assert run.breach is not None
        assert run.breach.rule == "nothing_is_imagined"
        assert identifier in run.breach.text


def test_nodes_that_never_rest_are_waited_for_so_long_and_no_longer() -> None:
    with running() as run:
        began = run.cluster.clock.seconds()

        def again() -> None:
            run.ledger.events["node1"] += 1
            run.cluster.clock.callLater(0.1, again)

        again()
        come_to_rest(run, 1.0)
        assert run.cluster.clock.seconds() - began == pytest.approx(1.0 - TOLD + MOST_TIMES * TOLD)
