from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.testing.simulation import asking, breaking
from ixproxy.testing.simulation.breaking import COMMITS, mend, mend_one
from ixproxy.testing.simulation.run import Do
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import answered, one, running

LASTING = (
    (breaking.kill_node, 2 * 99),
    (breaking.pause_node, 0),
    (breaking.kill_proxy, 4 * 99),
    (breaking.cut_node, 0),
    (breaking.cut_proxies, 0),
    (breaking.cut_client, 0),
    (breaking.stop_reading, 0),
    (breaking.fill_disk, 0),
)


@pytest.mark.parametrize(("broken", "chance"), LASTING)
def test_what_is_broken_stays_so_until_it_is_mended(broken: Do, chance: int) -> None:
    with running(proxies=2, outer=2) as run:
        broken(run, Draws(chance))
        assert len(run.mends) == 1
        broken(run, Draws(chance))
        assert len(run.mends) == 1
        run.cluster.run(0.5)
        mend(run, Draws(0))
        assert run.mends == {}


def test_a_dead_node_comes_back_with_a_new_epoch() -> None:
    with running() as run:
        breaking.kill_node(run, Draws(2 * 99))
        assert "node1" in run.down
        mend_one(run, "node1 is dead")
        run.cluster.run(1.0)
        assert run.cluster.nodes[0].listening
        assert run.ledger.epochs["node1"] == run.ledger.epochs["node2"] + 1
        assert run.down == {}


def test_a_node_that_stands_still_answers_later() -> None:
    with running(nodes=1) as run:
        breaking.pause_node(run, Draws(0))
        asking.submit(run, Draws(0))
        run.cluster.run(1.0)
        assert run.asked[-1].outcome is None
        mend(run, Draws(0))
        run.cluster.run(0.5)
        assert run.asked[-1].outcome is not None


@pytest.mark.parametrize("fault", range(len(COMMITS)))
def test_a_commit_that_fails_loses_and_doubles_nothing(fault: int) -> None:
    with running(nodes=1) as run:
        breaking.fail_commit(run, Draws(fault))
        asking.submit(run, Draws(0))
        run.cluster.run(1.0)
        outcome = run.asked[-1].outcome
        done = not isinstance(outcome, RequestRefused)
        assert bool(run.ledger.born) == done or outcome.in_doubt  # type: ignore[union-attr]
        assert run.breach is None


def test_who_dies_or_says_goodbye_has_left() -> None:
    with running(desks=2) as run:
        breaking.kill_client(run, Draws(0))
        breaking.close_client(run, Draws(0))
        assert sum(player.left for player in run.players) == 2


def test_who_comes_is_there_soon() -> None:
    with running() as run:
        breaking.come(run, Draws(0))
        run.cluster.run(0.5)
        assert len(run.there("mail")) == 2


def test_there_are_never_too_many() -> None:
    with running() as run:
        for _ in range(20):
            breaking.come(run, Draws(0))
            run.cluster.run(0.1)
        assert len(run.there("mail")) == 5


def test_who_is_cut_off_comes_back_by_another_way() -> None:
    with running(proxies=2) as run:
        mail = one(run, "mail")
        breaking.cut_client(run, Draws(0))
        assert run.mends
        run.cluster.run(0.1)
        mend(run, Draws(0))
        run.cluster.run(10.0)
        assert mail.here.connected


def test_time_passes() -> None:
    with running() as run:
        before = run.now()
        breaking.wait(run, Draws(0))
        assert run.now() > before


def test_who_has_no_seat_any_more_is_logged_out() -> None:
    with running(desks=2) as run:
        for desk, agent in zip(run.there("desk"), ("anna", "bert"), strict=True):
            login = m.RequestAgentLogin(tenant_id=1, agent_id=agent, place_id=agent)
            desk.agents[agent] = None
            answered(run, desk, login)
        breaking.change_seats(run, Draws(1))
        run.cluster.run(0.5)
        assert [dict(desk.agents) for desk in run.there("desk")] == [{"anna": None}, {}]
