from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.node import snapshot_moves
from ixproxy.node import snapshots as on_node
from ixproxy.testing.simulation import snapshots
from ixproxy.testing.simulation.snapshot_books import Books
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import running, small_world, submitted
from tests.testing.simulation.snapshots_of_runs import took


def test_somebody_takes_snapshots_and_not_too_many() -> None:
    with running(routers=0, media=1, desks=0) as run:
        submitted(run)
        for _ in range(snapshots.MOST + 2):
            snapshots.take(run, Draws(98765432109876543210 + 4))
            run.cluster.run(0.5)
        assert len(run.kept(Books).taken) == snapshots.MOST
        assert run.breach is None, run.breach


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (snapshots.page, m.EventSnapshotInteractions),
        (snapshots.lock, m.EventAck),
        (snapshots.unlock, m.EventAck),
        (snapshots.move, m.EventInteractionMoved),
        (snapshots.stop, m.EventInteractionMoved),
        (snapshots.release, m.EventAck),
    ],
)
@pytest.mark.parametrize("outer", [0, 1])
def test_whoever_has_one_does_something_with_it(step: Any, kind: type, outer: int) -> None:
    with running(outer=outer) as run:
        took(run)
        step(run, Draws(12345 << 40))
        asked = run.asked[-1]
        run.cluster.run(1.0)
        assert isinstance(asked.outcome, kind), asked.outcome
        assert run.breach is None, run.breach


def test_now_and_then_somebody_else_names_it_in_vain() -> None:
    with running() as run:
        taken = took(run)
        for chance in (97, 197, 297):
            snapshots.page(run, Draws(chance))
            asked = run.asked[-1]
            run.cluster.run(0.5)
            refused = isinstance(asked.outcome, RequestRefused)
            assert refused == (asked.player is not taken.player)
        codes = [
            asked.outcome.code for asked in run.asked if isinstance(asked.outcome, RequestRefused)
        ]
        assert codes == [Code.SNAPSHOT_NOT_ACCESSIBLE] * 2
        assert run.breach is None, run.breach


def test_what_was_released_is_used_no_more_but_what_could_not_be_is() -> None:
    with running() as run:
        took(run)
        snapshots.release(run, Draws(0))
        assert run.kept(Books).mine(run, "desk") == []
        run.cluster.run(0.5)
        other = took(run)
        run.cluster.cut(other.player.host, "proxy1")
        run.cluster.run(run.world.ending)
        snapshots.release(run, Draws(0))
        run.cluster.run(run.world.waiting)
        refusal = run.asked[-1].outcome
        assert isinstance(refusal, RequestRefused)
        assert not refusal.in_doubt
        assert run.kept(Books).mine(run, "desk") == [other]


def test_where_there_are_snapshots_nodes_do_less_at_a_time() -> None:
    usual = on_node.AT_A_TIME
    moves: Any = snapshot_moves
    with snapshots.in_small_steps(small_world(snapshots=True, members_at_a_time=3)):
        assert [on_node.AT_A_TIME, moves.AT_A_TIME] == [3, 3]
    with snapshots.in_small_steps(small_world()):
        assert [usual, usual] == [on_node.AT_A_TIME, moves.AT_A_TIME]
