from __future__ import annotations

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.simulation import calling
from ixproxy.testing.simulation.calls import FAULT, LATE, NEVER
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import (
    answered,
    one,
    pushed_to,
    running,
    submitted,
)


def done(run: Run, asked: Asked) -> object:
    run.cluster.run_until(lambda: asked.outcome is not None, "it is never answered")
    return asked.outcome


def test_somebody_calls_by_name_or_by_type() -> None:
    with running(services=True) as run:
        for address in calling.ADDRESSES:
            asked = calling.made_call(run, one(run, "mail"), address)
            assert isinstance(done(run, asked), m.Event3rdServerResponse)
        assert sum(map(len, run.calls.made.values())) == len(calling.ADDRESSES)
        assert run.breach is None


def test_calls_are_faults_come_late_or_never() -> None:
    with running(services=True) as run:
        archive, router = {"AppName": "archive"}, one(run, "router")
        fault = calling.made_call(run, router, archive, FAULT)
        late = calling.made_call(run, router, archive, LATE, after=300)
        assert isinstance(done(run, fault), m.Event3rdServerFault)
        assert isinstance(done(run, late), m.Event3rdServerResponse)
        assert late.answered_at - late.at > 0.3
        never = done(run, calling.made_call(run, router, archive, NEVER))
        assert isinstance(never, RequestRefused)
        assert (never.code, never.in_doubt) == (Code.SERVICE_TIMED_OUT, True)
        assert run.breach is None


def test_steps_call_whomever_there_is() -> None:
    with running(services=True) as run:
        submitted(run)
        for chance in range(0, 10**12, 10**12 // 40):
            calling.call(run, Draws(chance))
            run.cluster.run(0.1)
        run.cluster.run(5)
        calls = [asked for asked in run.asked if asked.name == "Request3rdServer"]
        assert len(calls) == 40
        assert len({type(asked.outcome) for asked in calls}) > 1
        assert run.breach is None


def test_a_node_finds_for_a_call() -> None:
    with running(services=True) as run:
        identifier = submitted(run)
        asked = calling.find(run, one(run, "router"), {"InteractionId": identifier}, identifier)
        outcome = done(run, asked)
        assert isinstance(outcome, m.Event3rdServerResponse)
        assert list(outcome.envelope3rd_server["Parameters"]["Interactions"]) == [identifier]
        for chance in (0, 10**9 + 7, 10**10 + 13):
            calling.find_by_call(run, Draws(chance))
        run.cluster.run(3)
        assert run.breach is None


def test_a_reporting_client_hears_of_calls_until_it_wants_no_more() -> None:
    with running(services=True) as run:
        stat, router = one(run, "stat"), one(run, "router")
        calling.report_calls(run, Draws(50 + 100 * 50))
        run.cluster.run(0.2)
        done(run, calling.made_call(run, router, {"AppName": "archive"}))
        run.cluster.run(0.2)
        ((reader, _),) = run.calls.told
        assert reader == stat.name
        answered(run, stat, m.RequestStopExternalServiceReporting())
        done(run, calling.made_call(run, router, {"AppName": "archive"}))
        run.cluster.run(0.2)
        assert len(run.calls.told) == 1
        assert run.breach is None


def test_nodes_answer_pings_and_proxies_do_not() -> None:
    with running(pushed=True, media=0, routers=0, desks=0, reporters=0) as run:
        router = pushed_to(run)
        calling.ping(run, Draws(0))
        run.cluster.run(0.1)
        assert isinstance(run.asked[-1].outcome, m.EventPing)
        router.left = True
        run.come("mail", 0)
        run.cluster.run(0.1)
        calling.ping(run, Draws(0))
        run.cluster.run(0.1)
        outcome = run.asked[-1].outcome
        assert isinstance(outcome, RequestRefused)
        assert outcome.code == Code.UNSUPPORTED_OPERATION
        assert run.breach is None


def test_servers_say_how_they_are() -> None:
    with running() as run:
        calling.status(run, Draws(0))
        run.cluster.run(0.1)
        assert isinstance(run.asked[-1].outcome, m.EventServerStatus)
