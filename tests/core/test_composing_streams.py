"""Streams by chance, with every delay between them: what is composed is what one server tells."""

from __future__ import annotations

from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from ixproxy import messages as m
from ixproxy.messages.message import Event
from ixproxy.wire.streams import RESYNC
from tests.core.composed_nodes import is_of_party, of_agents, of_interactions
from tests.core.composed_world import World

LIFE = (World.login, World.login, *[World.change] * 4, World.take, World.work)
ENDS = (World.logout, World.mass)
TROUBLE = (
    World.node_away,
    World.node_back,
    World.node_back,
    World.gap,
    World.stream_lost,
    World.grace_passes,
)

seeds = st.integers(0, 2**32)
counts = st.integers(1, 4)
lengths = st.integers(1, 60)


def sessions(told: list[Any]) -> list[Any]:
    """The logins and logouts."""
    return [each for each in told if each == "out" or isinstance(each, dict)]


def is_resync(told: Any) -> bool:
    return isinstance(told, Event) and bool(told.extension.get(RESYNC))


def is_part_of(few: list[Any], many: list[Any]) -> bool:
    """Whether all of `few` are in `many`, in the same order."""
    rest = iter(many)
    return all(each in rest for each in few)


@settings(max_examples=300)
@given(seeds, counts, lengths)
def test_what_is_composed_is_what_one_server_tells(seed: int, nodes: int, steps: int) -> None:
    """Test idea 39: N nodes, random interleavings: as one server running the same script."""
    world = World(Random(seed), nodes, fair=True)
    world.run(steps, *LIFE, *ENDS, World.login)
    assert of_agents(world.told) == of_agents(world.single)
    assert of_interactions(world.told) == of_interactions(world.single)
    assert world.reader.knows == world.expected()
    assert not any(event.extension.get(RESYNC) for event in world.told)


@settings(max_examples=300)
@given(seeds, counts, lengths, st.integers(1, 12))
def test_however_late_a_stream_is_agents_are_told_once(
    seed: int, nodes: int, steps: int, deliveries: int
) -> None:
    """Test idea 40: no login twice, no event before login, no event after logout."""
    world = World(Random(seed), nodes)
    world.run(steps, *LIFE, *ENDS, World.login, deliveries=deliveries)
    single = of_agents(world.single)
    for agent, told in of_agents(world.told).items():
        assert sessions(told) == sessions(single[agent])
        assert is_part_of([each for each in told if not is_resync(each)], single[agent])
    passed = of_interactions(world.told)
    for identifier, events in of_interactions(world.single).items():
        rest = [event for event in passed[identifier] if not is_resync(event)]
        assert is_part_of(rest, events)
        assert all(is_of_party(event) for event in events if event not in rest)
    assert world.reader.knows == world.expected()


@settings(max_examples=600)
@given(seeds, counts, lengths)
def test_whatever_is_lost_the_stream_keeps_its_rules_and_ends_in_the_truth(
    seed: int, nodes: int, steps: int
) -> None:
    """
    Test ideas 40, 41, 43, 45 and 46: the rules hold after every event, whatever is
    lost and whatever clocks say; who comes in mid-flight knows the same; all
    ends in the truth.
    """
    world = World(Random(seed), nodes)
    world.run(steps, *LIFE, *ENDS, *TROUBLE, World.subscribe)
    heal(world)
    assert world.reader.knows == world.expected()


def heal(world: World) -> None:
    while any(not node.up for node in world.nodes):
        world.node_back()
        world.settle()
    for node in world.nodes:
        world.emit(node, m.EventCustomReporting(tenant_id=1))
    world.settle()


@settings(max_examples=200)
@given(seeds, counts, lengths, st.booleans())
def test_tables_do_not_grow(seed: int, nodes: int, steps: int, trouble: bool) -> None:
    world = World(Random(seed), nodes)
    world.run(steps, *LIFE, *ENDS, *(TROUBLE if trouble else ()))
    heal(world)
    while world.truth:
        world.logout()
    world.settle()
    world.now += 3600.0
    for node in world.nodes:
        world.emit(node, m.EventCustomReporting(tenant_id=1))
    world.settle()
    assert len(world.composer) == 0
    assert world.reader.knows == ({}, {})
