"""What a proxy knows of a node: how far its link is, and its load."""

from __future__ import annotations

from itertools import product

import pytest

from ixproxy.core.destinations import Outputs
from ixproxy.core.link_states import NEXT, State, Step
from ixproxy.core.links import Link
from ixproxy.values import NodeLoad
from tests.core.rig import EAST, TENANT, at, facts


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_a_step_that_is_none_says_so_and_changes_nothing(state: State, step: Step) -> None:
    link = Link(facts(EAST), Outputs())
    link.state = state
    after = NEXT[state, step]
    if after is None:
        with pytest.raises(ValueError, match=step.value):
            link.step(step)
        assert link.state is state
    else:
        link.step(step)
        assert link.state is after


def test_a_strategy_sees_the_load_of_its_tenant() -> None:
    link = Link(facts(EAST), Outputs())
    link.loads[TENANT] = NodeLoad({"Q1": 3, "Q2": 4})
    assert link.view(TENANT).load.backlog == 7
    assert link.view(9).load.backlog == 0
    assert link.view(TENANT).dbid == 101


def test_of_a_pair_the_server_in_turn_is_named() -> None:
    lone, pair = (Link(at(EAST, *servers), Outputs()) for servers in (("a",), ("a", "b")))
    assert (lone.in_turn, pair.in_turn) == ("Node east", "Node east (east-0)")
    pair.pair.attempts.go_to(1)
    assert pair.in_turn == "Node east (east-1)"


def test_clients_are_registered_before_a_node_is_offered() -> None:
    link = Link(facts(EAST), Outputs())
    speaks = []
    for step in (Step.CONNECTED, Step.GREETED, Step.JOINED):
        link.step(step)
        speaks.append((link.speaks, link.linked))
    assert speaks == [(False, False), (True, False), (True, True)]
