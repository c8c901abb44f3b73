"""Delivering, and working off."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.defer import FirstError

from ixproxy import messages as m
from ixproxy.cli.demo_agents import Fate, Seen
from ixproxy.cli.demo_routing import work_off
from ixproxy.errors import Code, RequestRefused
from tests.cli.queues import Queues


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Queues:
    return Queues(monkeypatch, tmp_path)


def work(queues: Queues, agents: int = 4) -> Seen:
    seen = Seen()
    queues.run(work_off(queues.clients, queues.plan, agents, seen, lambda _: None))
    return seen


def test_everything_is_stopped_once_on_each_of_the_ways(queues: Queues) -> None:
    ids = queues.fill("Q1", 120) + queues.fill("Q2", 80)
    seen = work(queues)
    assert sorted(queues.stopped) == sorted(ids)
    assert seen.stops == dict.fromkeys(ids, 1)
    assert set(seen.fates) == set(Fate)
    assert seen.fates.total() == 200
    assert (seen.taken_twice, seen.held) == (0, {})
    asked = {type(each) for each in queues.asked}
    assert {m.RequestHold, m.RequestResume, m.RequestChangeProperties} <= asked
    assert not any(queues.lying.values())


def test_agents_are_logged_in_through_both_proxies_with_all_media_ready_and_out_again(
    queues: Queues,
) -> None:
    logins: list[m.RequestAgentLogin] = []
    work(queues, agents=2)
    logins = [each for each in queues.asked if isinstance(each, m.RequestAgentLogin)]
    assert [each.media_list for each in logins] == [{"chat": 1, "email": 1}] * 2
    assert {each.place_id for each in logins} == {"place-1", "place-2"}
    assert queues.agents == {}
    for server in queues.servers.values():
        types = {registered.client_type for registered in server.registered}
        assert types == {"AgentApplication", "RoutingEngine"}


def test_strategies_pull_with_hold(queues: Queues) -> None:
    work(queues)
    pulls = [each for each in queues.asked if isinstance(each, m.RequestPull)]
    held = {each.view_id for each in pulls if each.extension}
    assert held == {queues.plan.escalations_view}


def test_one_queue_keeps_its_order(queues: Queues) -> None:
    queues.fill("Q1", 150)
    seen = work(queues, agents=6)
    assert seen.pulls >= 150
    assert seen.breaks == 0


def test_an_older_one_after_a_newer_one_breaks_the_order(queues: Queues) -> None:
    queues.fill("Q1", 60)
    queues.lying["Q1"].reverse()
    assert work(queues, agents=1).breaks >= 59


def test_errors_are_counted_and_work_goes_on(queues: Queues) -> None:
    queues.fill("Q1", 40)
    queues.faults[m.RequestHold] = m.EventError(error_code=Code.NOT_ALLOWED)
    queues.faults[m.RequestPlaceInWorkbin] = m.EventError(error_code=Code.UNKNOWN_WORKBIN)
    seen = work(queues)
    assert seen.stops.total() == 40
    errors = queues.clients.measured.errors
    assert {name.split(":")[0] for name in errors} <= {"RequestHold", "RequestPlaceInWorkbin"}
    assert errors.total() == seen.fates[Fate.HELD] + seen.fates[Fate.KEPT] > 0


def test_a_cluster_that_refuses_pulls_ends_the_work(queues: Queues) -> None:
    queues.faults[m.RequestPull] = m.EventError(error_code=Code.UNKNOWN_VIEW)
    assert work(queues, agents=1).stops == {}
    assert queues.clients.measured.errors.total() >= 2


def test_a_refused_login_ends_it_with_its_error(queues: Queues) -> None:
    queues.faults[m.RequestAgentLogin] = m.EventError(error_code=Code.NO_LICENCE)
    with pytest.raises(RequestRefused) as refused:
        work(queues)
    assert refused.value.code == Code.NO_LICENCE


def test_each_one_is_delivered_until_it_is_accepted(queues: Queues) -> None:
    ids = queues.fill("Q1", 150) + queues.fill("Q2", 150)
    seen = work(queues)
    done = seen.done
    assert done["accepted"] == len(ids)
    assert done["rejected"] > 0
    assert done["expired"] > 0
    assert done["rejected"] + done["expired"] == len(seen.turned_down)
    assert done["transferred"] == seen.fates[Fate.TRANSFERRED] > 0
    assert done["joined"] == seen.fates[Fate.CONFERENCED] > 0
    assert done["invited"] == queues.tickets
    assert queues.invited == {}
    assert queues.clients.measured.errors == {}


def test_one_agent_has_nobody_to_ask(queues: Queues) -> None:
    queues.fill("Q1", 100)
    seen = work(queues, agents=1)
    assert seen.stops.total() == 100
    assert not seen.fates.keys() & {Fate.TRANSFERRED, Fate.CONFERENCED}


def test_what_cannot_be_delivered_is_an_error_and_ends_with_the_strategy(queues: Queues) -> None:
    ids = queues.fill("Q1", 10)
    queues.faults[m.RequestDeliver] = m.EventError(error_code=Code.TARGET_NOT_LOGGED_IN)
    seen = work(queues)
    assert sorted(queues.stopped) == sorted(ids)
    assert queues.clients.measured.errors.total() == 10
    assert (seen.done["accepted"], seen.held) == (0, {})


def test_colleagues_who_cannot_come_are_an_error_and_the_work_is_done_alone(
    queues: Queues,
) -> None:
    queues.fill("Q1", 100)
    for request in (m.RequestTransfer, m.RequestConference):
        queues.faults[request] = m.EventError(error_code=Code.DO_NOT_DISTURB)
    seen = work(queues)
    assert seen.stops.total() == 100
    both = seen.fates[Fate.TRANSFERRED] + seen.fates[Fate.CONFERENCED]
    assert queues.clients.measured.errors.total() == both > 0


def test_a_fault_in_an_agents_work_is_not_waited_for(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr("ixproxy.cli.demo_agents.Agent.answer", fails)
    queues.fill("Q1", 10)
    with pytest.raises(FirstError):
        work(queues)
