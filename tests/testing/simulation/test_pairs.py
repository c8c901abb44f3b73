from __future__ import annotations

import pytest

from ixproxy.testing.simulation import breaking, pairs
from ixproxy.testing.simulation.breaking import mend
from ixproxy.testing.simulation.ending import end
from ixproxy.testing.simulation.run import Do
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import pulled, running

STEPS = {
    "kill": pairs.of_primary(pairs.kill),
    "stop": pairs.of_primary(pairs.stop),
    "freeze": pairs.of_primary(pairs.freeze),
    "kill backup": pairs.of_backup(pairs.kill),
    "freeze backup": pairs.of_backup(pairs.freeze),
    "lose store": pairs.of_primary(pairs.lose_store),
    "lose backup's store": pairs.of_backup(pairs.lose_store),
    "lose both stores": pairs.lose_both_stores,
}
LASTING = 2 * 99
"""A chance with which the first node is concerned, and what breaks is not mended at once."""


@pytest.mark.parametrize("ends_whole", [True, False])
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_what_happens_to_a_pair_is_mended_and_loses_nothing(step: Do, ends_whole: bool) -> None:
    with running(pairs=True, ends_whole=ends_whole) as run:
        identifier = pulled(run)
        step(run, Draws(LASTING))
        assert len(run.mends) == 1
        run.cluster.run(run.world.unserved)
        mend(run, Draws(0))
        run.cluster.run(run.world.unserved)
        assert all(server.fit for node in run.cluster.nodes for server in node.members)
        assert identifier in run.ledger.owners
        end(run)
        assert run.breach is None, run.breach


def test_where_there_is_no_primary_nothing_happens_to_it() -> None:
    with running(pairs=True, nodes=1) as run:
        breaking.kill_node(run, Draws(99))
        for step in (STEPS["kill"], STEPS["freeze backup"]):
            step(run, Draws(0))
        assert len(run.mends) == 1


def test_a_server_stays_dead_while_both_are() -> None:
    with running(pairs=True, nodes=1) as run:
        STEPS["kill"](run, Draws(99))
        breaking.kill_node(run, Draws(99))
        assert run.down.keys() == {"node1"}
        mend(run, Draws(0))
        assert not run.cluster.nodes[0].alive
        mend(run, Draws(0))
        run.cluster.run(2.0)
        assert run.cluster.nodes[0].listening


def test_a_server_that_is_stopped_is_started_when_it_has_ended() -> None:
    with running(pairs=True, nodes=1) as run:
        primary = run.cluster.nodes[0].primary
        assert primary is not None
        before = run.ledger.epochs["node1"]
        STEPS["stop"](run, Draws(0))
        assert run.mends == {}
        run.cluster.run(2.0)
        assert primary.alive
        assert run.cluster.nodes[0].listening
        assert run.ledger.epochs["node1"] > before
