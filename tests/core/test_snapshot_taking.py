"""Taking a snapshot: what was taken is never left where nobody knows of it."""

from __future__ import annotations

import pytest

from ixproxy.core.settings import Deployment
from ixproxy.errors import Code
from ixproxy.messages import (
    RequestClientsGone,
    RequestRegisterClient,
    RequestReleaseSnapshot,
    RequestUnregisterClient,
)
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, Frame, write_frame
from tests.core.rig import EAST, NORTH, TENANT, decode, facts, only
from tests.core.snapshot_world import TAKE, World, page


def kinds(frames: list[Frame]) -> list[type]:
    """What requests they are."""
    return [type(decode(frame)) for frame in frames if frame.kind == Kind.REQUEST]


def test_what_was_taken_too_late_is_released() -> None:
    world = World(1, 1)
    peer = world.client()
    world.ask(peer, TAKE)
    world.work(EAST)
    world.tick(31.0)
    assert only(world.got(peer)).error_code == Code.LOST_CONNECTION
    world.work()
    world.work()
    assert not world.got(peer)
    world.at_rest()


def test_what_is_taken_while_its_client_goes_is_released_before_the_client_is_gone() -> None:
    """Idea 25: the client vanishes while one node has taken and the other has not answered."""
    world = World(1, 1)
    peer = world.client()
    world.ask(peer, TAKE)
    world.work(EAST)
    world.hang_up(peer)
    assert kinds(world.to_node[EAST]) == [RequestReleaseSnapshot, RequestClientsGone]
    take, *rest = world.sent(NORTH)
    assert kinds(rest) == []
    world.carry_out(NORTH, take)
    assert kinds(world.to_node[NORTH]) == [RequestReleaseSnapshot, RequestClientsGone]
    gone = decode(world.to_node[NORTH][-1])
    assert gone.application_name == "client-1"
    world.work()
    world.at_rest()


def test_a_node_that_refuses_a_take_whose_client_went_is_told_that_it_went() -> None:
    world = World(1)
    peer = world.client()
    world.ask(peer, TAKE)
    world.hang_up(peer)
    world.refuse(EAST, world.sent(EAST)[0], Code.CANCELLED)
    assert kinds(world.to_node[EAST]) == [RequestClientsGone]
    world.at_rest()


def test_a_node_that_never_answers_a_take_is_told_that_its_client_went_when_time_is_up() -> None:
    world = World(1)
    peer = world.client()
    world.ask(peer, TAKE)
    world.hang_up(peer)
    assert kinds(world.sent(EAST)[1:]) == []
    world.tick(31.0)
    assert kinds(world.to_node[EAST]) == [RequestClientsGone]
    world.at_rest()


def test_a_link_that_breaks_ends_the_wait_of_a_client_that_went() -> None:
    world = World(1)
    peer = world.client()
    world.ask(peer, TAKE)
    world.hang_up(peer)
    world.lose(EAST)
    world.link(EAST)
    assert not world.to_node[EAST]
    assert not world.core.state.snapshots.waits_to_leave(None, EAST)  # type: ignore[arg-type]
    world.at_rest()


def test_a_client_that_says_goodbye_waits_for_nothing() -> None:
    """Its node frees what it has, and what it is about to take."""
    world = World(1)
    peer = world.client()
    world.ask(peer, TAKE)
    world.ask(peer, RequestUnregisterClient())
    assert kinds(world.to_node[EAST])[-1] is RequestUnregisterClient
    code = [each.error_code for each in world.got(peer) if hasattr(each, "error_code")]
    assert code == [Code.CANCELLED]


def test_a_client_replaced_on_its_connection_waits_on_the_node_for_its_take() -> None:
    world = World(1)
    peer = world.client()
    world.ask(peer, TAKE)
    again = RequestRegisterClient(client_name="other", client_type="AgentApplication")
    world.ask(peer, again)
    take = next(each for each in world.sent(EAST) if decode_is_take(each))
    world.carry_out(EAST, take)
    assert kinds(world.to_node[EAST]) == [RequestReleaseSnapshot, RequestClientsGone]
    world.work()
    world.at_rest()


def decode_is_take(frame: Frame) -> bool:
    """Whether it is the take."""
    return frame.kind == Kind.REQUEST and isinstance(decode(frame), type(TAKE))


def test_a_take_that_is_cancelled_is_refused_by_the_nodes_and_what_others_took_goes_back() -> None:
    world = World(1, 1)
    peer = world.client()
    reference = world.ask(peer, TAKE)
    world.work(EAST)
    world.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    take, cancel = world.sent(NORTH)
    assert (cancel.kind, cancel.reference) == (Kind.CANCEL, take.reference)
    world.refuse(NORTH, take, Code.CANCELLED)
    assert only(world.got(peer)).error_code == Code.CANCELLED
    world.work()
    world.at_rest()


def test_a_take_needs_its_reply() -> None:
    world = World(1)
    peer = world.client()
    world.ask(peer, TAKE, flags=Flag.NO_REPLY)
    assert not world.to_node[EAST]
    assert len(world.core.state.snapshots) == 0


def test_one_client_may_have_a_quarter_of_max_snapshots_and_all_no_more_than_that() -> None:
    world = World(1, max_snapshots=8)
    peers = [world.client() for _ in range(5)]
    taken = [world.taken(peer) for peer in peers[:4] for _ in range(2)]
    for peer in (peers[0], peers[4]):
        world.ask(peer, TAKE)
        assert only(world.got(peer)).error_code == Code.TOO_MANY_SNAPSHOTS
    released = RequestReleaseSnapshot(tenant_id=TENANT, snapshot_id=taken[0])
    world.asked(peers[0], released)
    assert world.taken(peers[4])


@pytest.mark.parametrize("busy", [True, False])
def test_a_take_that_cannot_be_sent_is_refused(busy: bool) -> None:
    world = World(1, 1)
    peer = world.client()
    if busy:
        world.core.link(NORTH).full = True
    else:
        world.lose(EAST)
        world.lose(NORTH)
    world.ask(peer, TAKE)
    assert only(world.got(peer)).error_code == (Code.BUSY if busy else Code.NOT_ACCESSIBLE)
    assert not world.to_node[EAST]
    world.at_rest()


def test_a_tenant_without_nodes_is_2001() -> None:
    world = World(1)
    peer = world.client()
    deployment = Deployment(world.deployment.tenants, {EAST: facts(EAST, tenants=frozenset())})
    state = world.core.state
    world.core.configuration_changed(state.settings, deployment, state.strategies, world.now)
    world.ask(peer, TAKE)
    assert only(world.got(peer)).error_code == Code.NO_SERVERS


def test_a_node_that_is_removed_or_has_lost_its_part_while_others_take_is_2002() -> None:
    world = World(1, 1)
    peer = world.client()
    world.ask(peer, TAKE)
    world.work(EAST)
    world.lose(EAST)
    world.forgetful = {EAST}
    world.link(EAST)
    world.work(NORTH)
    assert only(world.got(peer)).error_code == Code.LOST_CONNECTION
    world.work()
    world.at_rest()


def test_a_node_that_took_and_switches_over_while_others_take_keeps_its_part() -> None:
    world = World(1, 1)
    peer = world.client()
    world.ask(peer, TAKE)
    world.work(EAST)
    world.lose(EAST)
    world.link(EAST)
    world.work(NORTH)
    identifier = only(world.got(peer)).snapshot_id
    assert len(world.asked(peer, page(identifier)).interactions) == 2
