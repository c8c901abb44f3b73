"""Floods: more than a whole node can do, or more than anybody needs, of what is allowed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPulledInteractions,
    RequestAgentLogin,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestPing,
    RequestPull,
    RequestRegisterClient,
    RequestUnregisterClient,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.testing.node_checks import sizes
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import Kind
from ixproxy.wire.parts import join
from ixproxy.wire.prefix import with_ttl, write_frame
from tests.failures import LoggedFailures
from tests.net.node_rig import NodeRig, RawPeer
from tests.net.node_surviving import SUBMIT, surviving_node

ONE = b"1" * 16
PULL = RequestPull(tenant_id=1, view_id="In/All")
HELD_PULL = RequestPull(
    tenant_id=1, view_id="Done/All", extension={"pull-for-strategy": 1, "pull-hold-timeout": 600}
)


@pytest.fixture
def rig(logged_failures: LoggedFailures) -> Iterator[NodeRig]:
    yield from surviving_node()


@pytest.fixture
def small(logged_failures: LoggedFailures) -> Iterator[NodeRig]:
    """The same with a queue that is soon full."""
    limits = NodeLimits(max_current_request_queue_size=50, max_pending_per_client=20)
    yield from surviving_node(limits)


def by_reference(peer: RawPeer) -> dict[int, Any]:
    """The answers, each the only one to its reference."""
    found: dict[int, Any] = {}
    for frame in peer.frames:
        if frame.kind in (Kind.REPLY, Kind.ERROR):
            assert frame.reference not in found
            found[frame.reference] = decode(frame)
    return found


def errors(peer: RawPeer) -> list[int]:
    answers = by_reference(peer).values()
    return [answer.error_code for answer in answers if isinstance(answer, EventError)]


def test_a_client_that_asks_and_never_reads_is_left_unread_and_then_closed(rig: NodeRig) -> None:
    media = rig.client("MediaServer", client_name="mail")
    text = "x" * (100 << 10)
    media.ask(replace(SUBMIT, interaction_id="big", user_data={"t": text}))
    peer = rig.client("RoutingEngine")
    transport: Any = peer.transport
    transport.pauseProducing()
    get = RequestGetInteractionProperties(tenant_id=1, interaction_id="big")
    for _ in range(10_000):
        peer.send(get)
    rig.run(20)
    (connection,) = rig.server.listener._slow
    assert connection.backlog < 20 << 20
    assert sizes(rig.server)["requests"] <= 10_000
    other = rig.client("MediaServer", client_name="other")
    assert isinstance(other.ask(SUBMIT), EventAck)
    rig.run(60)
    assert len(rig.server.listener._slow) == 0
    assert rig.server.listener.peers == 2


def test_ten_thousand_requests_at_once_without_reading_get_one_answer_each(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    transport: Any = peer.transport
    transport.pauseProducing()
    references = [peer.send(SUBMIT) for _ in range(10_000)]
    rig.run(5)
    transport.resumeProducing()
    rig.run(20)
    answers = by_reference(peer)
    assert len(answers) == 1 + 10_000
    assert all(isinstance(answers[each], EventAck) for each in references)
    assert len(rig.rows("interactions")) == 10_000


def test_what_is_more_than_the_queue_takes_is_told_so_at_once(small: NodeRig) -> None:
    peers = [small.client("MediaServer", client_name=f"m{at}") for at in range(5)]
    small.writer.paused = True
    peers[0].send(SUBMIT)
    small.settle()
    for peer in peers:
        for _ in range(100):
            peer.send(SUBMIT)
    small.settle()
    assert sum(map(len, map(errors, peers))) >= 500 - 51
    assert set().union(*map(errors, peers)) == {Code.BUSY}
    assert sizes(small.server)["works"] == 50
    small.writer.resume()
    small.run(5)
    assert sum(len(peer.frames) for peer in peers) == 5 + 1 + 500


def test_one_session_registered_from_two_peers_in_turn(rig: NodeRig) -> None:
    media = rig.client("MediaServer", client_name="mail")
    id = media.ask(SUBMIT).interaction_id
    peers = [rig.peer(), rig.peer()]
    for incarnation in range(1, 2001):
        peer = peers[incarnation % 2]
        ack = peer.register("RoutingEngine", session=ONE, incarnation=incarnation)
        assert isinstance(ack, EventAck)
        if incarnation % 100 == 1:
            assert id in peer.ask(PULL).take_numbers
        other = peers[(incarnation + 1) % 2]
        if incarnation > 1:
            assert other.ask(PULL).error_code == Code.SUPERSEDED
        for each in peers:
            each.frames.clear()
    assert sizes(rig.server)["sessions"] == 2
    assert [row["session"] for row in rig.rows("sessions")].count(ONE) == 1
    assert rig.rows("parties") == []


def test_one_session_registered_from_two_peers_at_once(rig: NodeRig) -> None:
    proxies = [rig.proxy("p1"), rig.proxy("p2")]
    for incarnation in range(1, 3001):
        register = RequestRegisterClient(
            client_name="r", client_type="RoutingEngine", session=ONE, incarnation=incarnation // 3
        )
        for proxy in proxies:
            proxy.send(register)
    rig.run(5)
    answers = sum(len(proxy.frames) for proxy in proxies)
    assert answers >= 2 * 3000
    assert sizes(rig.server)["sessions"] == 3


def test_a_proxy_with_ten_thousand_clients_that_goes_leaves_nothing(rig: NodeRig) -> None:
    media = rig.client("MediaServer", client_name="mail")
    ids = [media.ask(SUBMIT).interaction_id for _ in range(20)]
    proxy = rig.proxy()
    for number in range(10_000):
        lasting = number.to_bytes(16, "big") if number % 2 else b""
        proxy.send(
            RequestRegisterClient(
                client_name=f"d{number}", client_type="AgentApplication", session=lasting
            )
        )
    rig.run(5)
    assert rig.server.state.clients == 10_002
    for number in range(1, 10_001):
        login = RequestAgentLogin(tenant_id=1, agent_id=f"a{number}", provisional=bool(number % 3))
        proxy.send(login, client=number)
    rig.run(5)
    for number in range(3, 10_001, 500):
        pulled = proxy.ask(PULL, client=number - number % 3)
        assert isinstance(pulled, EventPulledInteractions), pulled
    assert [row["state"] for row in rig.rows("interactions")] == [3] * 20
    proxy.lose()
    rig.run(1)
    assert rig.server.state.clients == 1
    assert sizes(rig.server)["provisional"] == 0
    rig.run(120)
    assert [row["state"] for row in rig.rows("interactions")] == [0] * 20
    assert {row["id"] for row in rig.rows("interactions")} == set(ids)
    assert sizes(rig.server)["sessions"] == 1


@pytest.mark.parametrize("request_", [HELD_PULL, SUBMIT], ids=["held pulls", "submits"])
def test_a_flood_of_cancels(rig: NodeRig, request_: Any) -> None:
    peer = rig.client("RoutingEngine" if request_ is HELD_PULL else "MediaServer")
    for _ in range(100):
        references = [peer.send(request_) for _ in range(50)]
        rig.settle()
        for reference in references:
            peer.cancel(reference)
            peer.cancel(reference)
            peer.cancel(reference + 1_000_000)
        rig.settle()
    assert len(by_reference(peer)) == 1 + 5000
    found = sizes(rig.server)
    assert found["held pulls"] == found["requests"] == found["works"] == 0
    assert found["reminders of held pulls"] <= 1100


def test_cancels_in_the_same_turn_as_their_requests_are_answered_once(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    raw = b""
    for reference in range(100, 1100):
        raw += encode(SUBMIT, reference=reference)
        raw += write_frame(Kind.CANCEL, 0, reference=reference)
    peer.write(raw)
    rig.run(5)
    answers = by_reference(peer)
    done = [answers[reference] for reference in range(100, 1100)]
    made = sum(isinstance(each, EventAck) for each in done)
    assert {each.error_code for each in done if isinstance(each, EventError)} <= {Code.CANCELLED}
    assert len(rig.rows("interactions")) == made


def test_requests_whose_time_is_up_in_a_millisecond_are_answered_once(rig: NodeRig) -> None:
    peer = rig.client("RoutingEngine")
    for reference in range(100, 600):
        request = (PULL, HELD_PULL, RequestPing())[reference % 3]
        peer.write(with_ttl(encode(request, reference=reference), 1))
    rig.run(5)
    rig.writer.paused = True
    for reference in range(600, 1100):
        peer.write(with_ttl(encode(RequestPing(), reference=reference), 1))
        if reference % 50 == 0:
            rig.run(0.001)
    rig.run(1)
    rig.writer.resume()
    rig.run(5)
    found = by_reference(peer)
    answers = [found[reference] for reference in range(100, 1100)]
    expired = [each for each in answers if isinstance(each, EventError)]
    assert {each.error_code for each in expired} == {Code.EXPIRED}
    # Those above the client's window were read later, and their time counts from then.
    assert len(expired) > 250
    assert sizes(rig.server)["held pulls"] == 0


def test_peers_that_come_and_go_leave_no_objects_behind(rig: NodeRig) -> None:
    def living() -> int:
        gc.collect()
        return len(gc.get_objects())

    def come_and_go() -> None:
        peer = rig.client("RoutingEngine", session=b"")
        peer.send(HELD_PULL)
        peer.ask(RequestUnregisterClient())
        peer.lose()

    come_and_go()
    before = living()
    for _ in range(200):
        come_and_go()
    rig.run(700)
    assert living() - before < 200


def test_what_is_found_or_pulled_at_once_is_bounded_in_bytes_too(rig: NodeRig) -> None:
    media = rig.client("MediaServer")
    size = 400 << 10
    for number in range(90):
        media.ask(replace(SUBMIT, user_data={"n": number, "t": "x" * size}))
    media.frames.clear()
    reference = media.send(RequestFindInteractions(tenant_id=1))
    rig.settle()
    found: Any = join(media.answers(reference))
    assert len(found.interactions) == (32 << 20) // size
    assert found.have_more
    router = rig.client("RoutingEngine")
    taken: set[str] = set()
    for more in (True, False):
        reference = router.send(replace(PULL, number_of_interactions=100))
        rig.run(5)
        pulled: Any = join(router.answers(reference))
        assert pulled.have_more == more
        taken |= pulled.take_numbers.keys()
    assert len(taken) == 90
