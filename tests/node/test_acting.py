"""Events name who brought them about."""

from __future__ import annotations

from ixproxy.messages.message import Actor
from ixproxy.node.acting import actor_of
from ixproxy.node.turn import Cause
from tests.node.tried import TriedNode


def test_the_actor_is_named_by_what_the_client_is(node: TriedNode) -> None:
    turn = node.turn()
    assert actor_of(turn, Cause()) is None
    assert actor_of(turn, Cause(node.media_server())) == Actor(media_server="mail-1")
    assert actor_of(turn, Cause(node.router())) == Actor(router_id="ors-1")
    assert actor_of(turn, Cause(node.desktop())) is None
    ann = node.agent("Ann")
    assert actor_of(turn, Cause(ann)) == Actor(agent_id="Ann", place_id="P-Ann")
