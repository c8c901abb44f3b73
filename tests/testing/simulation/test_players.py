from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.testing.simulation.players import Player, ends, holders
from ixproxy.testing.watching import StreamWatch
from tests.testing.simulation.small_worlds import one, pulled, running

LOGIN = m.RequestAgentLogin(tenant_id=1, agent_id="anna")
START = m.RequestStartPlaceAgentStateReportingAll()


def test_an_agent_that_is_forced_out_is_logged_in_no_more() -> None:
    player = Player("desk-1", "desk", agents={"anna": None})
    event = m.EventForcedAgentStateChange(
        tenant_id=1, agent_id="anna", agent_state_change_operation="Logout"
    )
    player.event_received(event)
    assert player.agents == {}


def test_so_it_is_when_the_login_is_refused_and_after_a_logout() -> None:
    player = Player("desk-1", "desk", agents={"anna": None})
    player.answered(LOGIN, RequestRefused(2004))
    assert player.agents == {}
    player.agents["anna"] = None
    player.answered(m.RequestAgentLogout(tenant_id=1, agent_id="anna"), m.EventAck())
    assert player.agents == {}


def test_whether_it_reads_is_what_it_was_told_last() -> None:
    player = Player("stat-1", "stat", watch=StreamWatch("stat-1"))
    player.answered(START, m.EventAck())
    assert player.reads
    player.answered(START, RequestRefused(3000))
    assert player.reads
    player.answered(START, RequestRefused(2002))
    unknown: bool | None = player.reads
    assert unknown is None
    player.answered(m.RequestStopPlaceAgentStateReportingAll(), m.EventAck())
    assert player.reads is False


def test_holders_are_those_who_hold_something() -> None:
    with running() as run:
        pulled(run)
        assert holders(run.there("router", "desk")) == [one(run, "router")]


def test_two_requests_end_an_interaction() -> None:
    named: dict[str, Any] = {"tenant_id": 1, "interaction_id": "a"}
    assert ends(m.RequestStopProcessing(**named))
    assert ends(m.RequestRouteCall(**named, route_type="Stop"))
    assert not ends(m.RequestRouteCall(**named, route_type="Queue", queue="Done"))
    assert not ends(m.RequestPull(tenant_id=1, view_id="In/All"))
