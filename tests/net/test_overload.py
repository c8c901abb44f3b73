"""A whole node with too much of everything: who is told so, and what is done all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_changes

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestAgentLogin,
    RequestCancelTake,
    RequestClientsGone,
    RequestConfirmSession,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestPull,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.testing.node_checks import sizes
from tests.failures import LoggedFailures
from tests.net.node_rig import NodeRig, RawPeer
from tests.net.node_surviving import SUBMIT, surviving_node

LIMITS = NodeLimits(
    max_current_request_queue_size=20,
    client_window=8,
    max_pending_per_client=100,
    max_held_pulls=8,
    max_unregistered=5,
    max_database_request_queue_size=8,
)
HELD = RequestPull(
    tenant_id=1, view_id="Done/All", extension={"pull-for-strategy": 1, "pull-hold-timeout": 600}
)
PULL = RequestPull(tenant_id=1, view_id="In/All")


@pytest.fixture
def rig(logged_failures: LoggedFailures) -> Iterator[NodeRig]:
    yield from surviving_node(LIMITS)


def fill(rig: NodeRig) -> list[RawPeer]:
    """The writer is stuck, and its queue is full."""
    peers = [rig.client("MediaServer", client_name=f"m{number}") for number in range(3)]
    rig.writer.paused = True
    peers[0].send(SUBMIT)
    rig.settle()
    for peer in peers:
        for _ in range(9):
            peer.send(SUBMIT)
    rig.settle()
    assert rig.server.writer.full
    return peers


def go_on(rig: NodeRig) -> None:
    rig.writer.resume()
    rig.run(5)


def test_a_client_of_whose_requests_many_wait_is_left_unread_and_not_refused(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    rig.writer.paused = True
    peer.send(SUBMIT)
    rig.settle()
    references = [peer.send(SUBMIT) for _ in range(200)]
    rig.settle()
    assert sizes(rig.server)["works"] <= LIMITS.client_window + 16
    assert sizes(rig.server)["peers held back"] == 1
    go_on(rig)
    assert all(isinstance(peer.answer(each), EventAck) for each in references)
    assert sizes(rig.server)["peers held back"] == 0


def test_what_gives_back_or_ends_something_is_taken_with_everything_full(rig: NodeRig) -> None:
    media, proxy = rig.client("MediaServer"), rig.proxy()
    media.ask(with_changes(SUBMIT, interaction_id="x"))
    first, third = (proxy.number("RoutingEngine", session=bytes([at]) * 16) for at in (1, 3))
    second = proxy.number("AgentApplication", session=b"2" * 16)
    (number,) = proxy.ask(PULL, client=first).take_numbers.values()
    login = proxy.ask(
        RequestAgentLogin(tenant_id=1, agent_id="ann", provisional=True), client=second
    )
    fill(rig)
    reserved = [
        proxy.send(RequestCancelTake(tenant_id=1, interaction_id="x", take_number=number)),
        proxy.send(RequestClientsGone(clients=[third])),
        proxy.send(RequestUnregisterClient(), client=first),
    ]
    confirm = proxy.send(
        RequestConfirmSession(tenant_id=1, agent_id="ann", agent_session=login.agent_session),
        client=second,
    )
    busy = proxy.send(PULL, client=second)
    rig.settle()
    assert proxy.answer(busy, second).error_code == Code.BUSY
    go_on(rig)
    assert isinstance(proxy.answer(reserved[0]), EventAck)
    assert isinstance(proxy.answer(reserved[1]), EventAck)
    assert isinstance(proxy.answer(reserved[2], first), EventAck)
    assert getattr(proxy.answer(confirm, second), "error_code", 0) != Code.BUSY
    assert rig.rows("parties") == []


def test_a_cancel_is_heard_with_everything_full(rig: NodeRig) -> None:
    peers = fill(rig)
    peers[1].cancel(peers[1].reference)
    rig.settle()
    assert peers[1].answer(peers[1].reference).error_code in (Code.CANCELLED, Code.BUSY)
    peers[1].cancel(peers[1].reference - 8)
    rig.settle()
    assert peers[1].answer(peers[1].reference - 8).error_code == Code.CANCELLED
    go_on(rig)


def test_a_client_that_floods_does_not_hold_up_one_that_asks_little(rig: NodeRig) -> None:
    rig.server.state.limits = replace(LIMITS, client_window=10_000, max_pending_per_client=10_000)
    rig.server.writer.limit = 10_000
    flood, other = rig.client("MediaServer"), rig.client("MediaServer", client_name="other")
    other.ask(SUBMIT)
    rig.writer.paused = True
    flood.send(SUBMIT)
    rig.settle()
    for _ in range(500):
        flood.send(SUBMIT)
    rig.settle()
    mine = other.send(SUBMIT)
    rig.settle()
    for _ in range(2):
        rig.writer.run_one()
        rig.settle()
    assert isinstance(other.answer(mine), EventAck), "it is in the very next batch"
    assert len(flood.frames) < 50
    go_on(rig)
    assert len(flood.frames) == 502


def test_held_pulls_are_bounded_and_of_one_client_a_quarter(rig: NodeRig) -> None:
    router, other = rig.client("RoutingEngine"), rig.client("RoutingEngine", client_name="o")
    references = [router.send(HELD) for _ in range(4)]
    rig.settle()
    answered = [router.answers(each) for each in references]
    assert [bool(each) for each in answered] == [False, False, True, True]
    assert answered[2][0].error_code == Code.BUSY
    waiting = other.send(HELD)
    rig.settle()
    assert other.answers(waiting) == []
    router.lose()
    other.cancel(waiting)
    rig.settle()
    assert sizes(rig.server)["clients with held pulls"] == 0


def test_a_held_pull_takes_nothing_after_its_requesters_time(rig: NodeRig) -> None:
    media, router = rig.client("MediaServer"), rig.client("RoutingEngine")
    pull = with_changes(HELD, view_id="In/All")
    late = router.send(pull, ttl=5000)
    rig.settle()
    rig.writer.paused = True
    media.send(SUBMIT)
    rig.settle()
    rig.run(10)
    go_on(rig)
    assert router.answer(late).error_code == Code.EXPIRED
    assert rig.rows("parties") == []
    (row,) = rig.rows("interactions")
    assert row["state"] == 0


def test_a_find_is_not_read_after_its_time_or_for_a_client_that_is_gone(rig: NodeRig) -> None:
    media, other = rig.client("MediaServer"), rig.client("MediaServer", client_name="o")
    find = RequestFindInteractions(tenant_id=1, condition="priority > 0")
    lanes = [executor for name, executor in rig.executors.items() if name.startswith("reader")]
    for lane in lanes:
        lane.paused = True
    media.send(find)
    late = media.send(find, ttl=1000)
    wanted = media.send(find)
    other.send(find)
    other.send(find)
    rig.settle()
    other.lose()
    rig.run(2)
    for lane in lanes:
        lane.resume()
    rig.run(5)
    assert media.answer(late).error_code == Code.EXPIRED
    assert not isinstance(media.answer(wanted), EventError)
    assert sum(lane.ran for lane in lanes) == 3, "one was begun for the client that is gone"
    assert sizes(rig.server)["long reads"] == 0


def test_one_client_has_a_quarter_of_the_long_reads_that_may_wait(rig: NodeRig) -> None:
    greedy, other = rig.client("MediaServer"), rig.client("MediaServer", client_name="o")
    find = RequestFindInteractions(tenant_id=1)
    lanes = [executor for name, executor in rig.executors.items() if name.startswith("reader")]
    for lane in lanes:
        lane.paused = True
    references = [greedy.send(find) for _ in range(5)]
    rig.settle()
    codes = [[each.error_code for each in greedy.answers(at)] for at in references]
    assert codes == [[], [], [], [Code.BUSY], [Code.BUSY]]
    mine = other.send(find)
    rig.settle()
    assert other.answers(mine) == []
    for lane in lanes:
        lane.resume()
    rig.run(5)
    assert not isinstance(other.answer(mine), EventError)


def test_a_thousand_half_open_connections_take_the_place_of_nobody(rig: NodeRig) -> None:
    mine = rig.client("MediaServer")
    crowd = [rig.peer() for _ in range(1000)]
    assert sum(peer.open for peer in crowd) == LIMITS.max_unregistered
    assert isinstance(mine.ask(SUBMIT), EventAck)
    late = rig.client("MediaServer", client_name="late")
    assert isinstance(late.ask(SUBMIT), EventAck)
    assert crowd[0].frames, "it was told why"


def test_batches_are_short_while_their_answers_are_large(rig: NodeRig) -> None:
    media: Any = rig.client("MediaServer")
    text = {"t": "x" * (400 << 10)}
    submit = RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data=text)
    media.ask(with_changes(submit, interaction_id="big"))
    for _ in range(3):
        media.ask(RequestGetInteractionProperties(tenant_id=1, interaction_id="big"))
    assert rig.server.writer.fair.most <= (16 << 20) // (400 << 10)
    for _ in range(2):
        media.ask(SUBMIT)
    assert rig.server.writer.fair.most == 1000
