"""Whatever clients do with snapshots, and whenever: locked is what a living snapshot has locked."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.messages.message import Request
from ixproxy.node import snapshot_moves, snapshots
from ixproxy.node.long_plans import Moving
from ixproxy.node.model import NodeSettings
from ixproxy.node.work import (
    Answer,
    Asked,
    ConnectionLost,
    Effect,
    GoesOn,
    Goodbye,
    GoOn,
    ReadLong,
    Refuse,
    Registered,
    Sender,
    Work,
)
from ixproxy.values import ClientType, SnapshotState
from tests.node.snapping import Snapping, locked, members
from tests.node.snapping import snapshots as stored
from tests.node.tried import TriedNode

DESKS = [
    Sender(f"desk-{n}".encode(), f"desk-{n}", ClientType.AGENT_APPLICATION, frozenset({1}))
    for n in range(2)
]
STEP = st.tuples(
    st.sampled_from(
        [
            "take", "take locked", "take locked", "lock", "lock", "unlock", "move", "stop",
            "release", "page", "go on", "go on", "go on", "submit", "place", "end", "pull",
            "goodbye", "come back", "come back naming", "lost", "wait", "wait long",
            "fails", "restart",
        ]
    ),
    st.integers(0, 3),
    st.integers(0, 3),
)  # fmt: skip


class Played:
    """
    A node, what goes on there, and what ought to be locked.

    :ivar living: the snapshots that clients have, each with the ids that it has locked.
    :ivar going_on: requests that are not answered yet, with their next step.
    """

    def __init__(self, node: TriedNode) -> None:
        self.node = node
        self.mail = node.media_server()
        self.router = node.router()
        self.incarnation = 1
        self.living: dict[int, tuple[Sender, set[str]]] = {}
        self.going_on: list[tuple[Snapping, Request, Effect]] = []
        self.ids = [node.submit(self.mail) for _ in range(5)]
        for desk in DESKS:
            node.run(Registered(desk, 1))

    def play(self, kind: str, who: int, which: int) -> None:
        node, desk = self.node, DESKS[who % len(DESKS)]
        number = sorted(self.living)[which % len(self.living)] if self.living else 1
        id = self.ids[which % len(self.ids)]
        of: dict[str, Any] = {"tenant_id": 1, "snapshot_id": number}
        by_id: dict[str, Any] = {"tenant_id": 1, "interaction_id": id}
        sender = self.living[number][0] if self.living and who else desk
        requests: dict[str, Request] = {
            "take": m.RequestTakeSnapshot(tenant_id=1),
            "take locked": m.RequestTakeSnapshot(
                tenant_id=1, lock=True, number_of_interactions=who + 1
            ),
            "lock": m.RequestLockInteraction(**of, interaction_id=id),
            "unlock": m.RequestUnlockInteraction(**of, interaction_id=id),
            "move": m.RequestMoveInteractions(**of, queue="Other"),
            "stop": m.RequestStopInteractions(**of),
            "release": m.RequestReleaseSnapshot(**of),
            "page": m.RequestGetSnapshotInteractions(**of),
        }
        if kind in requests:
            snapping = Snapping(node, sender)
            self.answered(snapping, requests[kind], snapping.begin(requests[kind]))
        elif kind == "go on" and self.going_on:
            snapping, request, effect = self.going_on.pop(which % len(self.going_on))
            assert isinstance(effect, GoOn | ReadLong)
            self.answered(snapping, request, snapping.further(effect))
        elif kind == "submit":
            self.ids.append(node.submit(self.mail))
        elif kind == "place":
            self.run(Asked(self.mail, m.RequestPlaceInQueue(**by_id, queue="Done")))
        elif kind == "end":
            self.run(Asked(self.mail, m.RequestStopProcessing(**by_id)))
        elif kind == "pull":
            pull = m.RequestPull(tenant_id=1, view_id="Inbound/All")
            self.run(Asked(self.router, pull))
        else:
            self.pass_(kind, desk, number)

    def pass_(self, kind: str, desk: Sender, number: int) -> None:
        """Sessions come and go, time passes, the node fails."""
        node = self.node
        if kind == "goodbye":
            self.run(Goodbye(desk.session))
            self.gone(desk, ())
            self.come_back(desk, None)
        elif kind.startswith("come back"):
            self.come_back(desk, (number,) if kind.endswith("naming") else None)
        elif kind == "lost":
            self.run(ConnectionLost(desk.session))
            self.going_on = [each for each in self.going_on if not taking(each, desk)]
            self.come_back(desk, tuple(self.living))
        elif kind == "wait":
            node.wait(0.01)
        elif kind == "wait long":
            for each in DESKS:
                self.run(ConnectionLost(each.session))
            node.wait(100)
            self.living.clear()
            for each in DESKS:
                self.come_back(each, None)
        elif kind == "fails":
            node.store.commits = ["void"]
        elif kind == "restart":
            node.restart()
            self.going_on.clear()
            for each in DESKS:
                self.come_back(each, None)

    def come_back(self, desk: Sender, named: tuple[int, ...] | None) -> None:
        self.incarnation += 1
        self.run(Registered(desk, self.incarnation, snapshots=named))
        if named is not None:
            self.gone(desk, named)

    def gone(self, desk: Sender, but: tuple[int, ...]) -> None:
        for number, (owner, _) in list(self.living.items()):
            if owner.session == desk.session and number not in but:
                del self.living[number]

    def run(self, work: Work) -> None:
        self.node.run(work)

    def answered(self, snapping: Snapping, request: Request, effect: Effect) -> None:
        if isinstance(request, m.RequestReleaseSnapshot) and isinstance(effect, Answer | GoOn):
            self.living.pop(request.snapshot_id, None)
        if isinstance(effect, GoOn | ReadLong):
            self.going_on.append((snapping, request, effect))
        elif isinstance(effect, Answer):
            self.settled(snapping.sender, request, effect.message)

    def settled(self, sender: Sender, request: Request, answer: object) -> None:
        if isinstance(answer, m.EventSnapshotTaken):
            assert isinstance(request, m.RequestTakeSnapshot)
            mine = {row.interaction_id for row in members(self.node)
                    if row.snapshot_id == answer.snapshot_id}  # fmt: skip
            assert len(mine) == answer.number_of_interactions
            self.living[answer.snapshot_id] = (sender, mine if request.lock else set())
        elif isinstance(request, m.RequestLockInteraction):
            self.living[request.snapshot_id][1].add(request.interaction_id)
        elif isinstance(request, m.RequestUnlockInteraction):
            self.living[request.snapshot_id][1].discard(request.interaction_id)

    def check(self) -> None:
        """At any time: who is locked is so by a snapshot that has it, and nobody has it in hand."""
        rows = {row.snapshot_id: row for row in stored(self.node)}
        listed = {(row.snapshot_id, row.interaction_id) for row in members(self.node)}
        for id in locked(self.node):
            interaction = self.node.kept(id)
            assert (interaction.snapshot_id, id) in listed
            assert interaction.state < 2
            assert self.node.parties(id) == []
        assert {number for number, _ in listed} <= rows.keys()
        kept = self.node.core._standing.memory.snapshots
        ending = {n for n, row in rows.items() if row.state == SnapshotState.ENDING}
        assert ending <= kept.ending.keys(), "what a start finds half taken ends, too"
        freed = {n: replace(rows[n], state=SnapshotState.ENDING) for n in kept.ending}
        assert kept._rows == {**rows, **freed}
        for number, row in rows.items():
            assert row.size == sum(each == number for each, _ in listed)
        expected: set[str] = set()
        for number, (sender, ids) in self.living.items():
            assert rows[number].state == SnapshotState.WHOLE
            assert rows[number].session == sender.session
            expected |= {id for id in ids if self.node.row(id) is not None}
        assert expected <= locked(self.node)

    def come_to_rest(self) -> None:
        """What goes on ends; then exactly what living snapshots lock is locked."""
        while self.going_on:
            self.play("go on", 0, 0)
            self.check()
        for _ in range(50):
            self.node.wait(0.01)
        alive = {number for number, _ in self.living.items()}
        assert {row.snapshot_id for row in stored(self.node)} == alive
        expected = {id for _, ids in self.living.values() for id in ids}
        assert locked(self.node) == {id for id in expected if self.node.row(id) is not None}


def taking(each: tuple[Snapping, Request, Effect], desk: Sender) -> bool:
    """Whether a request takes a snapshot for a client."""
    snapping, request, _ = each
    return isinstance(request, m.RequestTakeSnapshot) and snapping.sender == desk


@given(st.lists(STEP, max_size=25), st.integers(1, 3))
def test_locked_is_exactly_what_a_living_snapshot_has_locked(
    steps: list[tuple[str, int, int]], at_a_time: int
) -> None:
    node = TriedNode(NodeSettings(max_number_of_snapshots=6))
    try:
        with (
            patch.object(snapshots, "AT_A_TIME", at_a_time),
            patch.object(snapshot_moves, "AT_A_TIME", at_a_time),
        ):
            played = Played(node)
            for step in steps:
                played.play(*step)
                played.check()
            played.come_to_rest()
    finally:
        node.discard()


def test_a_step_of_a_snapshot_that_is_gone_changes_nothing() -> None:
    node = TriedNode()
    desk = Snapping(node, node.desktop())
    request = m.RequestMoveInteractions(tenant_id=1, snapshot_id=5, queue="Other")
    before = node.stored()
    node.run(GoesOn(desk.sender, request, Moving(at=200), "snapshot", begun=True))
    (refusal,) = node.outcome.effects
    assert isinstance(refusal, Refuse)
    assert refusal.in_doubt
    assert node.stored() == before
    node.discard()
