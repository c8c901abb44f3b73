"""Whatever happens meanwhile, in the end nodes tell what is wanted, and who wants it hears it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventWorkbinContentChanged,
    RequestWorkbinCancelNotifications,
    RequestWorkbinNotifications,
)
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame
from ixproxy.wire.workbins import PROPERTIES_CHANGED, STOPPED, TAKEN_OUT, Wishes, wishes_of
from tests.core.rig import EAST, NORTH, Rig, decode, facts
from tests.core.workbins import DRAFTS, cancel, changed, listen

NODES = (EAST, NORTH)
Step = tuple[Any, ...]

CLIENTS = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("listen"), CLIENTS, st.builds(Wishes, st.booleans(), st.booleans())),
        st.tuples(st.just("cancel"), CLIENTS),
        st.tuples(st.just("hang up"), CLIENTS),
        st.tuples(st.sampled_from(["lose", "link", "fill", "drain"]), st.sampled_from(NODES)),
        st.tuples(
            st.just("hear"),
            st.sampled_from(NODES),
            st.sampled_from(["do", "do", "do", "busy", "refuse", "silent", "deaf"]),
        ),
        st.tuples(st.just("wait"), st.sampled_from([0.3, 31.0])),
    ),
    max_size=30,
)


class World:
    """A proxy, nodes that each know at most one listener, and clients that come again."""

    def __init__(self) -> None:
        self.rig = Rig([facts(EAST), facts(NORTH)])
        self.told: dict[NodeName, Wishes | None] = dict.fromkeys(NODES)
        self.peers = [self.rig.client() for _ in range(3)]
        self.asked: list[tuple[int, int, Wishes | None]] = []
        """Peer, reference, and what it wishes; None: it cancels."""
        self.acknowledged: set[tuple[int, int]] = set()
        self.heard: dict[int, list[str]] = {}

    def take(self, step: Step) -> None:
        rig = self.rig
        match step:
            case "listen", int(client), Wishes() as wishes:
                self._ask(self.peers[client], listen(wishes), wishes)
            case "cancel", int(client):
                self._ask(self.peers[client], cancel(), None)
            case "hang up", int(client):
                self._collect()
                rig.hang_up(self.peers[client])
                self.peers[client] = self._client()
            case "lose", node:
                rig.lose(node)
                self.told[node] = None
                rig.to_node[node].clear()
            case "link", node:
                self._link(node)
            case "fill" | "drain", node:
                rig.core.link(node).full = step[0] == "fill"
            case "hear", node, how:
                self._hear(node, how)
            case "wait", seconds:
                rig.tick(seconds)
        self._collect()

    def _client(self) -> int:
        peer = self.rig.client()
        self.acknowledged -= {each for each in self.acknowledged if each[0] == peer}
        return peer

    def _link(self, node: NodeName) -> None:
        if self.rig.core.link(node).state.name == "DOWN":
            self.rig.link(node)

    def _ask(self, peer: int, request: Any, wishes: Wishes | None) -> None:
        self.asked.append((peer, self.rig.ask(peer, request), wishes))

    def _hear(self, node: NodeName, how: str) -> None:
        """A node takes its next request, if there is one."""
        frames = self.rig.to_node[node]
        if frames:
            self._answer(node, frames.pop(0), how)

    def _answer(self, node: NodeName, frame: Frame, how: str) -> None:
        if frame.kind == Kind.CANCEL:
            return
        request, code = decode(frame), 0
        if how == "busy":
            code = Code.BUSY
        elif how == "deaf":
            return
        elif isinstance(request, RequestWorkbinCancelNotifications):
            known = frame.client == 0 and self.told[node] is not None
            code = 0 if known else Code.NOT_SUBSCRIBED
            if frame.client == 0:
                self.told[node] = None
        elif how == "refuse":
            code = Code.UNKNOWN_WORKBIN
        elif isinstance(request, RequestWorkbinNotifications):
            assert frame.client == 0
            self.told[node] = wishes_of(request)
        if how == "silent":
            return
        if code:
            self.rig.refuse(node, frame, code)
        else:
            self.rig.answer(node, frame, EventAck())

    def _collect(self) -> None:
        """What clients were answered and told."""
        for peer in list(self.rig.to_peer):
            for frame in self.rig.got_frames(peer):
                message = decode(frame)
                if isinstance(message, EventWorkbinContentChanged):
                    self.heard.setdefault(peer, []).append(message.workbin_content_operation)
                elif isinstance(message, EventAck):
                    self.acknowledged.add((peer, frame.reference))

    def heal(self) -> None:
        """All nodes are there and do what they are told, for long enough."""
        for node in NODES:
            self.rig.core.link(node).full = False
        for _ in range(3):
            for node in NODES:
                self._link(node)
            self._settle()
            self.rig.tick(31.0)
            self._settle()
            self.rig.tick(0.3)
        self._settle()

    def _settle(self) -> None:
        while any(self.rig.to_node.values()):
            for node in NODES:
                self.rig.accept(node)
                self._hear(node, "do")
        self._collect()

    def wishes(self) -> dict[int, Wishes]:
        """What each client that is there has wished for last, and was granted."""
        found: dict[int, Wishes] = {}
        for peer, reference, wishes in self.asked:
            if peer not in self.peers or (peer, reference) not in self.acknowledged:
                continue
            if wishes is None:
                found.pop(peer, None)
            else:
                found[peer] = wishes
        return found


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(STEPS)
def test_in_the_end_nodes_tell_what_is_wanted(steps: list[Step]) -> None:
    world = World()
    for step in steps:
        world.take(step)
    world.heal()
    wishes = world.wishes()
    wanted: Wishes | None = None
    for each in wishes.values():
        wanted = each if wanted is None else wanted.joined(each)
    assert world.told == dict.fromkeys(NODES, wanted)
    assert len(world.rig.core._workbins.listeners) == (wanted is not None)
    assert not world.rig.core._workbins._waiting
    world.heard.clear()
    for operation in (TAKEN_OUT, PROPERTIES_CHANGED, STOPPED):
        world.rig.from_node(EAST, encode(changed(operation, workbin=DRAFTS)))
    world._collect()
    expected = {
        peer: [each for each in (TAKEN_OUT, PROPERTIES_CHANGED, STOPPED) if wish.accept(each)]
        for peer, wish in wishes.items()
    }
    assert world.heard == expected
