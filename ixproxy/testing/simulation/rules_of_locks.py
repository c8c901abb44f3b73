"""
Rules of snapshots: of what nodes commit, and of what is left at rest.

Those of commits are told to the run by `CommitRules`: `a_snapshot_moves_what_was_asked`,
`a_snapshot_knows_what_it_has_moved`, `what_is_locked_is_pulled_by_nobody`,
`a_lock_stays_until_it_is_taken_off` and `a_lock_is_of_a_snapshot_that_is_there`. The
others yield what breaks them, as in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.rules_of_snapshots import others_asked
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshot_ledger import OnNode, Seen
from ixproxy.values import SnapshotState

FREED = 2.0
"""Seconds after which a client that goes has left nothing, through a proxy that lives."""


class CommitRules:
    """The rules of commits about snapshots; a `snapshot_ledger.Witness`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def _asked(self, session: bytes, *kinds: type) -> Iterator[Asked]:
        """What a client has asked, unless it is over."""
        for asked in self._run.asked:
            if asked.player.session == session and isinstance(asked.request, kinds):
                outcome = asked.outcome
                if outcome is None or (isinstance(outcome, RequestRefused) and outcome.in_doubt):
                    yield asked

    def moved(self, snapshot: OnNode, identifier: str, here: bool) -> None:
        """
        Only while a move is asked for, and not after it was refused (design 6, codes); its own
        move is no change to a snapshot (decision 0055).
        """
        moves = list(self._asked(snapshot.session, m.RequestMoveInteractions))
        if not moves:
            self._run.broken(
                "a_snapshot_moves_what_was_asked",
                f"{snapshot} moves {identifier}, and nobody waits for that",
            )
        elif not here and not any(others_asked(self._run, move, identifier) for move in moves):
            self._run.broken(
                "a_snapshot_knows_what_it_has_moved",
                f"{snapshot} has moved {identifier}, and takes it for changed since",
            )

    def lock_lost(self, snapshot: OnNode, identifier: str, seen: Seen) -> None:
        """Only its own unlock, or its end, takes a lock off (decision 0055)."""
        unlocks = self._asked(snapshot.session, m.RequestUnlockInteraction)
        for asked in unlocks:
            if getattr(asked.request, "interaction_id", "") == identifier:
                return
        if seen.is_out:
            rule, how = "what_is_locked_is_pulled_by_nobody", "is taken"
        else:
            rule, how = "a_lock_stays_until_it_is_taken_off", f"has the lock {seen.lock}"
        self._run.broken(rule, f"{identifier} {how}, and was locked by {snapshot}")

    def locked_without(self, node: str, identifier: str, number: int) -> None:
        """A lock is of a snapshot that is there, and of what nobody has (decision 0055)."""
        self._run.broken(
            "a_lock_is_of_a_snapshot_that_is_there",
            f"{identifier} on {node} is locked by snapshot {number}, which is not there, or taken",
        )


def snapshots_are_freed_with_their_clients(run: Run) -> Iterator[str]:
    """
    At rest each snapshot of a node is part of one that a client has that is there, through a
    proxy that knows it, and has all its parts (decision 0024).
    """
    sessions = {player.session: player.name for player in run.there("mail", "router", "desk")}
    for row in run.cluster.rows("snapshots"):
        what = f"snapshot {row['snapshot_id']} of {row['node']}"
        if row["state"] != SnapshotState.WHOLE:
            yield f"{what} is in state {row['state']}"
        elif bytes(row["session"]) not in sessions:
            yield f"{what} is of a client that has gone"
    known: set[tuple[str, int]] = set()
    nodes = {node.name for node in run.cluster.nodes}
    there = {(row["node"], row["snapshot_id"]) for row in run.cluster.rows("snapshots")}
    for proxy in run.cluster.proxies:
        for each in proxy.core.state.snapshots if proxy.core is not None else ():
            parts = {(str(part.node), part.id) for part in each.parts if part.node in nodes}
            known |= parts
            if each.client.session not in sessions:
                yield f"{proxy.name} has snapshot {each.id} of a client that has gone"
            for node, number in sorted(parts - there):
                yield f"{proxy.name} has snapshot {each.id}, of which {node} has no {number}"
    for node, number in sorted(there - known):
        yield f"snapshot {number} of {node} is known to no proxy"


def who_goes_leaves_no_snapshot(run: Run) -> Iterator[str]:
    """In a calm world what a client has taken is freed soon after it has gone (decision 0024)."""
    if not run.world.calm:
        return
    for player in run.players:
        if player.session and run.now() - player.left_at > FREED:
            for each in run.ledger.snapshots.of_session(player.session):
                if each.state is not None:
                    yield f"{each} is there, and {player.name} went {FREED:g} s ago"


def nothing_is_locked(run: Run) -> Iterator[str]:
    """When all snapshots are released no lock and no row of them is left."""
    for row in run.cluster.rows("interactions"):
        if row["is_locked"]:
            yield f"{row['id']} on {row['node']} is locked"
    for table in ("snapshots", "snapshot_members"):
        for row in run.cluster.rows(table):
            yield f"{row['node']} has a row of {table}: {row['snapshot_id']}"
