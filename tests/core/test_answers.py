"""What comes back from nodes: answers, parts, events, and what makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.effects import Note, ResetLink
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionProperties,
    EventInteractionsFound,
    EventNodeLoad,
    EventPing,
    EventPropertiesChanged,
    EventPulledInteractions,
    EventRevoked,
    RequestAccept,
    RequestAddMedia,
    RequestAgentLogin,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestPull,
    RequestRegisterClient,
    RequestSubmit,
)
from ixproxy.messages.message import Message
from ixproxy.values import NodeName, rendezvous
from ixproxy.wire.codec import encode
from ixproxy.wire.names import BY_MESSAGE, BY_NAME, Kind
from ixproxy.wire.prefix import Flag, Frame, write_frame
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

NAMED: Any = {"tenant_id": TENANT, "interaction_id": "a"}
AGENT: Any = {"tenant_id": TENANT, "agent_id": "ann"}
HOME = rendezvous(f"{TENANT}/ann", (EAST, NORTH, WEST))[0]

COLLECTED: list[Message] = [
    RequestPull(tenant_id=TENANT, view_id="In/All"),
    RequestPull(tenant_id=TENANT, view_id="_system_", pull_parameters={"a": 1}),
    RequestFindInteractions(tenant_id=TENANT, condition="x = 1"),
    RequestSubmit(tenant_id=TENANT, media_type="email", queue="Q1", interaction_id="new"),
    RequestAccept(**NAMED, ticket_id=3),
    RequestAgentLogin(**AGENT),
    RequestAddMedia(**AGENT, media_type_name="email"),
]
"""A request of every kind whose answer is looked into."""


def broken(node: NodeName, frame: Frame, rig: Rig) -> None:
    """The right answer by name, with a body that is none."""
    name = BY_NAME[BY_MESSAGE[type(decode(frame))].answer].code
    address: Any = {"client": frame.client, "reference": frame.reference}
    rig.from_node(node, write_frame(Kind.REPLY, name, body=b"\x81\xa1k", **address))


def foreign(node: NodeName, frame: Frame, rig: Rig) -> None:
    """A whole answer, but to another request."""
    rig.answer(node, frame, EventPing())


def resets(rig: Rig) -> list[NodeName]:
    return [effect.node for effect in rig.effects if isinstance(effect, ResetLink)]


def asked(rig: Rig) -> NodeName:
    return next(node for node, frames in rig.to_node.items() if frames)


@pytest.mark.parametrize("say", [broken, foreign])
@pytest.mark.parametrize("request_", COLLECTED, ids=lambda r: type(r).__name__)
def test_an_answer_that_makes_no_sense_breaks_the_link_and_is_in_doubt_for_who_asked(
    request_: Message, say: Callable[[NodeName, Frame, Rig], None]
) -> None:
    rig = Rig()
    peer, other = rig.client(), rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    reference = rig.ask(peer, request_)
    node = asked(rig)
    say(node, rig.sent(node)[0], rig)
    assert resets(rig) == [node]
    assert any(isinstance(effect, Note) and effect.level == "error" for effect in rig.effects)
    assert not rig.core.link(node).linked, "nothing more goes there"
    for each in rig.to_node:
        for frame in rig.sent(each):
            rig.answer(each, frame, EventInteractionsFound())
    frame = only(rig.got_frames(peer))
    assert frame.reference == reference
    assert decode(frame).error_code == Code.LOST_CONNECTION
    assert not rig.got(other), "it is nothing to others"
    assert not rig.core._agents.busy
    assert not rig.core._locator.in_flight
    rig.link(node)
    assert rig.core.link(node).linked


def test_a_node_that_locates_nonsense_counts_as_unsure() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestGetInteractionProperties(**NAMED))
    foreign(EAST, only(rig.sent(EAST)), rig)
    rig.located(NORTH, found=False)
    assert not rig.got(peer)
    rig.located(WEST, found=False)
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


@pytest.mark.parametrize("say", [broken, foreign])
def test_a_node_that_registers_clients_with_nonsense_keeps_nobody_waiting(
    say: Callable[[NodeName, Frame, Rig], None],
) -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, RequestRegisterClient(client_name="x", client_type="MediaServer"))
    say(EAST, only(rig.sent(EAST)), rig)
    rig.accept(NORTH)
    rig.accept(WEST)
    assert isinstance(only(rig.got(peer)), EventAck)
    assert resets(rig) == [EAST]


@pytest.mark.parametrize("kind", [Kind.REQUEST, Kind.CANCEL])
def test_a_node_asks_nothing(kind: Kind) -> None:
    rig = Rig()
    rig.from_node(EAST, write_frame(kind, 44, reference=5))
    assert resets(rig) == [EAST]


def test_an_answer_to_nobody_is_counted_and_forgotten() -> None:
    rig = Rig()
    rig.from_node(EAST, encode(EventAck(), reference=4444))
    assert rig.core.state.counters["late answers"] == 1
    assert not resets(rig)


def test_a_part_without_end_breaks_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.answers.MAX_PARTS_BYTES", 100)
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="In/All"))
    node = asked(rig)
    frame = only(rig.sent(node))
    part = EventPulledInteractions(interactions={"a": {"x": "y" * 60}}, take_numbers={"a": 1})
    rig.answer(node, frame, part, flags=Flag.MORE)
    assert not resets(rig)
    rig.answer(node, frame, part, flags=Flag.MORE)
    assert resets(rig) == [node]
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION


def test_an_error_ends_a_parted_answer_and_voids_its_parts() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestPull(tenant_id=TENANT, view_id="_system_", pull_parameters={"a": 1}))
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=node == EAST)
    frame = only(rig.sent(EAST))
    part = EventPulledInteractions(interactions={"a": {}}, take_numbers={"a": 1})
    rig.answer(EAST, frame, part, flags=Flag.MORE)
    rig.refuse(EAST, frame, Code.STORE_FAILED)
    assert only(rig.got(peer)).error_code == Code.STORE_FAILED
    assert only(list(rig.core.state.clients)).holding == {}


def test_parts_of_a_forwarded_answer_pass_as_they_come() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    reference = rig.ask(peer, RequestGetInteractionProperties(**NAMED))
    frame = only(rig.sent(EAST))
    for flags in (Flag.MORE, Flag(0)):
        rig.answer(EAST, frame, EventInteractionProperties(interaction_id="a"), flags=flags)
        got = only(rig.got_frames(peer))
        assert (got.reference, got.flags & Flag.MORE) == (reference, flags)
    assert not rig.core.link(EAST).pending.count


def test_what_does_not_fit_the_clients_hop_is_one_error_whatever_follows() -> None:
    rig = Rig(min_peer_frame=1000)
    peer = rig.client(max_frame=1000)
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, RequestGetInteractionProperties(**NAMED))
    frame = only(rig.sent(EAST))
    long = EventInteractionProperties(interaction_id="a", extension={"x": "y" * 2000})
    rig.answer(EAST, frame, long, flags=Flag.MORE)
    assert only(rig.got(peer)).error_code == Code.TOO_LARGE
    rig.answer(EAST, frame, long, flags=Flag.MORE)
    rig.answer(EAST, frame, EventInteractionProperties(interaction_id="a"))
    assert not rig.got(peer)
    assert not rig.core.link(EAST).pending.count
    assert not only(list(rig.core.state.clients)).inflight


def test_events_find_their_client_and_name_the_owner() -> None:
    rig = Rig()
    peer, other = rig.client(), rig.client()
    rig.from_node(EAST, encode(EventPropertiesChanged(**NAMED), client=1))
    assert only(rig.got(peer)) == EventPropertiesChanged(**NAMED)
    assert not rig.got(other)
    assert rig.core.state.owners.of(b"a") == EAST
    rig.from_node(EAST, encode(EventPropertiesChanged(**NAMED), client=99))
    assert rig.core.state.counters["events for nobody"] == 1


@pytest.mark.parametrize("fast_path", [True, False])
def test_an_event_too_long_for_its_clients_hop_still_says_what_it_is_about(fast_path: bool) -> None:
    rig = Rig(min_peer_frame=1000, fast_path=fast_path)
    peer = rig.client(max_frame=1000)
    properties = {"Queue": "In", "UserData": {"k": "x" * 2000}}
    event = EventPropertiesChanged(**NAMED, interaction=properties, event_number=7)
    rig.from_node(EAST, encode(event, client=1))
    assert only(rig.got(peer)) == EventPropertiesChanged(
        **NAMED, interaction={"Queue": "In"}, event_number=7, extension={"Shortened": 1}
    )
    endless = EventPropertiesChanged(**NAMED, interaction={"Queue": "x" * 2000})
    rig.from_node(EAST, encode(endless, client=1))
    rig.from_node(EAST, write_frame(Kind.EVENT, 1999, client=1, body=b"\xc6" + bytes(2000)))
    assert not rig.got(peer)
    assert rig.core.state.counters["events too long"] == 2
    assert rig.core.link(EAST).linked


def test_a_revoked_interaction_is_held_no_more() -> None:
    rig = Rig()
    peer = rig.client()
    client = only(list(rig.core.state.clients))
    client.took("a", 4, EAST)
    rig.from_node(EAST, encode(EventRevoked(**NAMED), client=1))
    assert client.holding == {}
    assert isinstance(only(rig.got(peer)), EventRevoked)


def test_a_revoked_invitation_leaves_what_is_held() -> None:
    rig = Rig()
    peer = rig.client()
    client = only(list(rig.core.state.clients))
    client.took("a", 4, EAST)
    rig.from_node(EAST, encode(EventRevoked(**NAMED, ticket_id=7), client=1))
    assert client.holding == {"a": (4, EAST)}
    assert isinstance(only(rig.got(peer)), EventRevoked)


def test_load_facts_replace_each_other() -> None:
    rig = Rig()
    event = EventNodeLoad(queues={TENANT: {"Q1": 5}}, media_types={2: ["chat"]})
    rig.from_node(EAST, encode(event))
    loads = rig.core.link(EAST).loads
    assert loads[TENANT].backlog == 5
    assert loads[2].media_types == {"chat"}
    rig.from_node(EAST, encode(EventNodeLoad(views={TENANT: {"Q1/All": 1}})))
    assert rig.core.link(EAST).loads.keys() == {TENANT}
    body = b"\x81\xa6Queues\x05"
    rig.from_node(EAST, write_frame(Kind.EVENT, BY_MESSAGE[EventNodeLoad].code, body=body))
    assert resets(rig) == [EAST]
