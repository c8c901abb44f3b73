from __future__ import annotations

from random import Random

from ixproxy import messages as m
from ixproxy.messages.message import Reason
from ixproxy.testing.agent_steps import NAMES, AgentSteps


def steps(**arguments: bool) -> AgentSteps:
    return AgentSteps(Random(1), lambda: Reason(reason=1), **arguments)


def test_who_has_logged_in_is_there_until_gone() -> None:
    agents = steps()
    assert agents.at("anna") is None
    agents.login(4)
    assert agents.at("anna") == 4
    agents.login(1)
    assert {agents.at("anna") for _ in range(20)} == {1, 4}
    agents.gone(4)
    agents.gone(1)
    assert agents.at("anna") is None


def test_each_client_speaks_of_its_agent_only() -> None:
    agents = steps()
    for client, agent in NAMES.items():
        for _ in range(50):
            asked = agents.ask(client)
            assert asked.client == client
            assert getattr(asked.request, "agent_id") == agent  # noqa: B009


def test_agents_meet_at_one_place_only_where_they_come_one_by_one() -> None:
    for one_by_one in (True, False):
        agents = steps(one_by_one=one_by_one)
        places: dict[str, set[str]] = {}
        for _ in range(200):
            for client in NAMES:
                request = agents.login(client).request
                assert isinstance(request, m.RequestAgentLogin)
                places.setdefault(request.place_id, set()).add(request.agent_id)
        assert any(len(who) > 1 for who in places.values()) is one_by_one
