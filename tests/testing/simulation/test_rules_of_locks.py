"""Each rule of snapshots about commits, and at rest, can be broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.simulation import rules_of_locks as rules
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshot_books import Taken
from tests.testing.simulation.small_worlds import answered, execute, one, running
from tests.testing.simulation.snapshots_of_runs import of, took


def commits(run: Run, sql: str) -> None:
    for node in range(len(run.cluster.nodes)):
        execute(run, node, sql)


def rule_of(run: Run) -> str:
    assert run.breach is not None
    return run.breach.rule


def test_a_snapshot_moves_only_while_somebody_waits_for_it() -> None:
    with running() as run:
        taken = took(run)
        part = taken.where[taken.ids[0]]
        witness = rules.CommitRules(run)
        move = run.ask(taken.player, m.RequestMoveInteractions(**of(taken, queue="Second")))
        witness.moved(part, taken.ids[0], True)
        assert run.breach is None
        run.cluster.run(0.5)
        for outcome in (RequestRefused(Code.LOST_CONNECTION), RequestRefused(Code.NOT_ACCESSIBLE)):
            move.outcome = outcome
            witness.moved(part, taken.ids[0], True)
            assert (run.breach is None) == outcome.in_doubt
        assert rule_of(run) == "a_snapshot_moves_what_was_asked"


def test_a_snapshot_takes_what_it_has_moved_for_changed() -> None:
    with running() as run:
        taken = took(run)
        part = taken.where[taken.ids[0]]
        run.cluster.run(0.5)
        run.asked.clear()
        run.answered_at.clear()
        run.ask(taken.player, m.RequestMoveInteractions(**of(taken, queue="Second")))
        witness = rules.CommitRules(run)
        witness.moved(part, taken.ids[0], True)
        assert run.breach is None
        run.answered_at[taken.ids[0]] = run.now()
        witness.moved(part, taken.ids[0], False)
        assert run.breach is None, "somebody else may have changed it"
        run.answered_at.clear()
        witness.moved(part, taken.ids[0], False)
        assert rule_of(run) == "a_snapshot_knows_what_it_has_moved"


def test_a_move_that_was_carried_out_and_refused_is_found() -> None:
    with running() as run:
        taken = took(run)
        move = run.ask(taken.player, m.RequestMoveInteractions(**of(taken, queue="Second")))
        move.outcome = RequestRefused(Code.NOT_ACCESSIBLE)
        run.cluster.run(0.5)
        assert rule_of(run) == "a_snapshot_moves_what_was_asked"


def test_what_is_locked_may_be_pulled_by_nobody() -> None:
    with running() as run:
        taken = took(run, 1, lock=True)
        # As if a node forgot to look at the lock.
        commits(run, "UPDATE interactions SET is_locked = 0, snapshot_id = NULL")
        answered(run, one(run, "router"), m.RequestPull(tenant_id=1, view_id="In/All"))
        assert rule_of(run) == "what_is_locked_is_pulled_by_nobody"
        assert taken.ids[0] in str(run.breach)


def test_a_lock_stays_until_its_own_snapshot_takes_it_off() -> None:
    with running() as run:
        taken = took(run, 1, lock=True)
        commits(run, "UPDATE interactions SET is_locked = 0, snapshot_id = NULL")
        took(run, 0, "mail", lock=True)
        assert rule_of(run) == "a_lock_stays_until_it_is_taken_off"
        assert taken.ids[0] in str(run.breach)


@pytest.mark.parametrize("how", ["unlock", "release"])
def test_what_is_unlocked_may_be_pulled_at_once(how: str) -> None:
    with running(hold=1.5) as run:
        taken = took(run, 1, lock=True)
        router = one(run, "router")
        held = {"pull-for-strategy": 1}
        pull = run.ask(router, m.RequestPull(tenant_id=1, view_id="In/All", extension=held))
        run.cluster.run(0.1)
        assert pull.outcome is None
        unlock = m.RequestUnlockInteraction(**of(taken, interaction_id=taken.ids[0]))
        release = m.RequestReleaseSnapshot(**of(taken))
        answered(run, taken.player, unlock if how == "unlock" else release)
        run.cluster.run_until(lambda: pull.outcome is not None, "it is never answered")
        assert list(router.here.holding) == taken.ids
        assert run.breach is None, run.breach


def test_a_lock_is_of_a_snapshot_that_is_there() -> None:
    with running() as run:
        took(run, 1)
        commits(run, "UPDATE interactions SET is_locked = 1, snapshot_id = 99")
        answered(
            run,
            one(run, "mail"),
            m.RequestChangeProperties(
                tenant_id=1, interaction_id=next(iter(run.ids)), added_properties={"m9": 1}
            ),
        )
        assert rule_of(run) == "a_lock_is_of_a_snapshot_that_is_there"


def forget(run: Run, taken: Taken) -> None:
    for proxy in run.cluster.proxies:
        assert proxy.core is not None
        proxy.core.state.snapshots._by_id.clear()


def leave(run: Run, taken: Taken) -> None:
    taken.player.left = True


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (forget, "is known to no proxy"),
        (leave, "is of a client that has gone"),
        (lambda run, _: commits(run, "DELETE FROM snapshots"), "has no"),
        (lambda run, _: commits(run, "UPDATE snapshots SET state = 2"), "is in state 2"),
    ],
)
@pytest.mark.parametrize("outer", [0, 1])
def test_a_snapshot_that_was_not_freed(
    wrong: Callable[[Run, Any], None], said: str, outer: int
) -> None:
    with running(outer=outer) as run:
        taken = took(run)
        rule = rules.snapshots_are_freed_with_their_clients
        assert list(rule(run)) == []
        wrong(run, taken)
        assert said in " ".join(rule(run))


@pytest.mark.parametrize("goodbye", [False, True])
def test_who_goes_leaves_no_snapshot_where_nothing_breaks(goodbye: bool) -> None:
    with running(calm=True) as run:
        taken = took(run, lock=True)
        rule = rules.who_goes_leaves_no_snapshot
        run.cluster.run(rules.FREED + 0.5)
        taken.player.leaves(run.now())
        taken.player.here.close(goodbye=goodbye)
        assert list(rule(run)) == [], "its time begins when it goes, not when it came"
        run.cluster.run(rules.FREED + 0.5)
        assert list(rule(run)) == []
        for part in taken.parts or ():
            part.state = 1
        assert len(list(rule(run))) == 2
        object.__setattr__(run.world, "calm", False)
        assert list(rule(run)) == []


def test_what_is_left_of_snapshots_at_the_end() -> None:
    with running() as run:
        taken = took(run, lock=True)
        left = list(rules.nothing_is_locked(run))
        assert len(left) == 3 + 2 + 3, "locks, snapshots, and members"
        answered(run, taken.player, m.RequestReleaseSnapshot(**of(taken)))
        assert list(rules.nothing_is_locked(run)) == []
