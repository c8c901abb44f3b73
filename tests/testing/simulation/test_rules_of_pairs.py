"""Each rule of pairs can be broken."""

from __future__ import annotations

from twisted.internet.protocol import Factory

from ixproxy.node.leading import State
from ixproxy.testing.memory_servers import node_address
from ixproxy.testing.simulation import rules_of_pairs as rules
from ixproxy.testing.simulation.pairs import freeze, of_primary
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import running


def deposed(run: Run) -> str:
    """The name of a server that was primary, was silent for too long, and has come back."""
    primary = run.cluster.nodes[0].primary
    assert primary is not None
    of_primary(freeze)(run, Draws(2 * 99))
    run.cluster.run(run.world.unserved)
    for mend in run.mends.values():
        mend()
    run.cluster.run(3.0)
    assert run.cluster.nodes[0].primary is not primary
    return primary.name


def test_where_nothing_is_wrong_no_rule_is_broken() -> None:
    with running(pairs=True, ends_whole=False) as run:
        name = deposed(run)
        assert run.lives[name] is State.WAITING
        assert list(rules.one_server_of_a_pair_serves(run)) == []
        assert list(rules.who_is_deposed_waits_and_has_said_so(run)) == []


def test_both_servers_listen() -> None:
    with running(pairs=True) as run:
        backup = run.cluster.nodes[0].backup
        assert backup is not None
        run.cluster.network.listen(node_address(backup.name), Factory())
        assert "listen [<node1" in next(rules.one_server_of_a_pair_serves(run))


def test_the_one_that_serves_has_an_old_lease() -> None:
    with running(pairs=True) as run:
        run.ledger.epochs["node2"] += 1
        assert "the newest lease is" in next(rules.one_server_of_a_pair_serves(run))


def test_a_deposed_server_has_said_nothing() -> None:
    with running(pairs=True, ends_whole=False) as run:
        name = deposed(run)
        run.lives[name] = State.PRIMARY
        (told,) = rules.who_is_deposed_waits_and_has_said_so(run)
        assert "has not said" in told


def test_a_deposed_server_does_something_else() -> None:
    with running(pairs=True, ends_whole=False) as run:
        member = run.cluster.nodes[0].member(deposed(run)).member
        assert member is not None
        member.state = State.LEAVING
        assert "does not wait" in next(rules.who_is_deposed_waits_and_has_said_so(run))


def test_lone_servers_are_no_pairs() -> None:
    with running() as run:
        run.ledger.epochs["node2"] += 1
        assert list(rules.one_server_of_a_pair_serves(run)) == []
        assert list(rules.who_is_deposed_waits_and_has_said_so(run)) == []
