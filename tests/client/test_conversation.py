from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError

from ixproxy import messages as m
from ixproxy.errors import Code, LocalProtocolError, RequestRefused
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.parts import encode_parts
from ixproxy.wire.prefix import Flag, read_frame, with_flags, write_frame
from tests.client.servers import World
from tests.deferreds import failure_of, no_result, result_of

HOLD = m.RequestHold(tenant_id=1, interaction_id="A")
PULL = m.RequestPull(tenant_id=1, view_id="Q/V")
PLACE = m.RequestPlaceInQueue(tenant_id=1, interaction_id="A", queue="Q")
TOOK_A = m.EventPulledInteractions(interactions={"A": {}}, take_numbers={"A": 5})
LEAVE = m.RequestLeaveInteraction(tenant_id=1, interaction_id="A")


def refusal(world: World, awaited: object) -> RequestRefused:
    problem = failure_of(awaited, RequestRefused)  # type: ignore[arg-type]
    assert isinstance(problem, RequestRefused)
    return problem


def test_an_answer_is_the_typed_message_and_reaches_who_asked() -> None:
    world = World()
    client = world.client()
    first, second = client.request(HOLD), client.request(PULL)
    world.rest()
    served = world.server.last
    assert served.requests == [HOLD, PULL]
    served.answer(TOOK_A, -1)
    served.answer(m.EventAck(), -2)
    world.rest()
    assert result_of(first) == m.EventAck()
    assert result_of(second) == TOOK_A
    assert client.holding == {"A": 5}
    assert client.in_flight == 0


def test_a_refusal_has_code_description_and_doubt() -> None:
    world = World()
    client = world.client()
    refused, doubtful = client.request(HOLD), client.request(HOLD)
    world.rest()
    world.server.last.refuse(43, -2)
    world.server.last.refuse(2002, -1, in_doubt=True)
    world.rest()
    problem = refusal(world, refused)
    assert (problem.code, problem.description, problem.in_doubt) == (43, "no", False)
    assert refusal(world, doubtful).in_doubt


def test_the_server_is_told_how_long_the_client_waits() -> None:
    world = World(timeout=7.5)
    client = world.client()
    client.request(HOLD)
    client.request(HOLD, timeout=2).addErrback(lambda _: None)
    world.rest()
    assert [frame.ttl for frame, _ in world.server.last.asked[1:]] == [7500, 2000]


def test_parts_are_joined_and_a_partial_one_makes_a_partial_answer() -> None:
    world = World()
    client = world.client()
    asked = client.ask(m.RequestFindInteractions(tenant_id=1))
    world.rest()
    found = {f"I{number}": {"UserData": {"n": number}} for number in range(50)}
    served = world.server.last
    reference = served.asked[-1][0].reference
    frames = encode_parts(m.EventInteractionsFound(interactions=found), 400, reference=reference)
    assert len(frames) == 3
    partial = read_frame(frames[1]).flags | Flag.PARTIAL
    for number, raw in enumerate(frames):
        served.write(with_flags(raw, partial) if number == 1 else raw)
        if raw is not frames[-1]:
            world.rest()
            asked = no_result(asked)
    world.rest()
    answer = result_of(asked)
    assert answer.message == m.EventInteractionsFound(interactions=found)
    assert answer.partial


def test_an_error_ends_an_answer_in_parts_and_voids_what_came() -> None:
    world = World()
    client = world.client()
    asked = client.request(PULL)
    world.rest()
    world.server.last.answer(TOOK_A, flags=Flag.MORE)
    world.server.last.refuse(2002, in_doubt=True)
    world.rest()
    assert refusal(world, asked).code == 2002
    assert client.holding == {}


def test_a_parted_answer_beyond_its_limit_ends_the_connection() -> None:
    world = World(max_answer=500)
    client = world.client()
    asked = client.request(m.RequestFindInteractions(tenant_id=1))
    world.rest()
    served = world.server.last
    for _ in range(20):
        served.answer(m.EventInteractionsFound(interactions={"A": {"x": 1}}), flags=Flag.MORE)
    world.rest()
    problem = refusal(world, asked)
    assert problem.in_doubt
    assert "exceeds 500 bytes" in problem.description
    assert served.closed


def test_without_an_answer_in_time_the_outcome_is_in_doubt_and_the_server_is_told() -> None:
    world = World()
    client = world.client()
    asked = client.request(HOLD, timeout=3)
    world.clock.run(2.9)
    no_result(asked)
    world.clock.run(0.2)
    problem = refusal(world, asked)
    assert (problem.code, problem.in_doubt) == (Code.LOST_CONNECTION, True)
    served = world.server.last
    assert served.cancelled == [served.asked[-1][0].reference]
    assert client.in_flight == 1
    served.refuse(Code.CANCELLED)
    world.rest()
    assert client.in_flight == 0


def test_a_cancelled_request_is_cancelled_at_the_server() -> None:
    world = World()
    client = world.client()
    asked = client.request(HOLD)
    world.rest()
    asked.cancel()
    world.rest()
    failure_of(asked, CancelledError)
    assert world.server.last.cancelled == [world.server.last.asked[-1][0].reference]


def test_what_a_late_answer_hands_over_is_left_and_never_held() -> None:
    world = World()
    client = world.client()
    asked = client.request(PULL, timeout=1)
    world.clock.run(2)
    refusal(world, asked)
    world.server.last.answer(TOOK_A)
    world.rest()
    assert client.holding == {}
    assert world.server.last.requests[-1] == LEAVE
    world.server.last.answer(m.EventAck())
    world.rest()
    assert client.in_flight == 0


def test_what_was_ended_before_the_answer_that_hands_it_over_came_is_not_held() -> None:
    world = World()
    client = world.client()
    pulled = client.request(PULL)
    stopped = client.request(m.RequestStopProcessing(tenant_id=1, interaction_id="A"))
    world.rest()
    world.server.last.answer(m.EventAck())
    world.rest()
    result_of(stopped)
    world.server.last.answer(m.EventPulledInteractions(take_numbers={"A": 5, "B": 6}), -2)
    world.rest()
    result_of(pulled)
    assert client.holding == {"B": 6}
    assert world.server.last.requests[-1] == LEAVE, "it may be another with that id"
    again = client.request(PULL)
    world.rest()
    world.server.last.answer(TOOK_A)
    world.rest()
    result_of(again)
    assert client.holding == {"A": 5, "B": 6}, "it came back under the same id"


def test_a_late_answer_to_a_give_back_still_ends_the_holding() -> None:
    world = World()
    client = world.client(holding={"A": 5})
    asked = client.request(PLACE, timeout=1)
    world.clock.run(2)
    refusal(world, asked)
    assert client.holding == {"A": 5}
    assert client.doubtful == {"A"}
    world.server.last.answer(m.EventAck())
    world.rest()
    assert client.holding == {}


def test_what_is_taken_anew_on_its_way_back_and_goes_by_it_is_revoked_here() -> None:
    world = World()
    client = world.client()
    asked = client.request(PULL, timeout=1)
    world.clock.run(2)
    refusal(world, asked)
    world.server.last.answer(TOOK_A)
    world.rest()
    world.server.last.refuse(2002, in_doubt=True)
    world.clock.run(1.5)
    assert world.server.last.requests[-2:] == [LEAVE, LEAVE]
    again = client.request(PULL)
    world.rest()
    world.server.last.answer(m.EventPulledInteractions(take_numbers={"A": 9}), -1)
    world.rest()
    result_of(again)
    assert client.holding == {"A": 9}
    world.server.last.answer(m.EventAck(), -2)
    world.rest()
    assert client.holding == {}
    [event] = world.events
    assert isinstance(event, m.EventRevoked)
    assert event.interaction_id == "A"
    assert event.reason is not None
    assert event.reason.reason_system_name == "NotHeld"


def test_one_request_too_many_is_busy_and_nothing_is_sent() -> None:
    world = World(max_in_flight=2)
    client = world.client()
    for _ in range(2):
        client.request(HOLD).addErrback(lambda _: None)
    problem = refusal(world, client.request(HOLD))
    assert (problem.code, problem.in_doubt) == (Code.BUSY, False)
    world.rest()
    assert len(world.server.last.requests) == 2


def test_a_message_that_cannot_be_encoded_fails_by_itself() -> None:
    world = World()
    client = world.client()
    wrong = m.RequestHold(tenant_id=1, interaction_id="x" * 300)
    failure_of(client.request(wrong), LocalProtocolError)
    assert client.in_flight == 0


def test_a_request_longer_than_the_server_takes_is_refused_here() -> None:
    world = World()
    world.server.facts = m.ServerFacts(name="small", max_frame=1000)
    client = world.client()
    problem = refusal(world, client.request(m.RequestSubmit(user_data={"x": "y" * 2000})))
    assert problem.code == Code.TOO_LARGE
    assert client.connected
    assert client.in_flight == 0


def test_a_request_without_reply_is_sent_with_its_flag_and_leaves_a_give_back_listed() -> None:
    world = World()
    client = world.client(holding={"A": 5})
    client.send(PLACE)
    world.rest()
    frame, request = world.server.last.asked[-1]
    assert (request, frame.flags, frame.reference) == (PLACE, Flag.NO_REPLY, 0)
    assert client.holding == {"A": 5}
    assert client.in_flight == 0


def test_a_submit_with_a_receipt_says_so_in_its_prefix() -> None:
    world = World()
    client = world.client()
    client.request(m.RequestSubmit(tenant_id=1, media_type="email", queue="Q"))
    client.request(m.RequestSubmit(tenant_id=1, media_type="email", queue="Q", submit_receipt="R"))
    world.rest()
    assert [frame.flags for frame, _ in world.server.last.asked[1:]] == [0, Flag.RECEIPT]


def test_a_request_without_reply_needs_a_connection() -> None:
    world = World()
    client = world.client()
    world.lose()
    with pytest.raises(RequestRefused, match="Not connected"):
        client.send(HOLD)


def test_events_reach_the_callbacks_in_order_and_a_revoke_ends_a_holding() -> None:
    world = World()
    client = world.client(holding={"A": 5})
    events = [
        m.EventPropertiesChanged(tenant_id=1, interaction_id="A", event_number=7),
        m.EventRevoked(tenant_id=1, interaction_id="A", event_number=8),
    ]
    for event in events:
        world.server.last.write(encode(event))
    world.rest()
    assert world.events == events
    assert client.holding == {}


def test_an_event_of_a_newer_server_is_passed_over() -> None:
    world = World()
    client = world.client()
    world.server.last.write(write_frame(Kind.EVENT, 1999))
    world.rest()
    assert client.connected
    assert world.events == []


@pytest.mark.parametrize(
    "nonsense",
    [
        write_frame(Kind.EVENT, 1101, client=7),
        write_frame(Kind.REQUEST, 40),
        write_frame(Kind.EVENT, 1101, body=b"\x01"),
        b"GET / HTTP/1.1\r\n\r\n",
        write_frame(Kind.EVENT, 1101, body=b"\x80" + bytes(1 << 20)),
    ],
)
def test_a_server_that_breaks_the_protocol_is_left(nonsense: bytes) -> None:
    world = World()
    client = world.client()
    asked = client.request(HOLD)
    world.rest()
    world.server.last.write(nonsense)
    world.rest()
    assert refusal(world, asked).in_doubt
    assert not client.connected
    assert world.server.last.closed


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda reference: write_frame(Kind.REPLY, 1000, reference=reference, body=b"\x01"),
        lambda reference: write_frame(Kind.REPLY, 999, reference=reference),
        lambda reference: write_frame(Kind.ERROR, 1000, reference=reference),
    ],
)
def test_an_answer_that_makes_no_sense_ends_the_connection_so_that_nothing_is_lost(
    nonsense: object,
) -> None:
    world = World()
    client = world.client()
    asked = client.request(PULL)
    world.rest()
    assert callable(nonsense)
    world.server.last.write(nonsense(world.server.last.asked[-1][0].reference))
    world.rest()
    assert refusal(world, asked).in_doubt
    assert world.server.last.closed


def test_an_answer_to_nothing_is_passed_over() -> None:
    world = World()
    client = world.client()
    world.server.last.write(encode(m.EventAck(), reference=77))
    world.server.last.write(encode(m.EventError(error_code=3004)))
    world.rest()
    assert client.connected


def test_a_ping_is_answered_and_a_pong_is_no_news() -> None:
    world = World()
    client = world.client()
    world.server.last.write(write_frame(Kind.PING, 0))
    world.server.last.write(write_frame(Kind.PONG, 0))
    world.rest()
    assert world.server.last.pongs == 1
    assert client.connected
