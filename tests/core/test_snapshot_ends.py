"""What ends a snapshot, and what does not: lost nodes, clients that go, changed deployments."""

from __future__ import annotations

import pytest

from ixproxy.core.settings import Deployment
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestClientsGone,
    RequestRegisterClient,
    RequestReleaseSnapshot,
    RequestUnregisterClient,
)
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
from tests.core.rig import EAST, NORTH, decode, facts, only
from tests.core.snapshot_world import World, move, page, release

SESSION = b"s" * 16


def test_a_node_lost_between_take_and_get_is_2006_until_it_is_back() -> None:
    """Idea 24; and a pair that switches over goes on with its part: the registration lists it."""
    world = World(1, 1)
    peer = world.client(session=SESSION)
    identifier = world.taken(peer)
    world.lose(NORTH)
    for message in (page(identifier), page(identifier, 0, 1), move(identifier)):
        world.ask(peer, message)
        answer = only(world.got(peer))
        assert (answer.error_code, answer.in_doubt) == (Code.SNAPSHOT_NOT_ACCESSIBLE, False)
    assert not world.to_node[EAST]
    world.core.node_connected(NORTH, world.now)
    world.pump()
    world.accept(NORTH)
    assert len(world.asked(peer, page(identifier)).interactions) == 2


def test_while_its_node_joins_a_part_is_not_accessible_but_can_be_released() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.lose(NORTH)
    world.core.node_connected(NORTH, world.now)
    world.pump()
    greeting = only(world.sent(NORTH))
    world.answer(NORTH, greeting, world._registered(NORTH, decode(greeting)))
    world.ask(peer, page(identifier))
    assert only(world.got(peer)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE
    assert world.asked(peer, release(identifier)) == EventAck()
    assert list(world.left_over()) == [NORTH]
    # Its registration, which lists the part, is on its way.
    world.accept(NORTH)
    world.tick(0.25)
    world.work()
    world.at_rest()


def test_a_node_that_comes_back_without_its_part_ends_the_snapshot_and_frees_the_others() -> None:
    world = World(1, 1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.lose(NORTH)
    world.forgetful = {NORTH}
    world.link(NORTH)
    assert {type(decode(frame)) for frame in world.to_node[EAST]} == {RequestReleaseSnapshot}
    world.work()
    assert world.asked(peer, page(identifier)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE
    world.at_rest()


def test_a_part_that_its_node_does_not_know_ends_the_snapshot() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.snapshots[EAST].clear()
    answer = world.asked(peer, move(identifier))
    assert (answer.error_code, answer.in_doubt) == (Code.SNAPSHOT_NOT_ACCESSIBLE, True)
    world.work()
    world.at_rest()


@pytest.mark.parametrize("how", ["removed", "another"])
def test_a_node_that_leaves_the_deployment_takes_its_part_with_it(how: str) -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    nodes = {EAST: facts(EAST)}
    if how == "another":
        nodes[NORTH] = facts(NORTH, 999)
    changed = Deployment(world.deployment.tenants, nodes)
    state = world.core.state
    world.core.configuration_changed(state.settings, changed, state.strategies, world.now)
    world.pump()
    world.work(EAST)
    assert world.snapshots[EAST] == {}
    assert len(state.snapshots) == 0
    world.ask(peer, page(identifier))
    assert only(world.got(peer)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE


def test_a_client_whose_connection_breaks_frees_its_snapshots_before_it_is_gone() -> None:
    """Idea 25: a client vanishes."""
    world = World(1, 1)
    peer = world.client()
    world.taken(peer)
    world.taken(peer)
    world.hang_up(peer)
    for node in world.nodes:
        kinds = [type(decode(frame)) for frame in world.to_node[node]]
        assert kinds == [RequestReleaseSnapshot, RequestReleaseSnapshot, RequestClientsGone]
    world.work()
    world.at_rest()


def test_a_client_that_says_goodbye_frees_its_snapshots_by_that() -> None:
    """Idea 25: a client leaves."""
    world = World(1)
    peer = world.client()
    world.taken(peer)
    world.ask(peer, RequestUnregisterClient())
    assert isinstance(decode(only(world.sent(EAST))), RequestUnregisterClient)
    assert len(world.core.state.snapshots) == 0


@pytest.mark.parametrize("how", ["its connection breaks", "it says who is gone"])
def test_a_downstream_proxy_that_vanishes_frees_what_its_clients_had(how: str) -> None:
    """Idea 25: a proxy vanishes, or tells of clients that did."""
    world = World(1, 1)
    edge = world.client("Proxy", client_name="edge", path=["edge"])
    desktop = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", path=["edge"]
    )
    world.ask(edge, desktop)
    for node in world.nodes:
        world.accept(node)
    number = only(world.got(edge)).proxy_client_id
    world.taken(edge, client=number)
    if how == "its connection breaks":
        world.hang_up(edge)
    else:
        world.ask(edge, RequestClientsGone(clients=[number], application_name="edge"))
    world.work()
    world.at_rest()


def test_a_session_that_registers_anew_has_no_snapshot_of_its_older_connection() -> None:
    """As where the loss of the older one was noticed first."""
    world = World(1)
    older = world.client(session=SESSION)
    identifier = world.taken(older)
    newer = world.peer()
    again = RequestRegisterClient(
        client_name="anna",
        client_type="AgentApplication",
        session=SESSION,
        incarnation=2,
        snapshots=[identifier],
    )
    world.ask(newer, again)
    released, registered = world.sent(EAST)
    assert isinstance(decode(released), RequestReleaseSnapshot)
    assert not decode(registered).snapshots
    world.carry_out(EAST, released)
    world.answer(EAST, registered, world._registered(EAST, decode(registered)))
    assert only(world.got(newer)).snapshots == []
    world.ask(newer, page(identifier))
    assert only(world.got(newer)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE
    world.at_rest()


def test_a_release_goes_on_when_its_client_goes_or_wants_no_answer() -> None:
    """Idea 25: a downstream proxy that says who is gone has released before, in their names."""
    world = World(1)
    peer = world.client()
    reference = world.ask(peer, release(world.taken(peer)))
    world.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    world.hang_up(peer)
    kinds = [(frame.kind, type(decode(frame))) for frame in world.to_node[EAST]]
    assert kinds == [
        (Kind.REQUEST, RequestReleaseSnapshot),
        (Kind.REQUEST, RequestClientsGone),
    ]
    world.work()
    world.at_rest()
