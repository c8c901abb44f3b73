from __future__ import annotations

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPulledInteractions,
    RequestCancelTake,
    RequestPull,
    RequestSubmit,
)
from ixproxy.net.node_limits import PROXY_FACTOR, NodeLimits
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
from tests.deferreds import result_of
from tests.net.node_rig import NodeRig, RawPeer

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
TEXT = "x" * (100 << 10)


def test_who_does_not_register_in_time_is_closed(rig: NodeRig) -> None:
    peer, other = rig.peer(), rig.client("MediaServer")
    rig.run(29)
    assert bool(peer.open)
    rig.run(3)
    assert peer.closed
    assert not other.closed
    assert rig.server.listener.peers == 1


def test_a_ping_is_no_registration(rig: NodeRig) -> None:
    peer = rig.peer()
    for _ in range(40):
        peer.write(write_frame(Kind.PING, 0))
        rig.run(1)
    assert peer.closed


def test_there_is_room_for_so_many_connections() -> None:
    rig = NodeRig(NodeLimits(max_connections=2)).start()
    first, second = rig.client("MediaServer"), rig.client("MediaServer")
    refused = rig.peer()
    assert refused.closed
    (error,) = map(decode, refused.frames)
    assert isinstance(error, EventError)
    assert error.error_code == Code.TOO_MANY_CLIENTS
    first.lose()
    third = rig.client("MediaServer")
    assert not second.closed
    assert isinstance(third.ask(SUBMIT), EventAck)
    rig.stop()


def stalled(rig: NodeRig) -> RawPeer:
    """A client that has much to read, and does not."""
    media = rig.client("MediaServer")
    for _ in range(60):
        media.ask(
            RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"text": TEXT})
        )
    peer = rig.client("RoutingEngine")
    transport = peer.transport
    assert transport is not None
    transport.pauseProducing()  # type: ignore[attr-defined]
    return peer


def pull(peer: RawPeer, number: int = 1) -> int:
    return peer.send(RequestPull(tenant_id=1, view_id="In/All", number_of_interactions=number))


def test_a_peer_that_does_not_read_is_left_unread_and_served_when_it_reads() -> None:
    rig = NodeRig(NodeLimits(max_client_output=1 << 20)).start()
    peer = stalled(rig)
    references = [pull(peer) for _ in range(40)]
    rig.run(5)
    assert len(rig.server.listener._slow) == 1
    taken = len(rig.rows("parties"))
    assert taken < 40
    late = pull(peer)
    rig.run(5)
    assert len(rig.rows("parties")) == taken
    peer.transport.resumeProducing()  # type: ignore[union-attr]
    rig.run(5)
    for reference in [*references, late]:
        assert isinstance(peer.answer(reference), EventPulledInteractions)
    assert len(rig.server.listener._slow) == 0
    rig.stop()


def test_a_peer_that_goes_on_not_reading_is_closed_and_memory_is_bounded() -> None:
    limits = NodeLimits(max_client_output=1 << 20, max_output_timeout=10)
    rig = NodeRig(limits).start()
    peer, other = stalled(rig), rig.client("MediaServer")
    for _ in range(40):
        pull(peer)
    rig.run(9)
    assert rig.server.listener.peers == 3
    rig.run(30)
    assert rig.server.listener.peers == 2
    assert rig.server.state.counters["slow readers closed"] == 1
    assert isinstance(other.ask(SUBMIT), EventAck)
    # It had no lasting session: all that it took is back.
    assert rig.rows("parties") == []
    rig.stop()


def test_a_proxy_may_leave_more_unread_for_it_reads_for_many(rig: NodeRig) -> None:
    rig.proxy()
    (connection,) = rig.server.listener._peers
    assert connection.output_limit == PROXY_FACTOR * NodeLimits().max_client_output


def test_a_half_open_connection_is_found(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    peer.transport.pauseProducing()  # type: ignore[union-attr]
    rig.run(120)
    assert rig.server.listener.peers == 0


def test_a_flood_of_what_is_never_refused_is_left_unread_until_the_writer_is_through() -> None:
    rig = NodeRig(NodeLimits(max_current_request_queue_size=100)).start()
    proxy, media = rig.proxy(), rig.client("MediaServer")
    rig.writer.paused = True
    media.send(SUBMIT)
    rig.settle()
    back = RequestCancelTake(tenant_id=1, interaction_id="x", take_number=1)
    references = [proxy.send(back) for _ in range(20_000)]
    rig.run(100)
    chunk = 64 << 10
    assert len(rig.server.writer._waiting) <= 200 + chunk // len(encode(back))
    assert not proxy.closed
    rig.writer.resume()
    rig.run(100)
    assert all(isinstance(answer, EventAck) for answer in map(proxy.answer, references[::999]))
    assert len([frame for frame in proxy.frames if frame.kind == Kind.REPLY]) == 20_001
    assert rig.server.listener._held_back == {}
    rig.stop()


def test_a_peer_that_is_slow_and_held_back_is_read_when_it_is_neither() -> None:
    rig = NodeRig(NodeLimits(max_current_request_queue_size=1)).start()
    peer = rig.proxy()
    (connection,) = rig.server.listener._peers
    rig.writer.paused = True
    peer.send(RequestCancelTake(tenant_id=1, interaction_id="x", take_number=1))
    rig.settle()
    for _ in range(3):
        peer.send(RequestCancelTake(tenant_id=1, interaction_id="x", take_number=1))
    rig.settle()
    assert not bool(connection.reading)
    rig.server.listener.output_exceeded(connection)
    rig.server.listener.output_drained(connection)
    assert not bool(connection.reading)
    rig.server.listener.output_exceeded(connection)
    rig.writer.resume()
    rig.run(3)
    assert not bool(connection.reading)
    rig.server.listener.output_drained(connection)
    assert bool(connection.reading)
    rig.stop()


def test_limits_change_for_peers_that_are_there(rig: NodeRig) -> None:
    rig.proxy()
    rig.client("MediaServer")
    silent = rig.peer()
    limits = NodeLimits(
        max_connections=1, max_client_output=1 << 16, max_frame=1 << 21, registration_timeout=5
    )
    changed = rig.server.configuration_changed(
        rig.server.core._standing.model, rig.server.core._standing.settings, limits, (2.0, 6.0)
    )
    rig.settle()
    result_of(changed)
    proxy, client, _ = rig.server.listener._peers
    assert (proxy.output_limit, client.output_limit) == (PROXY_FACTOR << 16, 1 << 16)
    assert {proxy.max_frame, client.max_frame} == {1 << 21}
    assert rig.server.listener.peers == 3, "none is closed for their number"
    assert rig.peer().closed, "there are enough"
    rig.run(7)
    assert silent.closed, "it did not register in the time that holds now"
