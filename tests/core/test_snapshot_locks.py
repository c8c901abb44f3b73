"""Locking and unlocking: to the owner of the interaction, by the id that it knows."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestLocate, RequestUnlockInteraction
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
from tests.core.rig import EAST, NORTH, TENANT, WEST, decode, only
from tests.core.snapshot_world import World, lock, release


def unlock(identifier: int, interaction: str) -> RequestUnlockInteraction:
    return RequestUnlockInteraction(
        tenant_id=TENANT, snapshot_id=identifier, interaction_id=interaction
    )


@pytest.mark.parametrize("request_of", [lock, unlock])
def test_ids_on_several_nodes_go_each_to_its_owner_and_no_other(request_of: object) -> None:
    """Idea 23: lock/unlock of ids on several nodes."""
    world = World(2, 2, 2)
    peer = world.client()
    identifier = world.taken(peer)
    for node in world.nodes:
        interaction = f"{node}-1"
        world.core.state.owners.confirm(interaction.encode(), node)
        message = request_of(identifier, interaction)  # type: ignore[operator]
        world.ask(peer, message)
        frame = only(world.to_node[node])
        assert decode(frame).snapshot_id == only(list(world.snapshots[node]))
        assert not any(world.to_node[other] for other in world.nodes if other != node)
        world.work(node)
        assert only(world.got(peer)) == EventAck(interaction_id=interaction)


def test_an_owner_that_is_not_known_is_located_first() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, lock(identifier, "north-0"))
    assert {type(decode(only(world.to_node[node]))) for node in world.nodes} == {RequestLocate}
    world.located(EAST, found=False)
    world.located(NORTH, found=True)
    world.work()
    assert only(world.got(peer)) == EventAck(interaction_id="north-0")


def test_an_interaction_that_nobody_has_is_unknown() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, lock(identifier, "nothing"))
    for node in world.nodes:
        world.located(node, found=False)
    assert only(world.got(peer)).error_code == Code.UNKNOWN_INTERACTION


def test_one_that_is_on_no_node_of_the_snapshot_is_not_in_it() -> None:
    world = World(1, 1, 1)
    peer = world.client()
    world.lose(WEST)
    identifier = world.taken(peer)
    world.link(WEST)
    world.core.state.owners.confirm(b"west-0", WEST)
    world.core.state.owners.confirm(b"other", EAST)
    for interaction in ("west-0", "other"):
        answer = world.asked(peer, lock(identifier, interaction))
        assert answer.error_code == Code.NOT_IN_SNAPSHOT


def test_an_owner_that_does_not_have_it_any_more_is_forgotten() -> None:
    world = World(1)
    peer = world.client()
    identifier = world.taken(peer)
    world.core.state.owners.confirm(b"east-0", EAST)
    world.refusing = {EAST: Code.UNKNOWN_INTERACTION}
    answer = world.asked(peer, lock(identifier, "east-0"))
    assert answer.error_code == Code.UNKNOWN_INTERACTION
    assert world.core.state.owners.of(b"east-0") is None


@pytest.mark.parametrize("meanwhile", ["released", "cancelled", "expired", "gone"])
def test_what_happens_while_the_owner_is_sought_counts(meanwhile: str) -> None:
    world = World(1)
    peer = world.client()
    identifier = world.taken(peer)
    reference = world.ask(peer, lock(identifier, "east-0"), ttl=2000)
    locate = only(world.sent(EAST))
    expected = {
        "released": Code.SNAPSHOT_NOT_ACCESSIBLE,
        "cancelled": Code.CANCELLED,
        "expired": Code.EXPIRED,
    }
    if meanwhile == "released":
        world.asked(peer, release(identifier))
    elif meanwhile == "cancelled":
        world.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    elif meanwhile == "expired":
        world.now += 2.0
    else:
        world.hang_up(peer)
        world.work()
    world.answer(EAST, locate, EventAck(interaction_id="east-0"))
    if meanwhile == "gone":
        assert not world.got(peer)
        world.at_rest()
    else:
        assert only(world.got(peer)).error_code == expected[meanwhile]
    assert not [frame for frame in world.sent(EAST) if frame.interaction]
