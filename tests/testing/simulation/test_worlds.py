from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ixproxy.testing.simulation.worlds import built, drawn_world, pushed, served
from tests.testing.simulation.small_worlds import small_world


def test_a_seed_has_the_same_world_each_time() -> None:
    assert drawn_world(5) == drawn_world(5)


def test_worlds_differ() -> None:
    worlds = [drawn_world(seed) for seed in range(200)]
    assert {world.nodes for world in worlds} == {1, 2, 3, 4}
    assert {world.proxies for world in worlds} == {1, 2, 3}
    assert {bool(world.outer) for world in worlds} == {False, True}
    assert {world.fast_path for world in worlds} == {False, True}
    assert {world.pairs for world in worlds} == {False, True}
    assert {world.ends_whole for world in worlds if world.pairs} == {False, True}
    assert {bool(world.parking) for world in worlds} == {False, True}
    assert {world.snapshots for world in worlds} == {False, True}
    assert {world.members_at_a_time for world in worlds} == {2, 3, 200}
    assert {world.multiple for world in worlds} == {"true", "false", "force-logout"}


def test_a_session_is_kept_for_longer_than_a_lost_node_is_waited_for() -> None:
    """As check-config demands it."""
    assert all(world.restore >= world.grace for world in map(drawn_world, range(200)))


def test_a_world_is_built_as_it_says_and_does_not_run_yet() -> None:
    world = drawn_world(2)
    cluster = built(world)
    assert len(cluster.nodes) == world.nodes
    assert len(cluster.proxies) == world.proxies
    assert not any(node.listening for node in cluster.nodes)
    cluster.close()


def test_some_worlds_have_external_servers_and_some_have_pushed_routers() -> None:
    worlds = [drawn_world(seed) for seed in range(1000)]
    kinds = Counter((world.services, world.pushed) for world in worlds)
    assert all(40 < number < 700 for number in kinds.values())
    assert len(kinds) == 4
    assert {world.router_restore for world in worlds if world.pushed} == {0.0, 0.5, 1.5}
    assert all(world.pushers for world in worlds if world.pushed)


def test_they_change_nothing_else_of_a_world() -> None:
    bare = small_world()
    for world in (served(bare), pushed(bare)):
        assert replace(world, **{name: getattr(bare, name) for name in _OF_FAMILIES}) == bare


_OF_FAMILIES = (
    *("services", "calling", "window", "line"),
    *("pushed", "router_restore", "per_router", "per_strategy", "pushers"),
)


def test_a_world_says_what_it_is() -> None:
    assert "nodes" in str(drawn_world(1))
    assert "pairs, killed when silent for 1 s" in str(small_world(pairs=True, lease_limit=1.0))
    assert "external servers, 1 s for 2 calls" in str(small_world(services=True))
    assert "pushed routers, restored for 0.5 s" in str(small_world(pushed=True))
    assert "snapshots, 3 members" in str(small_world(snapshots=True, members_at_a_time=3))
    assert "parking 4 s" in str(small_world(parking=4.0))


def test_some_pairs_are_back_before_what_they_have_is_taken_and_some_are_not() -> None:
    worlds = [world for world in map(drawn_world, range(200)) if world.pairs]
    assert {world.grace > world.unserved for world in worlds} == {False, True}
