"""The cache of owners: bounded, oldest use out first."""

from __future__ import annotations

from ixproxy.core.owners import Owners
from tests.core.rig import EAST, NORTH, Rig


def filled(size: int, count: int) -> Owners:
    owners = Owners(size)
    for number in range(count):
        owners.learn(b"%d" % number, EAST)
    return owners


def test_the_oldest_use_leaves_first() -> None:
    """Test idea 3: eviction order; an id in active use stays."""
    owners = filled(3, 3)
    assert owners.of(b"0") == EAST
    owners.learn(b"3", EAST)
    assert owners.of(b"1") is None
    assert owners.of(b"0") == EAST


def test_the_size_changes_live_in_both_directions() -> None:
    """Test idea 3: cache resize up and down."""
    owners = filled(4, 4)
    owners.resize(2)
    assert [owners.of(b"%d" % number) for number in range(4)] == [None, None, EAST, EAST]
    owners.resize(3)
    owners.learn(b"new", NORTH)
    assert len(owners) == owners.size == 3


def test_a_resize_by_the_deployment_file_holds_at_once() -> None:
    rig = Rig(interaction_cache_size=100)
    for number in range(100):
        rig.core.state.owners.learn(b"%d" % number, EAST)
    smaller = type(rig.core.state.settings)(interaction_cache_size=10)
    rig.core.configuration_changed(smaller, rig.deployment, rig.strategies, rig.now)
    assert len(rig.core.state.owners) == 10


def test_two_nodes_that_both_claim_an_id_leave_no_entry() -> None:
    owners = filled(3, 1)
    owners.learn(b"0", NORTH)
    assert owners.of(b"0") is None
    owners.learn(b"0", NORTH)
    owners.confirm(b"0", EAST)
    assert owners.of(b"0") == EAST


def test_what_is_gone_is_forgotten() -> None:
    owners = filled(3, 2)
    owners.learn(b"n", NORTH)
    owners.forget(b"0")
    owners.forget(b"never known")
    owners.forget_node(NORTH)
    assert [owners.of(key) for key in (b"0", b"1", b"n")] == [None, EAST, None]
