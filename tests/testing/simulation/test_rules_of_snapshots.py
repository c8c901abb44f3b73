"""Each rule of what is answered about snapshots can be broken."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.simulation import rules_at_rest, snapshots
from ixproxy.testing.simulation import rules_of_snapshots as rules
from ixproxy.testing.simulation.snapshot_books import Books
from tests.testing.simulation.small_worlds import answered, one, running, submitted
from tests.testing.simulation.snapshots_of_runs import broken, of, told, took


def test_where_nothing_is_wrong_no_rule_is_broken() -> None:
    with running(calm=True) as run:
        taken = took(run, 4, lock=True)
        desk, first = taken.player, taken.ids[0]
        answered(run, desk, m.RequestUnlockInteraction(**of(taken, interaction_id=first)))
        answered(run, one(run, "router"), m.RequestPull(tenant_id=1, view_id="In/All"))
        answered(run, desk, m.RequestMoveInteractions(**of(taken, queue="Done")))
        stopped = answered(run, desk, m.RequestStopInteractions(**of(taken)))
        assert stopped.outcome == m.EventInteractionMoved(
            number_of_interactions=3, errors={first: Code.CHANGED_SINCE}
        )
        answered(run, desk, m.RequestGetSnapshotInteractions(**of(taken)))
        answered(run, desk, m.RequestReleaseSnapshot(**of(taken)))
        assert run.breach is None, run.breach
        assert run.ended.keys() == set(taken.ids) - {first}


def test_a_code_that_a_request_is_not_refused_with() -> None:
    with running() as run:
        taken = took(run)
        rule = rules.refusals_of_snapshots_fit
        for kind, codes in rules.REFUSED.items():
            request = kind(tenant_id=1)
            for code in codes | rules.ON_THE_WAY:
                assert not broken(rule, run, told(run, taken.player, request, RequestRefused(code)))
            refused = told(run, taken.player, request, RequestRefused(Code.NOT_HELD))
            assert "is refused with 3045" in broken(rule, run, refused)


def test_all_conditions_of_steps_have_a_meaning() -> None:
    assert rules.MEETS.keys() == set(snapshots.CONDITIONS)


def take_again(run: Any, taken: Any, **more: Any) -> Any:
    """The same take once more, as if it had been asked when the first one was."""
    changed: dict[str, Any] = {
        "snapshot_id": taken.id,
        "number_of_interactions": taken.size,
        **more,
    }
    run.kept(Books).taken[taken.player, taken.id].releases = 1
    outcome = m.EventSnapshotTaken(**changed)
    return told(run, taken.player, taken.take, outcome, taken.asked.at)


def test_a_count_that_is_wrong() -> None:
    with running() as run:
        taken = took(run)
        rule = rules.a_snapshot_is_as_it_was_found
        assert not broken(rule, run, take_again(run, taken))
        wrong = take_again(run, taken, number_of_interactions=2)
        assert "has 2 interactions, the nodes have 3" in broken(rule, run, wrong)


def test_a_number_that_comes_twice() -> None:
    with running() as run:
        taken = took(run)
        again = take_again(run, taken)
        taken.releases = 0
        assert "again" in broken(rules.a_snapshot_is_as_it_was_found, run, again)


def test_a_snapshot_of_somebody_else() -> None:
    with running() as run:
        taken = took(run)
        assert taken.parts is not None
        taken.parts[0].session = b"another"
        asked = take_again(run, taken)
        assert "of another session" in broken(rules.a_snapshot_is_as_it_was_found, run, asked)


def test_something_is_left_out_that_met_the_condition() -> None:
    with running() as run:
        taken = took(run)
        assert taken.parts is not None
        part = taken.parts[0]
        gone = part.ids[0]
        del part.members[gone]
        asked = take_again(run, taken, number_of_interactions=2)
        said = list(rules.a_snapshot_is_as_it_was_found(run, asked))
        assert any(f"{gone} is not in snapshot" in text for text in said)


def test_something_is_in_it_that_never_met_the_condition() -> None:
    with running() as run:
        taken = took(run)
        other = took(run, 0, condition="Queue = 'Second'")
        assert (taken.size, other.size) == (3, 0)
        assert taken.parts is not None
        taken.parts[0].members["nobody"] = 9
        asked = take_again(run, taken, number_of_interactions=4)
        assert "never met" in broken(rules.a_snapshot_is_as_it_was_found, run, asked)


def test_a_member_that_should_be_locked_and_was_not() -> None:
    with running() as run:
        taken = took(run, lock=True)
        assert taken.parts is not None
        taken.parts[0].locked.clear()
        run.answered_at.clear()
        run.asked.clear()
        asked = take_again(run, taken)
        assert "was not locked" in broken(rules.a_snapshot_is_as_it_was_found, run, asked)


def test_a_snapshot_has_no_more_than_were_asked_for() -> None:
    with running() as run:
        taken = took(run, 4, number_of_interactions=1)
        assert taken.size == 2, "one on each node"
        assert taken.parts is not None
        taken.parts[0].members["more"] = 1
        asked = take_again(run, taken, number_of_interactions=3)
        assert "not 1 at most" in broken(rules.a_snapshot_is_as_it_was_found, run, asked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"interactions": ["b", "a", "c"]}, "in another order"),
        ({"interactions": ["a", "b"]}, "not ["),
        ({"interactions": ["a", "b", "c"], "have_more": True}, "whether there are more"),
        ({"interactions": ["a", "b"], "errors": {"c": Code.LOCKED}}, "with 3042"),
        ({"interactions": ["a", "b"], "errors": {"c": Code.UNKNOWN_INTERACTION}}, "it is there"),
    ],
)
def test_a_page_that_is_wrong(change: dict[str, Any], said: str) -> None:
    with running() as run:
        taken = took(run)
        names = dict(zip("abc", taken.ids, strict=True))
        page = m.EventSnapshotInteractions(
            interactions={names[each]: {} for each in change["interactions"]},
            errors={names[key]: code for key, code in change.get("errors", {}).items()},
            have_more=change.get("have_more", False),
        )
        request = m.RequestGetSnapshotInteractions(**of(taken))
        rule = rules.pages_are_as_taken
        assert said in broken(rule, run, told(run, taken.player, request, page))
        right = answered(run, taken.player, request)
        assert not broken(rule, run, right)


def test_a_page_that_shows_what_is_gone() -> None:
    with running() as run:
        taken = took(run)
        gone = taken.ids[1]
        request = m.RequestGetSnapshotInteractions(**of(taken))
        before = answered(run, taken.player, request)
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=gone)
        answered(run, one(run, "mail"), stop)
        run.cluster.run(0.1)
        assert answered(run, taken.player, request).outcome.errors == {gone: 43}  # type: ignore[union-attr]
        assert run.breach is None, run.breach
        late = told(run, taken.player, request, before.outcome)
        assert f"shows {gone}, and it is gone" in broken(rules.pages_are_as_taken, run, late)


def test_somebody_else_uses_a_snapshot() -> None:
    with running() as run:
        taken = took(run)
        request = m.RequestGetSnapshotInteractions(**of(taken))
        page = m.EventSnapshotInteractions()
        rule = rules.a_snapshot_is_its_takers_alone
        assert not broken(rule, run, told(run, taken.player, request, page))
        other = told(run, one(run, "mail"), request, page)
        assert "which it never took" in broken(rule, run, other)


def test_a_lock_that_is_none() -> None:
    with running() as run:
        taken = took(run, lock=True)
        first, ack = taken.ids[0], m.EventAck()
        run.cluster.run(0.5)
        run.asked.clear()
        run.answered_at.clear()
        rule = rules.what_is_locked_is_so
        lock = m.RequestLockInteraction(**of(taken, interaction_id=first))
        unlock = m.RequestUnlockInteraction(**of(taken, interaction_id=first))
        assert not broken(rule, run, told(run, taken.player, lock, ack))
        assert "is unlocked by #3, and is not" in broken(
            rule, run, told(run, taken.player, unlock, ack)
        )
        stranger = m.RequestLockInteraction(**of(taken, interaction_id="x"))
        assert "is no member" in broken(rule, run, told(run, taken.player, stranger, ack))


def moved(number: int, **errors: int) -> m.EventInteractionMoved:
    return m.EventInteractionMoved(number_of_interactions=number, errors=errors)


def test_a_move_that_was_not_made() -> None:
    with running() as run:
        taken = took(run)
        run.cluster.run(0.5)
        run.asked.clear()
        run.answered_at.clear()
        rule, desk = rules.moves_and_stops_are_done, taken.player
        move = m.RequestMoveInteractions(**of(taken, queue="Second"))
        a, b, _ = taken.ids
        assert "never in Second" in broken(rule, run, told(run, desk, move, moved(3)))
        assert "counts 2" in broken(rule, run, told(run, desk, move, moved(2)))
        assert "not all of them members" in broken(rule, run, told(run, desk, move, moved(3, x=43)))
        for code in (
            Code.UNKNOWN_INTERACTION, Code.LOCKED, Code.NOT_QUEUED, Code.CHANGED_SINCE, Code.BUSY
        ):  # fmt: skip
            wrong = told(run, desk, move, moved(2, **{a: code}))
            assert f"names {a} with {code}" in broken(rule, run, wrong)
        place = m.RequestPlaceInQueue(tenant_id=1, interaction_id=b, queue="In")
        answered(run, one(run, "mail"), place)
        two = answered(run, desk, move)
        assert two.outcome == moved(2, **{b: Code.CHANGED_SINCE})
        assert answered(run, desk, move).outcome == two.outcome, "its own move is no change"
        assert run.breach is None, run.breach


def test_a_stop_that_was_not_made_and_one_that_was_made_twice() -> None:
    with running() as run:
        taken = took(run)
        rule, desk = rules.moves_and_stops_are_done, taken.player
        stop = m.RequestStopInteractions(**of(taken))
        answered(run, desk, stop)
        assert run.breach is None, run.breach
        assert run.ended == dict.fromkeys(taken.ids, 1)
        again = told(run, desk, stop, moved(3))
        assert "was ended 2 times" in broken(rule, run, again)
        other = took(run)
        wrong = told(run, desk, m.RequestStopInteractions(**of(other)), moved(3))
        assert "and it is there" in broken(rule, run, wrong)


def test_what_may_have_been_stopped_is_not_missed() -> None:
    with running() as run:
        taken = took(run)
        stop = m.RequestStopInteractions(**of(taken))
        doubt = told(run, taken.player, stop, RequestRefused(Code.LOST_CONNECTION))
        assert not broken(rules.moves_and_stops_are_done, run, doubt)
        assert run.doubtful.keys() == set(taken.ids)
        run.doubtful.clear()
        refused = told(run, taken.player, stop, RequestRefused(Code.NOT_ACCESSIBLE))
        assert not broken(rules.moves_and_stops_are_done, run, refused)
        assert run.doubtful == {}
        assert rules.may_be_stopped(run) == set()
        run.ask(taken.player, stop)
        run.cluster.kill_client(taken.player.here)
        run.cluster.run(1.0)
        assert rules.may_be_stopped(run) == set(taken.ids)
        assert list(rules_at_rest.nothing_acknowledged_is_lost(run)) == []


def test_a_snapshot_that_ends_by_itself_where_nothing_breaks() -> None:
    with running(calm=True) as run:
        taken = took(run)
        rule = rules.a_snapshot_stays_where_nothing_breaks
        page = m.RequestGetSnapshotInteractions(**of(taken))
        gone = told(run, taken.player, page, RequestRefused(Code.SNAPSHOT_NOT_ACCESSIBLE))
        assert "was never released" in broken(rule, run, gone)
        release = m.RequestReleaseSnapshot(**of(taken))
        released = told(run, taken.player, release, m.EventAck())
        assert "has released it" in broken(rule, run, released)
        taken.releases = 1
        assert not broken(rule, run, gone)


@pytest.mark.parametrize("code", [Code.NOT_ACCESSIBLE, Code.LOST_CONNECTION])
def test_whose_release_was_refused_has_its_snapshot_still(code: int) -> None:
    with running() as run:
        taken = took(run)
        taken.releases = 1
        release = m.RequestReleaseSnapshot(**of(taken))
        refused = told(run, taken.player, release, RequestRefused(code))
        assert not broken(rules.a_snapshot_stays_where_nothing_breaks, run, refused)
        mine = run.kept(Books).mine(run, "desk")
        assert mine == ([taken] if code == Code.NOT_ACCESSIBLE else [])


def test_what_is_submitted_later_is_no_member() -> None:
    with running() as run:
        taken = took(run)
        submitted(run, 9)
        page = answered(run, taken.player, m.RequestGetSnapshotInteractions(**of(taken)))
        assert list(page.outcome.interactions) == taken.ids  # type: ignore[union-attr]
        assert run.breach is None, run.breach
