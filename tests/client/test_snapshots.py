from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.client.snapshots import Snapshots, released
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Request
from tests.client.servers import World
from tests.deferreds import failure_of, result_of

TAKE = m.RequestTakeSnapshot(tenant_id=1)
RELEASE = m.RequestReleaseSnapshot(tenant_id=1, snapshot_id=7)
PAGE = m.RequestGetSnapshotInteractions(tenant_id=1, snapshot_id=7)


def refusal(code: int) -> m.EventError:
    return m.EventError(error_code=code, error_description="no")


def done(world: World, client: Client, request: Request) -> object:
    """The answer; a refusal raises."""
    asked = client.request(request)
    world.rest()
    return result_of(asked)


def again(world: World) -> list[int] | None:
    """The connection is lost and made again; the snapshots that are named then."""
    world.lose()
    world.clock.run(4)
    return world.server.registered[-1].snapshots


def test_a_client_that_comes_back_names_its_snapshots() -> None:
    world = World()
    client = world.client()
    assert world.server.registered[-1].snapshots == [], "a new session has none"
    numbers = iter((7, 9))
    world.server.replies[m.RequestTakeSnapshot] = lambda _: m.EventSnapshotTaken(
        snapshot_id=next(numbers)
    )
    for _ in range(2):
        done(world, client, TAKE)
    assert again(world) == [7, 9]
    world.server.replies[m.RequestReleaseSnapshot] = lambda _: m.EventAck()
    done(world, client, RELEASE)
    assert again(world) == [9]


def test_what_the_server_does_not_know_is_named_no_more_and_what_is_away_is() -> None:
    world = World()
    client = world.client()
    world.server.replies[m.RequestTakeSnapshot] = lambda _: m.EventSnapshotTaken(snapshot_id=7)
    done(world, client, TAKE)
    world.server.replies[m.RequestGetSnapshotInteractions] = lambda _: refusal(
        Code.SNAPSHOT_NOT_ACCESSIBLE
    )
    with pytest.raises(RequestRefused):
        done(world, client, PAGE)
    assert again(world) == [7]
    world.server.replies[m.RequestGetSnapshotInteractions] = lambda _: refusal(
        Code.UNKNOWN_SNAPSHOT
    )
    with pytest.raises(RequestRefused):
        done(world, client, PAGE)
    assert again(world) == []


def test_one_whose_taker_waits_no_more_is_released_at_once() -> None:
    world = World()
    client = world.client()
    asked = client.request(TAKE, timeout=1)
    world.clock.run(2)
    failure_of(asked, RequestRefused)
    world.server.last.answer(m.EventSnapshotTaken(snapshot_id=7), 1)
    world.rest()
    assert world.server.last.requests[-1] == RELEASE
    assert again(world) == []


def test_no_more_are_named_than_a_registration_takes() -> None:
    snapshots = Snapshots()
    for number in range(1500):
        snapshots.answered(TAKE, m.EventSnapshotTaken(snapshot_id=number))
    assert snapshots.listed() == list(range(500, 1500))


def test_only_what_was_taken_is_to_be_released() -> None:
    assert released(TAKE, m.EventAck()) is None
    assert released(TAKE, m.EventSnapshotTaken(snapshot_id=7)) == RELEASE
