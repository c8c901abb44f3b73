from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ixproxy.messages import (
    RequestAgentLogin,
    RequestConfirmSession,
    RequestStartPlaceAgentStateReportingAll,
)
from ixproxy.node import logouts
from ixproxy.node.expiry import AT_A_TIME
from ixproxy.node.logouts import EXPIRED
from ixproxy.node.work import ClientsLost, ConnectionLost, Goodbye, Report, Sender
from ixproxy.values import ClientType
from tests.node.tried import TriedNode

Make = Callable[..., TriedNode]
RESTORE, DELAY, PANIC = 60, 30, 50


def in_tenant(node: TriedNode, tenant: int, agent: str) -> Sender:
    desk = node.desktop(f"desk-{tenant}-{agent}")
    node.ask(desk, RequestAgentLogin(tenant_id=tenant, agent_id=agent))
    return desk


def lose(node: TriedNode, desks: Sequence[Sender], name: str = "proxy1") -> None:
    node.run(ClientsLost(tuple(desk.session for desk in desks), name))


class Stream:
    """What a reporting client of all tenants hears."""

    def __init__(self, node: TriedNode) -> None:
        self._node = node
        self.open()

    def open(self) -> None:
        stat = self._node.client("stat", ClientType.REPORTING_ENGINE)
        self._node.ask(stat, RequestStartPlaceAgentStateReportingAll())

    def heard(self) -> list[Any]:
        """Of the last batch."""
        return [each.event for each in self._node.effects(Report)]


def outs(events: list[Any]) -> list[str]:
    """The agents that were reported as logged out, one by one."""
    return [each.agent_id for each in events if type(each).__name__ == "EventAgentLogout"]


def masses(events: list[Any]) -> list[tuple[int, str, int, int]]:
    """Tenant, application, number said and number of names of each mass logout."""
    return [
        (each.tenant_id, each.application_name, each.number_of_agents, len(each.agents))
        for each in events
        if type(each).__name__ == "EventMassAgentLogout"
    ]


def test_an_agent_who_does_not_come_back_is_out_at_once_and_reported_later(
    make_node: Make,
) -> None:
    node = make_node(agent_session_restore_timeout=10, agent_seats=1)
    desk = node.agent("Ann")
    node.reported()
    node.run(ConnectionLost(desk.session, True, "desk"))
    lost_at = node.now
    node.wait(10)
    assert node.agents() == []
    assert node.reported() == []
    at_her_place = RequestAgentLogin(tenant_id=1, agent_id="Bob", place_id="P-Ann")
    node.ask(node.desktop(), at_her_place)
    node.reported()
    node.wait(DELAY - 10 - 0.5)
    assert outs(node.reported()) == []
    assert node.core.next_due() == lost_at + DELAY
    node.wait(0.5)
    (event,) = node.reported()
    assert (type(event).__name__, event.agent_id, event.reason) == (
        "EventAgentLogout",
        "Ann",
        EXPIRED,
    )
    assert event.place_id == "P-Ann"


def test_a_client_that_cannot_come_back_is_out_at_its_loss(node: TriedNode) -> None:
    desk = node.agent("Ann")
    node.reported()
    node.run(ConnectionLost(desk.session, False, "desk"))
    assert node.agents() == []
    node.wait(DELAY - 1)
    assert node.reported() == []
    node.wait(1)
    (event,) = node.reported()
    assert (event.agent_id, event.reason) == ("Ann", None)


def test_a_goodbye_and_a_logout_are_reported_at_once(node: TriedNode) -> None:
    desk = node.agent("Ann")
    node.reported()
    node.run(Goodbye(desk.session))
    assert outs(node.reported()) == ["Ann"]


def test_without_delay_a_loss_is_reported_at_once_and_one_by_one(make_node: Make) -> None:
    node = make_node(delayed_logout_timeout=0, delayed_logout_panic_threshold=1)
    desk = node.agent("Ann")
    node.reported()
    node.run(ConnectionLost(desk.session, False))
    assert node.names_reported() == ["EventAgentLogout"]


def test_an_agent_who_comes_back_in_time_through_another_proxy_shows_nothing(
    node: TriedNode,
) -> None:
    """Test idea 37."""
    desk = node.desktop("desk", through_proxy=True)
    stamp = node.ask(
        desk, RequestAgentLogin(tenant_id=1, agent_id="Ann", provisional=True)
    ).agent_session
    whole = RequestConfirmSession(
        tenant_id=1, agent_id="Ann", agent_session=stamp, media_list={"email": 1}, donot_disturb=1
    )
    node.ask(desk, whole)
    node.reported()
    lose(node, [desk])
    node.wait(RESTORE - 1)
    again = node.desktop("desk", through_proxy=True)
    again_login = RequestAgentLogin(
        tenant_id=1, agent_id="Ann", agent_session=stamp, provisional=True, media_list={"email": 1}
    )
    node.ask(again, again_login)
    node.ask(
        again,
        RequestConfirmSession(
            tenant_id=1, agent_id="Ann", agent_session=stamp, media_list={"email": 1}
        ),
    )
    node.wait(RESTORE * 2)
    assert node.reported() == []
    assert len(node.agents()) == 1


def test_many_lost_together_are_reported_together(node: TriedNode) -> None:
    """Test ideas 37 and 55: the panic signal, one for each application and tenant."""
    many = [in_tenant(node, 1, f"a{number}") for number in range(PANIC - 1)]
    many.append(in_tenant(node, 2, "Ann"))
    few = [in_tenant(node, 1, f"b{number}") for number in range(3)]
    stream = Stream(node)
    node.reported()
    lose(node, many, "proxy1")
    lose(node, few, "proxy2")
    node.wait(RESTORE)
    events = stream.heard()
    assert masses(events) == [(1, "proxy1", PANIC - 1, PANIC - 1), (2, "proxy1", 1, 1)]
    assert outs(events) == ["b0", "b1", "b2"]
    logged = node.reported()
    assert masses(logged) == [], "an event log is told of each"
    assert sorted(outs(logged)) == sorted(
        [*(f"a{number}" for number in range(PANIC - 1)), "Ann", "b0", "b1", "b2"]
    )
    assert all(each.agent_session and each.reason == EXPIRED for each in logged)
    assert node.turn().memory.logouts == {}
    assert node.store.fetch_by("logouts", "lasting", [0, 1]) == []


def test_who_came_back_does_not_count(node: TriedNode) -> None:
    desks = [in_tenant(node, 1, f"a{number}") for number in range(PANIC)]
    node.reported()
    lose(node, desks)
    in_tenant(node, 1, "a0")
    node.wait(RESTORE)
    events = node.reported()
    assert masses(events) == []
    assert len(outs(events)) == PANIC - 1


def test_more_than_end_in_one_step_are_still_counted_together(make_node: Make) -> None:
    node = make_node(delayed_logout_panic_threshold=AT_A_TIME + 20)
    lose(node, [in_tenant(node, 1, f"a{number}") for number in range(AT_A_TIME + 20)])
    stream = Stream(node)
    node.wait(RESTORE)
    assert masses(stream.heard()) == []
    node.wait(0)
    assert masses(stream.heard()) == [(1, "proxy1", AT_A_TIME + 20, AT_A_TIME + 20)]


def test_names_that_do_not_fit_one_event_are_in_several(
    make_node: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logouts, "MASS_BYTES", 20)
    node = make_node(delayed_logout_panic_threshold=5)
    lose(node, [in_tenant(node, 1, f"a{number}") for number in range(9)])
    stream = Stream(node)
    node.wait(RESTORE)
    assert masses(stream.heard()) == [(1, "proxy1", number, number) for number in (4, 4, 1)]


def test_a_login_before_the_report_is_reported_behind_the_logout(make_node: Make) -> None:
    node = make_node(agent_session_restore_timeout=10)
    desk = node.agent("Ann")
    node.run(ConnectionLost(desk.session))
    node.wait(15)
    first = node.reported()[-1].agent_session
    node.agent("Ann", "desk-2")
    events = node.reported()
    assert [type(event).__name__ for event in events] == ["EventAgentLogout", "EventAgentLogin"]
    assert events[0].agent_session == first
    assert events[1].agent_session > first
    node.wait(100)
    assert outs(node.reported()) == []


def test_what_is_to_be_reported_outlasts_the_node(make_node: Make) -> None:
    node = make_node(agent_session_restore_timeout=10, delayed_logout_panic_threshold=2)
    desks = [in_tenant(node, 1, name) for name in ("Ann", "Bob")]
    lose(node, desks)
    node.wait(10)
    node.restart()
    stream = Stream(node)
    node.wait(DELAY)
    assert masses(stream.heard()) == [(1, "proxy1", 2, 2)]


def test_what_was_lost_with_a_session_outlasts_the_node_too(make_node: Make) -> None:
    node = make_node(delayed_logout_panic_threshold=2)
    lose(node, [in_tenant(node, 1, name) for name in ("Ann", "Bob")])
    node.restart()
    stream = Stream(node)
    node.wait(RESTORE)
    assert masses(stream.heard()) == [(1, "proxy1", 2, 2)]


def test_a_lost_connection_of_an_agent_who_has_another_one_is_reported_when_it_is_given_up(
    node: TriedNode,
) -> None:
    first, second = node.agent("Ann", "desk-1"), node.agent("Ann", "desk-2")
    node.reported()
    node.run(ConnectionLost(first.session))
    assert node.reported() == []
    node.wait(RESTORE)
    assert node.names_reported() == ["EventAgentConnectionClosed"]
    assert node.agents()[0].sessions == [second.session]


def test_a_changed_threshold_holds_for_what_waits(make_node: Make) -> None:
    node = make_node(agent_session_restore_timeout=1)
    lose(node, [in_tenant(node, 1, name) for name in ("Ann", "Bob")])
    stream = Stream(node)
    node.wait(1)
    changed = replace(node.settings, delayed_logout_panic_threshold=2)
    node.core.configuration_changed(node.model, changed, node.now)
    node.wait(DELAY)
    assert masses(stream.heard()) == [(1, "proxy1", 2, 2)]
