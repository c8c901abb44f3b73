from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.simulation.ending import end
from ixproxy.testing.simulation.rules_of_locks import nothing_is_locked
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshots_at_rest import read_and_release
from tests.testing.simulation.small_worlds import answered, one, pulled, running
from tests.testing.simulation.snapshots_of_runs import of, took


def pages(run: Run) -> int:
    return sum(isinstance(each.request, m.RequestGetSnapshotInteractions) for each in run.asked)


@pytest.mark.parametrize("seed", [1, 2, 3, 6])
@pytest.mark.parametrize("outer", [0, 1])
def test_all_snapshots_are_read_to_their_ends_and_nothing_stays_locked(
    seed: int, outer: int
) -> None:
    with running(snapshots=True, outer=outer, seed=seed) as run:
        pulled(run)
        took(run, 5, lock=True)
        took(run, 0, "mail")
        end(run)
        assert run.breach is None, run.breach
        assert pages(run) == 3 + 3
        assert list(nothing_is_locked(run)) == []
        assert run.last is not None
        assert len(run.last.here.holding) == 6


def test_where_there_are_none_nothing_is_done() -> None:
    with running() as run:
        took(run)
        read_and_release(run)
        assert pages(run) == 0


def test_one_that_was_released_is_not_read() -> None:
    with running(snapshots=True) as run:
        taken = took(run)
        answered(run, taken.player, m.RequestReleaseSnapshot(**of(taken)))
        read_and_release(run)
        assert pages(run) == 0
        assert run.breach is None


def test_a_page_that_is_refused_at_rest_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(snapshots=True) as run:
        took(run)
        ask = run.ask

        def refused(player: object, request: object, **more: object) -> object:
            asked = ask(player, request, **more)  # type: ignore[arg-type]
            asked.outcome = RequestRefused(Code.SNAPSHOT_NOT_ACCESSIBLE)
            return asked

        monkeypatch.setattr(run, "ask", refused)
        read_and_release(run)
        assert run.breach is not None
        assert run.breach.rule == "a_snapshot_that_is_there_can_be_used"


def test_a_snapshot_that_ends_too_soon_is_a_breach() -> None:
    with running(snapshots=True) as run:
        taken = took(run)
        taken.size = 4
        taken.parts = None
        read_and_release(run)
        assert run.breach is not None
        assert run.breach.rule == "pages_are_as_taken"


def test_a_lock_that_stays_is_a_breach() -> None:
    with running(snapshots=True) as run:
        taken = took(run, lock=True)
        assert one(run, "desk") is taken.player
        for proxy in run.cluster.proxies:
            assert proxy.core is not None
            proxy.core.state.snapshots._by_id.clear()
        read_and_release(run)
        assert run.breach is not None
        assert run.breach.rule == "nothing_is_locked"
