from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPulledInteractions,
    RequestAgentLogin,
    RequestCancelTake,
    RequestChangeProperties,
    RequestClientsGone,
    RequestDeliver,
    RequestDistributeEvent,
    RequestFindInteractions,
    RequestLocate,
    RequestPull,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind, code_of
from ixproxy.wire.prefix import Flag, with_flags, write_frame
from tests.net.node_rig import NodeRig, RawPeer

ONE = b"1" * 16
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
PULL = RequestPull(tenant_id=1, view_id="In/All")
HELD_PULL = RequestPull(tenant_id=1, view_id="In/All", extension={"pull-for-strategy": 1})


def error_of(rig: NodeRig, peer: RawPeer, raw: bytes, client: int = 0) -> EventError:
    """Send one frame of reference 99, and return the one error that answers it."""
    peer.write(raw)
    rig.settle()
    error = peer.answer(99, client)
    assert isinstance(error, EventError)
    peer.frames.clear()
    return error


def test_a_ping_is_answered_with_the_pong_that_mirrors_it(rig: NodeRig) -> None:
    peer = rig.peer()
    peer.write(write_frame(Kind.PING, 0, client=3, reference=4))
    rig.settle()
    assert [(f.kind, f.client, f.reference) for f in peer.frames] == [(Kind.PONG, 3, 4)]


@pytest.mark.parametrize(
    ("raw", "code", "names"),
    [
        (write_frame(9, 1, reference=99), Code.BAD_FRAME, "kind is 9"),
        (write_frame(Kind.REPLY, 1000, reference=99), Code.BAD_FRAME, "kind 2"),
        (write_frame(Kind.REQUEST, 999, reference=99), Code.BAD_FRAME, "name 999"),
        (write_frame(Kind.REQUEST, 1000, reference=99), Code.BAD_FRAME, "name 1000"),
        (encode(SUBMIT, reference=99, flags=int(Flag.COMPRESSED)), Code.BAD_FRAME, "compressed"),
        (encode(PULL, reference=99), Code.NOT_ALLOWED, "RequestPull"),
        (encode(RequestLocate(tenant_id=1, interaction_id="x"), reference=99),
         Code.NOT_ALLOWED, "RequestLocate"),
        (encode(RequestSubmit(media_type="email"), reference=99), Code.MISSING_VALUE, "TenantId"),
        (encode(RequestSubmit(tenant_id=1), reference=99), Code.MISSING_VALUE, "MediaType"),
        (encode(RequestChangeProperties(tenant_id=1), reference=99),
         Code.MISSING_VALUE, "InteractionId"),
        (write_frame(Kind.REQUEST, code_of(RequestSubmit), tenant=1, media=b"email", reference=99,
                     body=b"\xc1"), Code.BAD_FRAME, "body"),
        (write_frame(Kind.REQUEST, code_of(RequestSubmit), tenant=1, media=b"email", reference=99,
                     body=msgspec.msgpack.encode({"IsOnline": "yes"})),
         Code.BAD_ATTRIBUTE, "IsOnline"),
        (encode(SUBMIT, reference=99)[:25] + b"\xff" + encode(SUBMIT, reference=99)[26:],
         Code.BAD_FRAME, "strings"),
    ],
)  # fmt: skip
def test_a_bad_frame_is_answered_by_what_is_wrong_with_it_and_costs_nothing_else(
    rig: NodeRig, raw: bytes, code: int, names: str
) -> None:
    peer = rig.client("MediaServer")
    error = error_of(rig, peer, raw)
    assert error.error_code == code
    assert names in error.error_description
    assert not error.in_doubt
    assert not peer.closed
    assert isinstance(peer.ask(SUBMIT), EventAck)


def test_a_frame_that_is_too_long_is_skipped_and_answered() -> None:
    rig = NodeRig(NodeLimits(max_frame=64 << 10)).start()
    peer = rig.client("MediaServer")
    long = RequestSubmit(tenant_id=1, media_type="email", user_data={"text": "x" * (65 << 10)})
    assert error_of(rig, peer, encode(long, reference=99)).error_code == Code.TOO_LARGE
    peer.write(write_frame(Kind.CANCEL, 0, reference=5, body=b"x" * (65 << 10)))
    assert isinstance(peer.ask(SUBMIT), EventAck)
    assert len(peer.frames) == 1
    rig.stop()


@pytest.mark.parametrize(("first", "code"), [(0xE2, Code.UNSUPPORTED_VERSION), (0x16, None)])
def test_what_is_not_the_protocol_is_answered_and_closed(
    rig: NodeRig, first: int, code: int | None
) -> None:
    peer = rig.peer()
    peer.write(b"\0\0\0\x20" + bytes((first,)) + b"x" * 31)
    rig.settle()
    assert peer.closed
    assert peer.answer(0).error_code == (code or Code.BAD_FRAME)


def test_no_answer_where_none_is_wanted(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    peer.frames.clear()
    silent = int(Flag.NO_REPLY)
    for message in (SUBMIT, RequestSubmit(tenant_id=1), RequestDistributeEvent(tenant_id=1)):
        peer.send(message, flags=silent)
    peer.write(write_frame(9, 1, reference=99, flags=silent))
    rig.settle()
    assert peer.frames == []
    assert len(rig.rows("interactions")) == 1
    assert rig.server.state.sessions.at(b"made" + (1).to_bytes(12, "big")) is not None


def test_a_pull_needs_its_reply(rig: NodeRig) -> None:
    rig.client("MediaServer").ask(SUBMIT)
    router = rig.client("RoutingEngine")
    router.send(PULL, flags=int(Flag.NO_REPLY))
    rig.settle()
    assert rig.rows("parties") == []


def test_a_reference_in_use_is_refused(rig: NodeRig) -> None:
    router = rig.client("RoutingEngine")
    router.frames.clear()
    router.write(encode(HELD_PULL, reference=7) + encode(PULL, reference=7))
    rig.settle()
    assert router.answer(7).error_code == Code.BAD_FRAME
    rig.client("MediaServer").ask(SUBMIT)
    assert [type(message) for message in router.answers(7)] == [EventError, EventPulledInteractions]


def test_events_and_pongs_from_clients_are_passed_over(rig: NodeRig) -> None:
    peer = rig.client("ReportingEngine")
    peer.frames.clear()
    peer.write(write_frame(Kind.EVENT, 1106) + write_frame(Kind.PONG, 0))
    rig.settle()
    assert peer.frames == []


def test_answers_and_errors_keep_the_order_of_the_requests(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    peer.frames.clear()
    requests = [SUBMIT, RequestSubmit(tenant_id=1, media_type="nope"), SUBMIT] * 3
    peer.write(b"".join(encode(each, reference=at + 100) for at, each in enumerate(requests)))
    rig.settle()
    assert [frame.reference for frame in peer.frames] == list(range(100, 109))


def test_requests_gather_while_a_batch_is_under_way(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    before = rig.server.writer.batches
    rig.writer.paused = True
    for _ in range(5):
        peer.send(SUBMIT)
        rig.settle()
    rig.writer.resume()
    rig.settle()
    assert rig.server.writer.batches == before + 2
    assert len(rig.rows("interactions")) == 5


def test_a_request_whose_time_is_up_before_it_is_run_is_not_run(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    rig.writer.paused = True
    first = peer.send(SUBMIT)
    rig.settle()
    late, in_time, forever = (peer.send(SUBMIT, ttl=ttl) for ttl in (500, 5000, 0))
    rig.run(1)
    rig.writer.resume()
    rig.settle()
    error = peer.answer(late)
    assert error.error_code == Code.EXPIRED
    assert not error.in_doubt
    assert all(isinstance(peer.answer(each), EventAck) for each in (first, in_time, forever))
    assert len(rig.rows("interactions")) == 3


def test_a_request_that_brings_no_time_waits_as_long_as_the_option_says() -> None:
    rig = NodeRig(NodeLimits(max_current_request_queue_wait=3)).start()
    peer = rig.client("MediaServer")
    rig.writer.paused = True
    peer.send(SUBMIT)
    rig.settle()
    reference = peer.send(SUBMIT)
    rig.run(4)
    rig.writer.resume()
    rig.settle()
    assert peer.answer(reference).error_code == Code.EXPIRED
    rig.stop()


def test_what_was_not_run_yet_can_be_cancelled_and_gets_its_one_answer(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    rig.writer.paused = True
    running = peer.send(SUBMIT)
    rig.settle()
    waiting, kept = peer.send(SUBMIT), peer.send(SUBMIT)
    peer.cancel(running)
    peer.cancel(waiting)
    peer.cancel(12345)
    rig.settle()
    error = peer.answer(waiting)
    assert error.error_code == Code.CANCELLED
    assert not error.in_doubt
    rig.writer.resume()
    rig.settle()
    assert isinstance(peer.answer(running), EventAck)
    assert isinstance(peer.answer(kept), EventAck)
    assert len(peer.answers(waiting)) == 1
    assert len(rig.rows("interactions")) == 2


def test_a_held_pull_can_be_cancelled(rig: NodeRig) -> None:
    router = rig.client("RoutingEngine")
    reference = router.send(HELD_PULL)
    rig.settle()
    assert router.answers(reference) == []
    router.cancel(reference)
    rig.settle()
    assert router.answer(reference).error_code == Code.CANCELLED
    rig.client("MediaServer").ask(SUBMIT)
    assert rig.rows("parties") == []
    assert len(rig.server.state.held) == 0


def test_a_pull_that_is_cancelled_while_it_runs_is_not_held(rig: NodeRig) -> None:
    router = rig.client("RoutingEngine")
    rig.writer.paused = True
    reference = router.send(HELD_PULL)
    rig.settle()
    router.cancel(reference)
    rig.settle()
    rig.writer.resume()
    rig.settle()
    assert router.answer(reference).error_code == Code.CANCELLED
    assert len(rig.server.state.held) == 0


def test_a_held_pull_goes_with_its_client(rig: NodeRig) -> None:
    media = rig.client("MediaServer")
    for end in (RawPeer.lose, lambda peer: peer.ask(RequestUnregisterClient())):
        router = rig.client("RoutingEngine", session=ONE)
        router.send(HELD_PULL)
        rig.settle()
        assert len(rig.server.state.held) == 1
        end(router)
        assert len(rig.server.state.held) == 0
    media.ask(SUBMIT)
    assert rig.rows("parties") == []


def test_a_held_pull_of_a_superseded_client_takes_nothing(rig: NodeRig) -> None:
    router = rig.client("RoutingEngine", session=ONE)
    reference = router.send(HELD_PULL)
    rig.settle()
    rig.client("RoutingEngine", session=ONE, incarnation=2)
    rig.client("MediaServer").ask(SUBMIT)
    assert router.answer(reference).error_code == Code.SUPERSEDED
    assert rig.rows("parties") == []


@pytest.fixture
def small() -> Any:
    """A node with room for three requests, whose first batch is under way."""
    rig = NodeRig(NodeLimits(max_current_request_queue_size=3)).start()
    yield rig
    rig.stop()


def test_more_than_the_queue_takes_is_answered_busy_at_once(small: NodeRig) -> None:
    peer = small.client("MediaServer")
    small.writer.paused = True
    first = peer.send(SUBMIT)
    small.settle()
    references = [peer.send(SUBMIT) for _ in range(5)]
    small.settle()
    for reference in references[3:]:
        error = peer.answer(reference)
        assert error.error_code == Code.BUSY
        assert not error.in_doubt
    small.writer.resume()
    small.settle()
    assert all(isinstance(peer.answer(each), EventAck) for each in [first, *references[:3]])


def test_what_gives_back_is_never_refused_as_busy(small: NodeRig) -> None:
    media = small.client("MediaServer")
    ids = [media.ask(SUBMIT).interaction_id for _ in range(2)]
    proxy = small.proxy()
    one = proxy.number("RoutingEngine", session=ONE)
    two = proxy.number("RoutingEngine", session=b"2" * 16)
    taken = [proxy.ask(PULL, client=each).take_numbers for each in (one, two)]
    small.writer.paused = True
    media.send(SUBMIT)
    small.settle()
    for _ in range(9):
        media.send(SUBMIT)
    small.settle()
    assert small.server.writer.full
    number = taken[0][ids[0]]
    back = RequestCancelTake(tenant_id=1, interaction_id=ids[0], take_number=number)
    references = [
        (proxy.send(back), 0),
        (proxy.send(RequestClientsGone(clients=[one])), 0),
        (proxy.send(RequestUnregisterClient(), client=two), two),
    ]
    small.settle()
    small.writer.resume()
    small.settle()
    for reference, client in references:
        assert isinstance(proxy.answer(reference, client), EventAck)
    assert small.rows("parties") == []


def test_one_client_may_have_only_so_many_requests_without_an_answer() -> None:
    rig = NodeRig(NodeLimits(max_pending_per_client=2)).start()
    router, other = rig.client("RoutingEngine"), rig.client("RoutingEngine")
    held = [router.send(HELD_PULL) for _ in range(3)]
    rig.settle()
    assert [len(router.answers(each)) for each in held] == [0, 0, 1]
    assert router.answer(held[2]).error_code == Code.BUSY
    reference = other.send(HELD_PULL)
    rig.settle()
    assert other.answers(reference) == []
    rig.stop()


def test_agents_log_in_and_others_may_not(rig: NodeRig) -> None:
    login = RequestAgentLogin(tenant_id=1, agent_id="ann", place_id="desk")
    assert isinstance(rig.client("AgentApplication").ask(login), EventAck)
    assert rig.client("RoutingEngine").ask(login).error_code == Code.NOT_ALLOWED
    deliver = RequestDeliver(tenant_id=1, interaction_id="x")
    assert rig.client("RoutingEngine").ask(deliver).error_code == Code.UNKNOWN_INTERACTION


def test_answers_say_what_was_refused_in_the_prefix_too(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    error = peer.ask(RequestChangeProperties(tenant_id=1, interaction_id="nope"))
    assert error.error_code == Code.UNKNOWN_INTERACTION
    assert error.interaction_id == "nope"


def test_a_find_is_answered_after_the_earlier_submits_of_its_client(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    peer.frames.clear()
    find = RequestFindInteractions(tenant_id=1)
    peer.write(
        encode(SUBMIT, reference=1) + encode(SUBMIT, reference=2) + encode(find, reference=3)
    )
    rig.settle()
    assert len(peer.answer(3).interactions) == 2


def test_flags_do_not_confuse_the_rules(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    raw = with_flags(encode(SUBMIT, reference=50), int(Flag.TRACED | Flag.RECEIPT))
    peer.write(raw)
    rig.settle()
    assert len(peer.answers(50)) == 1


def test_a_bare_node_takes_a_disabled_media_type_from_media_servers(rig: NodeRig) -> None:
    """Test idea 7, the node's half."""
    disabled = RequestSubmit(tenant_id=1, media_type="fax", queue="In")
    ack = rig.client("MediaServer").ask(disabled)
    assert isinstance(ack, EventAck)
    taken = rig.client("RoutingEngine").ask(PULL)
    assert taken.interactions[ack.interaction_id]["MediaType"] == "fax"
    agent = rig.client("AgentApplication")
    agent.ask(RequestAgentLogin(tenant_id=1, agent_id="ann"))
    assert agent.ask(disabled).error_code == Code.UNKNOWN_MEDIA_TYPE
