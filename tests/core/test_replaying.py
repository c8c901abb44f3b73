"""Agent sessions told to a node that came back."""

from __future__ import annotations

from typing import Any

from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestAgentLogin, RequestConfirmSession
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only


def with_agents(count: int, **settings: Any) -> Rig:
    rig = Rig(**settings)
    peer = rig.client()
    for number in range(count):
        rig.ask(peer, RequestAgentLogin(tenant_id=TENANT, agent_id=f"a{number}"))
        for _ in range(4):
            for node in (EAST, NORTH, WEST):
                for frame in rig.sent(node):
                    rig.answer(node, frame, EventAck(agent_session=(number + 1, 101)))
    assert len(rig.got(peer)) == count
    return rig


def test_a_node_is_offered_only_when_it_knows_every_session() -> None:
    rig = with_agents(3, replay_window=2)
    rig.lose(EAST)
    rig.link(EAST)
    told = 0
    while frames := rig.sent(EAST):
        assert not rig.core.link(EAST).linked
        assert len(frames) <= 2
        for frame in frames:
            assert isinstance(decode(frame), RequestConfirmSession)
            rig.answer(EAST, frame, EventAck())
            told += 1
    assert told == 3
    assert rig.core.link(EAST).linked


def test_a_session_that_the_node_refuses_is_noted_and_does_not_keep_it_out() -> None:
    rig = with_agents(1)
    rig.lose(EAST)
    rig.link(EAST)
    rig.refuse(EAST, only(rig.sent(EAST)), Code.NO_LICENCE)
    assert rig.core.link(EAST).linked
    assert any("refused a replayed" in getattr(effect, "format", "") for effect in rig.effects)


def test_a_node_lost_in_the_middle_begins_again() -> None:
    rig = with_agents(2, replay_window=1)
    rig.lose(EAST)
    rig.link(EAST)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    rig.lose(EAST)
    rig.link(EAST)
    for _ in range(2):
        rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    assert rig.core.link(EAST).linked


def test_a_node_that_keeps_silent_in_the_middle_is_not_waited_for_for_ever() -> None:
    rig = with_agents(1)
    rig.lose(EAST)
    rig.link(EAST)
    rig.tick(31.0)
    assert rig.core.link(EAST).linked
