"""The promise of service can be broken, and what follows of itself gives no more time."""

from __future__ import annotations

import pytest

from ixproxy.net.pair_member import NodePairMember
from ixproxy.testing.memory_servers import node_address
from ixproxy.testing.simulation import breaking, pairs
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import running

ONLY_ONE = 2 * 99
"""A chance with which the first node is concerned, and what breaks is not mended at once."""

RULE = "a_pair_serves_again_in_time"


def waited(run: Run, more: float = 0.5) -> str:
    """The rule that is broken when the time that a pair may take is over; "" for none."""
    run.cluster.run(run.world.unserved + more)
    return run.breach.rule if run.breach is not None else ""


@pytest.mark.parametrize("happens", [pairs.kill, pairs.stop, pairs.freeze, pairs.lose_store])
def test_a_pair_serves_again_in_time_whatever_happens_to_its_primary(happens: pairs.Of) -> None:
    with running(pairs=True) as run:
        pairs.of_primary(happens)(run, Draws(ONLY_ONE))
        assert waited(run, 10.0) == ""
        assert 0 < run.service.longest <= run.world.unserved


def test_it_is_a_breach_if_nobody_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(pairs=True) as run:
        monkeypatch.setattr(NodePairMember, "_took", lambda *_: None)
        pairs.of_primary(pairs.kill)(run, Draws(ONLY_ONE))
        assert waited(run) == RULE
        assert run.breach is not None
        assert "node1 has no primary" in run.breach.text


def test_it_is_a_breach_if_a_proxy_does_not_find_the_new_primary() -> None:
    with running(pairs=True) as run:
        backup = run.cluster.nodes[0].backup
        assert backup is not None
        run.cluster.network.refuse(node_address(backup.name))
        pairs.of_primary(pairs.kill)(run, Draws(ONLY_ONE))
        assert waited(run) == RULE
        assert run.breach is not None
        assert "proxy1 is linked with nobody" in run.breach.text


def test_the_end_of_a_silent_server_gives_no_more_time() -> None:
    with running(pairs=True, lease_limit=2.0) as run:
        backup = run.cluster.nodes[0].backup
        assert backup is not None
        run.cluster.network.refuse(node_address(backup.name))
        before = run.now()
        pairs.of_primary(pairs.freeze)(run, Draws(ONLY_ONE))
        run.cluster.run_until(lambda: run.breach is not None, "it is no breach")
        assert run.now() - before <= 4.3


def test_nobody_is_blamed_while_no_server_could_serve() -> None:
    with running(pairs=True) as run:
        breaking.kill_node(run, Draws(ONLY_ONE))
        assert waited(run, 10.0) == ""
        breaking.mend(run, Draws(0))
        assert waited(run) == ""


def test_nor_for_what_is_cut_off() -> None:
    with running(pairs=True) as run:
        primary = run.cluster.nodes[0].primary
        assert primary is not None
        run.cluster.cut("proxy1", primary.name)
        run.cluster.network.lose("proxy1", primary.name)
        assert waited(run, 10.0) == ""


def test_nor_while_the_disk_of_the_database_is_full() -> None:
    with running(pairs=True) as run:
        primary = run.cluster.nodes[0].primary
        assert primary is not None
        breaking.fill_disk(run, Draws(ONLY_ONE))
        run.cluster.network.lose("proxy1", primary.name)
        assert waited(run, 10.0) == ""
        assert run.cluster.proxies[0].linked < len(run.cluster.nodes)
        breaking.mend(run, Draws(0))
        assert waited(run) == ""
        assert run.cluster.proxies[0].linked == len(run.cluster.nodes)


def test_who_loses_the_database_at_a_commit_is_replaced_in_time() -> None:
    with running(pairs=True) as run:
        primary = run.cluster.nodes[0].primary
        assert primary is not None
        primary.lose_store(True)
        run.cluster.network.lose("proxy1", primary.name)
        run.cluster.run_until(lambda: primary.out_of_reach, "it never commits")
        assert waited(run, 10.0) == ""
        assert run.cluster.nodes[0].primary not in (None, primary)


def test_a_disturbance_gives_time_again() -> None:
    with running(pairs=True) as run:
        backup = run.cluster.nodes[0].backup
        assert backup is not None
        run.cluster.network.refuse(node_address(backup.name))
        pairs.of_primary(pairs.kill)(run, Draws(ONLY_ONE))
        run.cluster.run(run.world.unserved - 0.5)
        run.service.disturb("proxy1")
        assert waited(run, -0.5) == ""
        assert waited(run) == RULE
