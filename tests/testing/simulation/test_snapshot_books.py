from __future__ import annotations

import pytest

from ixproxy.testing.simulation.snapshot_books import Books, parts_of
from tests.testing.simulation.small_worlds import one, running
from tests.testing.simulation.snapshots_of_runs import took


@pytest.mark.parametrize("outer", [0, 1])
def test_the_parts_of_a_snapshot_are_found_through_all_proxies(outer: int) -> None:
    with running(outer=outer) as run:
        taken = took(run, 4)
        assert taken.parts is not None
        assert [part.node for part in taken.parts] == ["node1", "node2"]
        assert len(taken.ids) == taken.size == 4
        assert set(taken.where) == set(taken.ids) == set(run.ledger.owners)


def test_what_no_proxy_knows_has_no_parts() -> None:
    with running() as run:
        taken = took(run)
        assert parts_of(run, one(run, "mail"), taken.id) is None
        assert parts_of(run, taken.player, taken.id + 1) is None
        run.ledger.snapshots.of.clear()
        assert parts_of(run, taken.player, taken.id) is None


def test_a_client_that_has_gone_has_none_any_more() -> None:
    with running() as run:
        taken = took(run)
        assert run.kept(Books).mine(run, "desk") == [taken]
        assert run.kept(Books).mine(run, "mail") == []
        taken.player.left = True
        assert run.kept(Books).mine(run, "desk") == []
