from __future__ import annotations

from ixproxy.messages import EventAck, EventPulledInteractions, RequestPull, RequestSubmit
from ixproxy.net.node_limits import PROXY_FACTOR, NodeLimits
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
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
    assert rig.refuses()
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
