"""Whatever happens to what waits: it is answered once, in order, in time, and counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestChangeProperties,
    RequestSubmit,
)
from ixproxy.messages.message import Message
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, Frame, write_frame
from tests.core.parked import changed
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, facts

WHERE = (EAST, NORTH, WEST)
IDS = {"a": EAST, "b": EAST, "w": WEST}
WINDOWS = (0.0, 3.0, 10.0)
TICK = 0.25
NOTHING_DONE = {
    int(code)
    for code in (
        Code.NOT_ACCESSIBLE,
        Code.EXPIRED,
        Code.BUSY,
        Code.CANCELLED,
        Code.RECEIPT_HOME_UNAVAILABLE,
    )
}

ASK = st.tuples(
    st.just("ask"),
    st.integers(0, 1),
    st.sampled_from([*IDS, "a", "b", "submit"]),
    st.sampled_from([0, 0, 0, 700, 4000]),
    st.sampled_from([0, 0, 0, Flag.NO_REPLY]),
)
LINK = st.tuples(st.sampled_from(["lose", "lose", "link", "link", "connect"]), st.integers(0, 2))
OTHER = st.one_of(
    st.tuples(st.just("tick"), st.integers(1, 20)),
    st.tuples(st.just("tick"), st.integers(1, 4)),
    st.tuples(st.just("answer"), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("hang_up"), st.integers(0, 4)),
    st.tuples(st.just("fill"), st.booleans()),
    st.tuples(st.just("change"), st.sampled_from(WINDOWS), st.integers(1, 8), st.integers(1, 9)),
    st.tuples(st.just("deploy"), st.sampled_from([0, 101, 101, 999])),
)
ANY = st.one_of(ASK, ASK, ASK, LINK, OTHER)
EPISODE = st.tuples(
    st.just([("lose", 0)]),
    st.lists(ASK, min_size=2, max_size=9),
    st.lists(OTHER, max_size=3),
    st.just([("link", 0)]),
    st.lists(ANY, max_size=12),
)
"""A node goes, some wait for it, it comes back; and whatever else happens."""
SCRIPTS = st.lists(EPISODE, min_size=1, max_size=4).map(
    lambda episodes: [action for episode in episodes for part in episode for action in part]
)


class Played:
    """One run of a script, looked at after each of its actions."""

    def __init__(self, *, fast_path: bool) -> None:
        self.rig = Rig(
            fast_path=fast_path,
            parking_window=3.0,
            parking_rate=4,
            max_parked_per_node=6,
            max_parked=8,
            max_parked_size=900,
            max_pending_per_node=6,
            max_pending_per_client=20,
            request_timeout=8.0,
        )
        self.peers = [self.rig.client("MediaServer", client_name="mail") for _ in range(2)]
        self.gone: set[int] = set()
        self.asked: dict[int, tuple[int, str, bool]] = {}
        """Tag of each request to its sender, its interaction, and whether it is silent."""
        self.arrived: list[tuple[Any, int]] = []
        self.owed: dict[Any, list[Frame]] = {node: [] for node in WHERE}
        self.answers: Counter[int] = Counter()
        self.undone: set[int] = set()
        self.transcript: list[Any] = []

    def do(self, action: tuple[Any, ...]) -> None:
        getattr(self, action[0])(*action[1:])
        self.collect()
        self.look()

    def collect(self) -> None:
        for node in WHERE:
            for frame in self.rig.sent(node):
                self.transcript.append((node, frame.raw))
                if frame.kind == Kind.REQUEST:
                    if (tag := tag_of(decode(frame))) is not None:
                        self.arrived.append((node, tag))
                    if frame.reference:
                        self.owed[node].append(frame)
        for peer in self.peers:
            for frame in self.rig.got_frames(peer):
                self.transcript.append((peer, frame.raw))
                self.answers[frame.reference] += 1
                answer = decode(frame)
                if isinstance(answer, EventError) and answer.error_code in NOTHING_DONE:
                    self.undone.add(frame.reference)

    def look(self) -> None:
        """What holds at every moment."""
        state, parking = self.rig.core.state, self.rig.core.parking
        waiting = 0
        for name, line in parking.lines.items():
            waiting += len(line.waiting)
            assert state.links[name].parked == len(line.waiting)
            assert line.parked == (
                len(line.waiting) + line.handed_on + line.given_up + line.dropped
            )
            assert line.size == sum(len(each.asked.frame.raw) for each, _ in line.waiting)
            assert all(self.rig.now - at < 10.0 + TICK for _, at in line.waiting)
        assert waiting == parking.count
        assert sum(line.size for line in parking.lines.values()) == parking.size
        assert all(count == 1 for count in self.answers.values())

    def ask(self, which: int, what: str, ttl: int, flags: int) -> None:
        peer = self.peers[which]
        if peer in self.gone:
            return
        tag = len(self.asked) + 1
        request: Message
        if what == "submit":
            request = RequestSubmit(
                tenant_id=TENANT,
                media_type="email",
                queue="Q1",
                submit_receipt=f"r{tag % 5}",
                user_data={"tag": tag},
            )
            flags |= Flag.RECEIPT
        else:
            self.rig.core.state.owners.confirm(what.encode(), IDS[what])
            if IDS[what] not in self.rig.core.state.links:
                self.rig.core.state.owners.forget(what.encode())
                return
            request = RequestChangeProperties(
                tenant_id=TENANT, interaction_id=what, changed_properties={"tag": tag}
            )
        self.asked[tag] = peer, what, bool(flags & Flag.NO_REPLY)
        self.rig.ask(peer, request, reference=tag, ttl=ttl, flags=flags)

    def answer(self, which: int, refused: bool) -> None:
        node = WHERE[which]
        link = self.rig.core.state.links.get(node)
        if link is None or not link.linked:
            return
        for frame in self.owed[node]:
            if refused:
                self.rig.refuse(node, frame, Code.STORE_FAILED)
            else:
                self.rig.answer(node, frame, EventAck())
        self.owed[node].clear()

    def tick(self, quarters: int) -> None:
        for _ in range(quarters):
            self.rig.tick(TICK)
            self.collect()
            self.look()

    def lose(self, which: int) -> None:
        self.owed[WHERE[which]].clear()
        self.rig.lose(WHERE[which])

    def _down(self, which: int) -> bool:
        link = self.rig.core.state.links.get(WHERE[which])
        return link is not None and link.state.value == "down"

    def link(self, which: int) -> None:
        if self._down(which):
            self.owed[WHERE[which]].clear()
            self.rig.link(WHERE[which])

    def connect(self, which: int) -> None:
        """It is there, and says nothing."""
        if self._down(which):
            self.rig.core.node_connected(WHERE[which], self.rig.now)
            self.rig.pump()
            self.rig.sent(WHERE[which])

    def hang_up(self, which: int) -> None:
        if which == 0 and not self.gone:
            self.gone.add(self.peers[0])
            self.rig.hang_up(self.peers[0])

    def cancel(self, which: int) -> None:
        if which in self.asked and self.asked[which][0] not in self.gone:
            self.rig.raw(self.asked[which][0], write_frame(Kind.CANCEL, 0, reference=which))

    def fill(self, full: bool) -> None:
        for link in self.rig.core.state.links.values():
            link.full = full and link.linked

    def change(self, window: float, rate: int, most: int) -> None:
        changed(self.rig, parking_window=window, parking_rate=rate, max_parked_per_node=most)

    def deploy(self, dbid: int) -> None:
        east = (facts(EAST, dbid),) if dbid else ()
        changed(self.rig, (*east, facts(NORTH), facts(WEST)))
        if not dbid:
            self.owed[EAST].clear()


def tag_of(message: Any) -> int | None:
    tags = getattr(message, "changed_properties", None) or getattr(message, "user_data", None)
    return tags.get("tag") if tags else None


def play(script: list[tuple[Any, ...]], *, fast_path: bool) -> Played:
    played = Played(fast_path=fast_path)
    for action in script:
        played.do(action)
    return played


@settings(max_examples=400, deadline=None)
@given(SCRIPTS, st.booleans())
def test_all_is_answered_once_in_order_and_what_is_said_not_to_be_done_is_not(
    script: list[tuple[Any, ...]], fast_path: bool
) -> None:
    played = play(script, fast_path=fast_path)
    played.tick(100)
    parking = played.rig.core.parking
    assert parking.count == parking.size == 0
    wanted = {
        tag
        for tag, (peer, _, silent) in played.asked.items()
        if not silent and peer not in played.gone
    }
    assert wanted <= set(played.answers)
    assert not any(played.asked[tag][2] for tag in played.answers if tag in played.asked)
    arrived = [tag for _, tag in played.arrived]
    assert len(arrived) == len(set(arrived)), "nothing is sent twice"
    assert not played.undone & set(arrived)
    for node in WHERE:
        there = [tag for where, tag in played.arrived if where == node]
        for peer in played.peers:
            of_client = [tag for tag in there if played.asked[tag][0] == peer]
            assert of_client == sorted(of_client)
        for identifier in IDS:
            of_id = [tag for tag in there if played.asked[tag][1] == identifier]
            assert of_id == sorted(of_id)


@settings(max_examples=300, deadline=None)
@given(SCRIPTS)
def test_both_paths_put_out_identical_bytes(script: list[tuple[Any, ...]]) -> None:
    fast, slow = play(script, fast_path=True), play(script, fast_path=False)
    assert fast.transcript == slow.transcript
    for one, other in zip(fast.rig.core.state.clients, slow.rig.core.state.clients, strict=True):
        assert one.inflight.keys() == other.inflight.keys()
        assert one.patient.keys() == other.patient.keys()


@settings(max_examples=100, deadline=None)
@given(SCRIPTS)
def test_no_client_is_left_with_anything(script: list[tuple[Any, ...]]) -> None:
    played = play(script, fast_path=True)
    played.tick(100)
    for which in range(3):
        played.lose(which)
    for client in played.rig.core.state.clients:
        assert not client.inflight
        assert not client.patient
