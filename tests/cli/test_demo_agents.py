"""Working off."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy import messages as m
from ixproxy.cli.demo_agents import Fate, Seen, fate_of, work_off
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


def test_only_what_was_known_when_the_pull_was_sent_counts_as_earlier() -> None:
    seen = Seen()
    seen.pulled("v", b"", {"a": b"\x05"})
    seen.pulled("v", b"", {"b": b"\x03"})
    assert (seen.pulls, seen.breaks) == (2, 0)
    seen.pulled("v", b"\x05", {"c": b"\x04"})
    seen.pulled("other", b"", {"d": b"\x01"})
    assert (seen.pulls, seen.breaks) == (4, 1)
    seen.pulled("v", b"\x05", {})
    assert (seen.pulls, seen.newest["v"]) == (4, b"\x05")


def test_one_that_two_have_at_a_time_is_seen() -> None:
    seen = Seen()
    seen.taken("a", "agent-1")
    seen.given_back("a")
    seen.taken("a", "agent-2")
    assert seen.taken_twice == 0
    seen.taken("a", "agent-3")
    assert seen.taken_twice == 1


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


def test_a_fate_belongs_to_an_id() -> None:
    fates = [fate_of(f"id-{number}") for number in range(2000)]
    assert fates == [fate_of(f"id-{number}") for number in range(2000)]
    assert fates.count(Fate.STOPPED) > 1500
    assert all(fates.count(fate) > 50 for fate in Fate)
