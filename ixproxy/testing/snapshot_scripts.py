"""
Scripts in which clients take snapshots, and work with what is in them.

They go on as other scripts do; in about half of the rounds somebody asks something
about a snapshot, and does it alone, for a snapshot is about everything. Nobody loses
a connection while he has one: what becomes of it then is not the same on one server,
which keeps it for the session, and on a proxy, which does not.
"""

from __future__ import annotations

from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.testing.scripts import CLIENTS, MEDIA_SERVERS, QUEUES, Writer
from ixproxy.testing.steps import LABEL, TENANT, Action, Ask, Lose, ReadAll, Renew, Script

CONDITIONS = ("", "", "", "[Priority] > 4", "[media_type] <> 'chat'", "Queue = 'In'")
ORDERS = ("", "", "Priority DESC", "received_at, Product")
MOST_OPEN = 4
KINDS = [*["read"] * 4, *["lock"] * 3, *["unlock", "move", "stop"] * 2, "release"]
AT_FIRST = 3
"""Interactions that each media server submits before anything else."""


def snapshot_script(seed: int, rounds: int = 22) -> Script:
    """The script of a seed."""
    writer = _SnapshotWriter(Random(f"snapshots {seed}"))
    return Script(seed, CLIENTS, tuple(writer.round(number) for number in range(rounds)))


class _SnapshotWriter(Writer):
    """Knows which snapshots there are, and whose."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._taken = 0
        self._open: dict[int, int] = {}

    def round(self, number: int) -> tuple[Action, ...]:
        """The steps of the next round."""
        if number == 1:
            return tuple(
                self._submit(client, set()) for client in MEDIA_SERVERS for _ in range(AT_FIRST)
            )
        if number > 1 and self._random.random() < 0.6:
            return (self._about_snapshots(),)
        actions = super().round(number)
        match actions:
            case (Lose(client),) if client in self._open.values():
                return (self._release(client),)
            case (Renew(client),):
                self._open = {each: of for each, of in self._open.items() if of != client}
        return actions

    def _about_snapshots(self) -> Action:
        random = self._random
        if not self._open or (len(self._open) < MOST_OPEN and random.random() < 0.25):
            return self._take()
        snapshot = random.choice(list(self._open))
        client = self._open[snapshot]
        if random.random() < 0.08:
            # Somebody else's, or one that is not there any more.
            client, snapshot = random.randrange(len(CLIENTS)), random.randint(1, self._taken + 1)
        which: dict[str, Any] = {"tenant_id": TENANT, "snapshot_id": snapshot}
        match random.choice(KINDS):
            case "read":
                return ReadAll(client, snapshot, random.choice((0, 1, 2, 3, 7)))
            case "lock" | "unlock" as what if self._guesses:
                label = random.choice(self._guesses).label
                kind = m.RequestLockInteraction if what == "lock" else m.RequestUnlockInteraction
                asked = kind(**which, interaction_id=LABEL + label, reason=self._reason())
                return Ask(client, asked, (label,))
            case "move":
                queue = random.choice((*QUEUES, *QUEUES, "NoSuchQueue"))
                moved = m.RequestMoveInteractions(**which, queue=queue, reason=self._reason())
                return Ask(client, moved)
            case "stop":
                return Ask(client, m.RequestStopInteractions(**which, reason=self._reason()))
        if self._open.get(snapshot) == client:
            del self._open[snapshot]
        return Ask(client, m.RequestReleaseSnapshot(**which))

    def _release(self, client: int) -> Ask:
        """One of a client's own, instead of what would have been."""
        snapshot = next(each for each, of in self._open.items() if of == client)
        del self._open[snapshot]
        return Ask(client, m.RequestReleaseSnapshot(tenant_id=TENANT, snapshot_id=snapshot))

    def _take(self) -> Ask:
        random = self._random
        client = random.randrange(len(CLIENTS))
        condition = random.choice(CONDITIONS)
        if random.random() < 0.05:
            condition = "no such ("
        self._taken += 1
        if condition != "no such (":
            self._open[self._taken] = client
        request = m.RequestTakeSnapshot(
            tenant_id=TENANT,
            condition=condition,
            order=random.choice(ORDERS),
            lock=random.random() < 0.5,
            check_interactions_state=random.random() < 0.4,
        )
        return Ask(client, request)
