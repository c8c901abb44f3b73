from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import RequestAgentAvailable, RequestAgentLogin, RequestAgentNotAvailable
from ixproxy.node import availability
from ixproxy.node.work import ConnectionLost, Goodbye
from tests.node.tried import TriedNode


def available(agent: str = "Ann", **more: Any) -> RequestAgentAvailable:
    return RequestAgentAvailable(tenant_id=1, agent_id=agent, place_id="P", **more)


def not_available(agent: str = "Ann") -> RequestAgentNotAvailable:
    return RequestAgentNotAvailable(tenant_id=1, agent_id=agent)


def test_an_agent_is_said_to_work_elsewhere_and_no_longer(node: TriedNode) -> None:
    desk = node.desktop()
    for _ in range(2):
        node.ask(desk, available(agent_session=(7, 102), media_list={"email": 1}))
    (event,) = node.reported()
    assert type(event).__name__ == "EventAgentAvailable"
    assert (event.agent_id, event.place_id, event.agent_session) == ("Ann", "P", (7, 102))
    for _ in range(2):
        node.ask(desk, not_available())
    assert node.names_reported() == ["EventAgentNotAvailable"]


def test_such_an_agent_has_neither_seat_nor_place(node: TriedNode) -> None:
    desk = node.desktop()
    node.ask(desk, available())
    assert node.agents() == []
    node.ask(node.agent("Bob"), RequestAgentLogin(tenant_id=1, agent_id="Cy", place_id="P"))


def test_of_several_clients_the_first_and_the_last_count(node: TriedNode) -> None:
    first, second = node.desktop("desk-1"), node.desktop("desk-2")
    node.ask(first, available())
    node.ask(second, available())
    node.ask(first, not_available())
    assert node.names_reported() == ["EventAgentAvailable"]
    node.run(Goodbye(second.session))
    assert node.names_reported() == ["EventAgentNotAvailable"]
    assert node.turn().memory.available == {}


def test_it_outlasts_a_short_loss_and_ends_with_the_session(node: TriedNode) -> None:
    desk = node.desktop()
    node.ask(desk, available())
    node.run(ConnectionLost(desk.session))
    node.wait(30)
    desk = node.desktop()
    assert node.names_reported() == ["EventAgentAvailable"]
    node.run(ConnectionLost(desk.session))
    node.wait(60)
    assert node.names_reported() == ["EventAgentNotAvailable"]


def test_what_is_not_known_or_too_much_is_refused(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = node.desktop()
    assert node.refusal(desk, available(media_list={"letter": 1})) == Code.UNKNOWN_MEDIA_TYPE
    assert node.refusal(desk, RequestAgentAvailable(tenant_id=1)) == Code.MISSING_VALUE
    unknown = RequestAgentAvailable(tenant_id=2, agent_id="Bob")
    assert node.refusal(desk, unknown) == Code.UNKNOWN_AGENT
    monkeypatch.setattr(availability, "MAX_AVAILABLE", 1)
    node.ask(desk, available())
    assert node.refusal(desk, available("Bob")) == Code.LIMIT_REACHED
