"""How the proxy asks, answers and refuses."""

from __future__ import annotations

from collections import Counter

import pytest

from ixproxy.core.routing import BY_CODE as ROUTE_BY_CODE
from ixproxy.core.routing import Route
from ixproxy.core.state import UNHEARD, decode_body, error_code
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionsFound,
    EventPulledInteractions,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestPlaceInQueue,
    RequestPull,
    RequestReleaseSnapshot,
    RequestStopProcessing,
    RequestSubscribe,
    RequestUnsubscribe,
)
from ixproxy.messages.message import Request
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, read_frame
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.storm import Storm
from tests.core.storm_words import ASKED

KEY = "InternalRequestReason"
STOP = RequestStopProcessing(tenant_id=TENANT, interaction_id="a")
PROPERTIES = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")


def internal(rig: Rig) -> list[Request]:
    """Everything that nodes were sent and no client asked for."""
    asked = []
    for node in (EAST, NORTH, WEST):
        for frame in rig.sent(node):
            if frame.kind == Kind.REQUEST:
                asked.append(decode(frame))
    return asked


def play(rig: Rig) -> list[Request]:
    """A client comes, locates, pulls, times out and goes: the proxy asks much itself."""
    seen: list[Request] = []
    for node in (EAST, NORTH, WEST):
        rig.core.node_lost(node, rig.now)
        rig.core.node_connected(node, rig.now)
    rig.pump()
    seen += [decode(f) for n in rig.to_node for f in rig.to_node[n] if f.kind == Kind.REQUEST]
    for node in rig.to_node:
        rig.accept(node)
    peer = rig.client()
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a"))
    seen += internal(rig)
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="Q1/All"))
    frame = next(f for n in rig.to_node for f in rig.to_node[n])
    node = next(n for n in rig.to_node if rig.to_node[n])
    rig.sent(node)
    rig.tick(31.0)
    internal(rig)
    rig.answer(node, frame, EventPulledInteractions(interactions={"b": {}}, take_numbers={"b": 1}))
    seen += internal(rig)
    rig.hang_up(peer)
    seen += internal(rig)
    return seen


def test_requests_of_the_proxys_own_are_marked_when_that_is_wanted() -> None:
    """Test idea 62: every proxy-made request carries the reason."""
    asked = play(Rig(mark_internal_requests=True))
    assert len({type(each) for each in asked}) >= 4
    assert all(each.extension.get(KEY) for each in asked), asked


def test_and_never_when_it_is_not_nor_do_clients_ever_see_it() -> None:
    """Test idea 62, the other half."""
    assert not [each for each in play(Rig()) if KEY in each.extension]
    rig = Rig(mark_internal_requests=True)
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    message = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")
    rig.ask(peer, message)
    frame = only(rig.sent(EAST))
    assert decode(frame) == message, "a client's own request is not marked"
    rig.answer(EAST, frame, EventAck())
    assert only(rig.got(peer)).extension == {}


OWN = {Route.AGENT, Route.INTERNAL, Route.LOCAL}
"""What the proxy asks nodes itself; whatever else they are asked came from a client."""
OWN_TOPICS = (RequestSubscribe, RequestUnsubscribe)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("marking", [True, False])
def test_in_a_storm_the_proxys_requests_are_marked_and_no_others(seed: int, marking: bool) -> None:
    """Test idea 62: every proxy-made request and never another, and clients see none of it."""
    storm = Storm(seed, fast_path=bool(seed % 2), mark_internal_requests=marking)
    storm.blow(1000)
    storm.calm()
    marked: Counter[bool] = Counter()
    for where, raw in storm.transcript:
        frame = read_frame(raw)
        if frame.kind != Kind.REQUEST or not isinstance(where, str):
            assert KEY.encode() not in raw, "a client is told"
            continue
        message = decode(frame)
        own = ROUTE_BY_CODE[frame.name].route in OWN or isinstance(message, OWN_TOPICS)
        own = own or (
            isinstance(message, RequestReleaseSnapshot) and ASKED not in message.extension
        )
        assert bool(message.extension.get(KEY)) is (own and marking), message
        marked[own] += 1
    assert marked[False] >= 5
    assert marked[True] >= 5


def test_an_answer_too_long_for_the_clients_hop_is_split_again() -> None:
    rig = Rig()
    peer = rig.client(max_frame=200_000)
    rig.ask(peer, RequestFindInteractions(tenant_id=TENANT))
    for number, node in enumerate((EAST, NORTH, WEST)):
        found = {f"{number}-{each}": {"Text": "x" * 50_000} for each in range(4)}
        rig.answer(node, only(rig.sent(node)), EventInteractionsFound(interactions=found))
    frames = rig.got_frames(peer)
    assert len(frames) > 1
    assert all(len(frame.raw) - 4 <= 200_000 for frame in frames)
    assert [bool(frame.flags & Flag.MORE) for frame in frames] == [True] * (len(frames) - 1) + [
        False
    ]
    assert sum(len(decode(frame).interactions) for frame in frames) == 12


def test_an_answer_that_cannot_be_divided_is_an_error_of_its_own() -> None:
    rig = Rig()
    peer = rig.client(max_frame=200_000)
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a"))
    big = EventAck(extension={"x": "y" * 300_000})
    rig.answer(EAST, only(rig.sent(EAST)), big)
    assert only(rig.got(peer)).error_code == Code.TOO_LARGE
    assert not only(list(rig.core.state.clients)).inflight


def test_what_is_given_back_without_waiting_is_followed_all_the_same() -> None:
    rig = Rig()
    peer = rig.client(session=b"s" * 16, holding={"a": 1})
    rig.core.state.owners.confirm(b"a", EAST)
    message = RequestPlaceInQueue(tenant_id=TENANT, interaction_id="a", queue="Q1")
    rig.ask(peer, message, flags=Flag.NO_REPLY)
    frame = only(rig.sent(EAST))
    assert not frame.flags & Flag.NO_REPLY
    rig.answer(EAST, frame, EventAck())
    assert not rig.got(peer)
    assert "a" not in only(list(rig.core.state.clients)).holding


def test_codes_and_joined_bodies_are_read_from_frames() -> None:
    assert error_code(read_frame(error_frame(Code.BUSY))) == Code.BUSY
    assert error_code(read_frame(encode(EventAck()))) == Code.INTERNAL
    frame = read_frame(encode(EventInteractionsFound(interactions={"a": {}})))
    other = read_frame(encode(EventInteractionsFound(interactions={"b": {}}))).body
    assert decode_body(frame, other) == EventInteractionsFound(interactions={"b": {}})


def test_answers_that_do_not_matter_change_nothing() -> None:
    rig = Rig()
    link = rig.core.link(EAST)
    frame = read_frame(encode(EventAck()))
    UNHEARD.answered(link, None, frame, b"")  # type: ignore[arg-type]
    UNHEARD.lost(link, None)  # type: ignore[arg-type]
    rig.pump()
    assert not any(rig.to_node.values())


@pytest.mark.parametrize("through", [STOP, PROPERTIES], ids=["gives back", "reads"])
def test_a_proxy_believes_like_its_client_that_what_is_unknown_was_stopped_after_all(
    through: Request,
) -> None:
    """An upstream proxy did not wait for its node, and nobody heard the answer that came then."""
    rig = Rig()
    peer = rig.client()
    client = rig.core.state.clients.peers[peer].clients[0]
    client.took("a", 3, EAST)
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, through)
    rig.refuse(EAST, only(rig.sent(EAST)), Code.LOST_CONNECTION)
    rig.ask(peer, PROPERTIES)
    rig.refuse(EAST, only(rig.sent(EAST)), Code.UNKNOWN_INTERACTION)
    assert bool(client.holding) == (through is PROPERTIES)
