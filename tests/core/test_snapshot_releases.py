"""Parts of ended snapshots: told until they are released."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestReleaseSnapshot
from tests.core.rig import EAST, decode, only
from tests.core.snapshot_world import TAKE, World, release


@pytest.mark.parametrize("code", [Code.STORE_FAILED, Code.BUSY, Code.CANCELLED, Code.INTERNAL])
def test_a_node_that_could_not_release_is_told_again_after_a_pause(code: int) -> None:
    world = World(1)
    peer = world.client()
    identifier = world.taken(peer)
    world.refusing = {EAST: code}
    assert world.asked(peer, release(identifier)) == EventAck()
    world.tick(0.5)
    assert not world.to_node[EAST]
    for _ in range(3):
        world.tick(1.0)
        assert isinstance(decode(only(world.to_node[EAST])), RequestReleaseSnapshot)
        world.work()
    world.refusing = {}
    world.tick(1.0)
    world.work()
    world.at_rest()


@pytest.mark.parametrize("code", [Code.UNKNOWN_SNAPSHOT, Code.SNAPSHOT_NOT_ACCESSIBLE])
def test_a_node_that_does_not_have_it_is_not_told_again(code: int) -> None:
    world = World(1)
    peer = world.client()
    identifier = world.taken(peer)
    world.snapshots[EAST].clear()
    world.refusing = {EAST: code}
    assert world.asked(peer, release(identifier)) == EventAck()
    world.at_rest()


def test_while_a_node_is_too_full_it_is_not_told_again() -> None:
    world = World(1)
    peer = world.client()
    identifier = world.taken(peer)
    world.refusing = {EAST: Code.BUSY}
    world.asked(peer, release(identifier))
    world.refusing = {}
    world.core.link(EAST).full = True
    world.tick(2.0)
    assert not world.to_node[EAST]
    world.core.link(EAST).full = False
    world.tick(0.25)
    world.work()
    world.at_rest()


def test_a_link_that_breaks_ends_the_telling_for_a_registration_says_it() -> None:
    world = World(1)
    peer = world.client()
    identifier = world.taken(peer)
    world.refusing = {EAST: Code.STORE_FAILED}
    world.asked(peer, release(identifier))
    world.lose(EAST)
    world.tick(2.0)
    assert not len(world.core.snapshots.unreleased)
    world.link(EAST)
    world.at_rest()


def test_a_client_that_goes_takes_what_is_to_be_told_with_it() -> None:
    world = World(1)
    peer = world.client()
    identifier = world.taken(peer)
    world.refusing = {EAST: Code.STORE_FAILED}
    world.asked(peer, release(identifier))
    world.hang_up(peer)
    assert not len(world.core.snapshots.unreleased)
    world.tick(2.0)
    assert not any(
        isinstance(decode(frame), RequestReleaseSnapshot) for frame in world.sent(EAST)
    )


def test_what_nodes_still_have_counts_as_the_clients() -> None:
    world = World(1, max_snapshots=4)
    peer = world.client()
    identifier = world.taken(peer)
    world.refusing = {EAST: Code.STORE_FAILED}
    world.asked(peer, release(identifier))
    world.refusing = {}
    assert world.core.snapshots.unreleased.number.total() == 1
    world.ask(peer, release(identifier))
    assert only(world.got(peer)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE
    world.ask(peer, TAKE)
    assert only(world.got(peer)).error_code == Code.TOO_MANY_SNAPSHOTS
    world.tick(1.0)
    world.work()
    assert world.taken(peer)
