"""The fast path puts out the same bytes as the slow one, whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ixproxy.core.forwarding import PLANS, SLOW_EVENTS
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventPropertiesChanged,
    EventPulledInteractions,
    EventRevoked,
    RequestAccept,
    RequestChangeProperties,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestPlaceInQueue,
    RequestPull,
    RequestStopProcessing,
    RequestSubmit,
)
from ixproxy.messages.message import Message
from ixproxy.wire.codec import encode
from ixproxy.wire.names import BY_CODE, Kind
from ixproxy.wire.prefix import Flag, read_frame, readdress, write_frame
from tests.core.rig import EAST, NODES, NORTH, TENANT, WEST, Rig, only

IDS = ("a", "b", "c", "münze")
WHERE = (EAST, NORTH, WEST)


def request(kind: int, identifier: str) -> Message:
    named: Any = {"tenant_id": TENANT, "interaction_id": identifier}
    return (
        RequestGetInteractionProperties(**named),
        RequestChangeProperties(**named, changed_properties={"k": identifier}),
        RequestStopProcessing(**named),
        RequestPlaceInQueue(**named, queue="Q1"),
        RequestPlaceInQueue(**named),
        RequestAccept(**named, ticket_id=3),
        RequestSubmit(tenant_id=TENANT, media_type="email", queue="Q1", interaction_id=identifier),
        RequestPull(tenant_id=TENANT, view_id="Q1/All"),
        RequestFindInteractions(tenant_id=TENANT, condition="Priority > 1"),
        RequestGetInteractionProperties(tenant_id=9, interaction_id=identifier),
    )[kind]


ASK = st.tuples(
    st.just("ask"),
    st.integers(0, 1),
    st.integers(0, 9),
    st.sampled_from(IDS),
    st.sampled_from([0, 0, 0, 500, 5000]),
    st.sampled_from([0, 0, 0, Flag.NO_REPLY, Flag.TRACED]),
)
ANSWER = st.tuples(
    st.just("answer"),
    st.integers(0, 2),
    st.integers(0, 3),
    st.sampled_from(["ok", "ok", "ok", "unknown", "refuse", "part", "take"]),
)
EVENT = st.tuples(
    st.just("event"), st.integers(0, 2), st.integers(0, 3), st.booleans(), st.sampled_from(IDS)
)
OTHER = st.tuples(st.sampled_from(["tick", "lose", "link", "hang up", "cancel"]), st.integers(0, 2))
SCRIPTS = st.lists(st.one_of(ASK, ASK, ANSWER, ANSWER, EVENT, OTHER), max_size=60)


class Played:
    """One run of a script: everything that went out, in order."""

    def __init__(self, *, fast_path: bool) -> None:
        self.rig = Rig(fast_path=fast_path, max_pending_per_client=8)
        self.peers = [self.rig.client(), self.rig.client()]
        self.owed: dict[Any, list[Any]] = {node: [] for node in WHERE}
        self.transcript: list[Any] = []
        for node, identifier in zip(WHERE, IDS, strict=False):
            self.rig.core.state.owners.confirm(identifier.encode(), node)
        for client in self.rig.core.state.clients:
            client.holding = dict.fromkeys(IDS, (1, None))
        self.references: list[int] = []
        self.answered: list[tuple[int, int]] = []

    def collect(self) -> None:
        for node in WHERE:
            for frame in self.rig.sent(node):
                self.transcript.append((node, frame.raw))
                if frame.kind == Kind.REQUEST and frame.reference:
                    self.owed[node].append(frame)
        for peer in self.peers:
            for frame in self.rig.got_frames(peer):
                self.transcript.append((peer, frame.raw))
                if frame.kind in (Kind.REPLY, Kind.ERROR) and not frame.flags & Flag.MORE:
                    self.answered.append((peer, frame.reference))

    def do(self, action: tuple[Any, ...]) -> None:
        getattr(self, action[0].replace(" ", "_"))(*action[1:])
        self.collect()

    def ask(self, peer: int, kind: int, identifier: str, ttl: int, flags: int) -> None:
        number = self.peers[peer]
        if number in self.rig.core.state.clients.peers:
            reference = self.rig.ask(number, request(kind, identifier), ttl=ttl, flags=flags)
            if not flags & Flag.NO_REPLY:
                self.references.append(reference)

    def answer(self, node: int, which: int, how: str) -> None:
        owed = self.owed[WHERE[node]]
        if which >= len(owed) or not self.rig.core.link(WHERE[node]).linked:
            return
        frame = owed[which] if how == "part" else owed.pop(which)
        row = BY_CODE[frame.name]
        answers: dict[str, Message] = {"EventPulledInteractions": EventPulledInteractions()}
        if how == "take":
            answers["EventPulledInteractions"] = EventPulledInteractions(
                interactions={"a": {}}, take_numbers={"a": 4}
            )
        answer = answers.get(row.answer, EventAck(take_number=5 if how == "take" else 0))
        if how in ("unknown", "refuse"):
            code = Code.UNKNOWN_INTERACTION if how == "unknown" else Code.STORE_FAILED
            self.rig.refuse(WHERE[node], frame, code)
        else:
            flags = Flag.MORE if how == "part" else 0
            self.rig.answer(WHERE[node], frame, answer, flags=flags)

    def event(self, node: int, number: int, revokes: bool, identifier: str) -> None:
        event = EventRevoked if revokes else EventPropertiesChanged
        message = event(tenant_id=TENANT, media_type="email", interaction_id=identifier)
        if self.rig.core.link(WHERE[node]).linked:
            self.rig.from_node(WHERE[node], encode(message, client=number))

    def tick(self, quarters: int) -> None:
        self.rig.tick(quarters * 6.0 + 0.25)

    def lose(self, node: int) -> None:
        self.owed[WHERE[node]].clear()
        self.rig.lose(WHERE[node])

    def link(self, node: int) -> None:
        if self.rig.core.link(WHERE[node]).state.value == "down":
            self.rig.link(WHERE[node])

    def hang_up(self, which: int) -> None:
        if which == 2:
            self.rig.hang_up(self.peers[0])

    def cancel(self, peer: int) -> None:
        number = self.peers[peer % 2]
        if self.references and number in self.rig.core.state.clients.peers:
            raw = write_frame(Kind.CANCEL, 0, reference=self.references[-1])
            self.rig.raw(number, raw)


def play(script: list[tuple[Any, ...]], *, fast_path: bool) -> Played:
    played = Played(fast_path=fast_path)
    for action in script:
        played.do(action)
    return played


@settings(max_examples=300, deadline=None)
@given(SCRIPTS)
def test_fast_path_on_and_off_put_out_identical_bytes(script: list[tuple[Any, ...]]) -> None:
    fast, slow = play(script, fast_path=True), play(script, fast_path=False)
    assert fast.transcript == slow.transcript
    for one, other in zip(fast.rig.core.state.clients, slow.rig.core.state.clients, strict=True):
        assert one.holding == other.holding
        assert one.inflight.keys() == other.inflight.keys()


@settings(max_examples=200, deadline=None)
@given(SCRIPTS, st.booleans())
def test_every_request_is_answered_once_and_no_table_grows(
    script: list[tuple[Any, ...]], fast_path: bool
) -> None:
    played = play(script, fast_path=fast_path)
    for _ in range(6):
        played.rig.tick(31.0)
        played.collect()
    assert len(played.answered) == len(set(played.answered))
    gone = played.peers[0] not in played.rig.core.state.clients.peers
    if not gone:
        assert {reference for _, reference in played.answered} == set(played.references)
    for node in WHERE:
        played.lose(WHERE.index(node))
    state = played.rig.core.state
    assert all(not client.inflight for client in state.clients)
    assert all(not link.pending.count for link in state.links.values())
    assert not played.rig.core._locator.in_flight


def test_a_known_owners_request_is_forwarded_by_eight_bytes() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", NORTH)
    message = RequestChangeProperties(
        tenant_id=TENANT, interaction_id="a", changed_properties={"unknown to us": [1, 2]}
    )
    raw = encode(message, reference=77)
    rig.raw(peer, raw)
    frame = only(rig.sent(NORTH))
    assert readdress(frame.raw, 0, 77) == raw
    reply = encode(EventAck(interaction_id="a"), client=frame.client, reference=frame.reference)
    rig.from_node(NORTH, reply)
    assert only(rig.got_frames(peer)).raw == readdress(reply, 0, 77)


def test_codes_of_nodes_pass_unchanged_with_each_clients_own_reference() -> None:
    """Test idea 12: many clients use the same reference at the same time."""
    rig = Rig()
    peers = [rig.client() for _ in range(5)]
    rig.core.state.owners.confirm(b"a", EAST)
    for peer in peers:
        rig.ask(peer, request(0, "a"), reference=7)
    frames = rig.sent(EAST)
    assert len({frame.reference for frame in frames}) == 5
    for number, frame in reversed(list(enumerate(frames))):
        rig.refuse(EAST, frame, 3040 + number)
    for number, peer in enumerate(peers):
        frame = only(rig.got_frames(peer))
        assert frame.reference == 7
        assert read_frame(frame.raw).kind == Kind.ERROR
        rig.to_peer[peer].append(frame)
        assert only(rig.got(peer)).error_code == 3040 + number


def test_the_fast_path_is_for_by_id_requests_only() -> None:
    names = {BY_CODE[code].name for code in PLANS}
    assert "RequestChangeProperties" in names
    assert names.isdisjoint({"RequestSubmit", "RequestPull", "RequestAccept", "RequestAgentLogin"})
    assert {BY_CODE[code].name for code in SLOW_EVENTS} == {
        "EventRevoked",
        "EventAbandoned",
        "EventForcedAgentStateChange",
    }


def test_the_rig_has_enough_nodes() -> None:
    assert set(WHERE) <= set(NODES)


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("event", [False, True])
def test_no_path_hands_on_a_prefix_that_lies(fast_path: bool, event: bool) -> None:
    rig = Rig(fast_path=fast_path)
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, request(0, "a"))
    frame = only(rig.sent(EAST))
    if event:
        raw = encode(EventPropertiesChanged(tenant_id=TENANT, interaction_id="b"), client=1)
    else:
        raw = encode(EventAck(), client=frame.client, reference=frame.reference)
    lying = raw[:26] + b"\xff" + raw[27:]
    rig.from_node(EAST, lying)
    assert not rig.core.link(EAST).linked
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    assert len(rig.core.state.owners) == 1
    rig.link(EAST)
    rig.from_node(EAST, write_frame(Kind.EVENT, 1102, client=2, interaction=b"\xff\xfe"))
    assert not rig.core.link(EAST).linked
    assert not rig.got(peer)
