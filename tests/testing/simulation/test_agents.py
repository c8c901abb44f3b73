from __future__ import annotations

from ixproxy import messages as m
from ixproxy.testing.simulation import agents
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import logged_in, one, pulled, running


def test_an_agent_logs_in_and_out() -> None:
    with running() as run:
        agents.login(run, Draws(0))
        run.cluster.run(0.5)
        assert isinstance(run.asked[-1].outcome, m.EventAck)
        assert one(run, "desk").agents
        agents.logout(run, Draws(0))
        run.cluster.run(0.5)
        assert isinstance(run.asked[-1].outcome, m.EventAck)
        assert not one(run, "desk").agents


def test_an_agent_changes_in_all_ways_that_there_are() -> None:
    with running() as run:
        logged_in(run)
        for chance in range(10):
            agents.state(run, Draws(chance))
            run.cluster.run(0.2)
        assert len({type(asked.request) for asked in run.asked[-10:]}) == 7


def test_an_invitation_is_answered() -> None:
    with running() as run:
        logged_in(run)
        deliver = m.RequestDeliver(tenant_id=1, interaction_id=pulled(run), agent_id="anna")
        asked = run.ask(one(run, "router"), deliver)
        run.cluster.run(0.2)
        agents.answer(run, Draws(100))
        run.cluster.run(0.2)
        assert isinstance(asked.outcome, m.EventAck)
        assert one(run, "desk").here.holding


def test_a_reporting_client_stops_and_begins_again() -> None:
    with running() as run:
        stat = one(run, "stat")
        agents.report(run, Draws(99))
        run.cluster.run(0.2)
        assert stat.reads is False
        agents.report(run, Draws(0))
        run.cluster.run(0.2)
        assert stat.reads
