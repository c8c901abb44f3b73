from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.node.leading import State
from ixproxy.testing.cluster import PAIR_LIMIT, Cluster
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.memory_servers import MemoryServer

SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})


class Pair:
    """One node with two servers, a proxy and a client."""

    def __init__(self, seed: int = 1, **arguments: object) -> None:
        self.cluster = Cluster(seed, nodes=1, proxies=1, pairs=True, **arguments)  # type: ignore[arg-type]
        self.node: MemoryNode = self.cluster.nodes[0]
        self.first, self.second = self.node.members
        self.client: Client = self.cluster.client("mail-1", "MediaServer")

    def submit(self) -> str:
        identifier: str = self.cluster.finish(self.client.request(SUBMIT)).interaction_id
        return identifier

    def stored(self) -> set[str]:
        return {row["id"] for row in self.cluster.rows("interactions")}

    def seen(self) -> str:
        """Who is primary, and how the first server is."""
        primary = self.node.primary
        how = "paused" if self.first.paused else "alive" if self.first.alive else "dead"
        return f"primary {primary and primary.name}, node1 {how}"

    def states(self) -> list[State]:
        return [each.member.state for each in self.node.members if each.member is not None]


def test_a_server_that_is_stopped_in_order_hands_over_and_its_program_ends() -> None:
    pair = Pair()
    stopped: list[None] = []
    pair.first.stop().addCallback(stopped.append)
    pair.cluster.run(1)
    assert stopped == [None]
    assert not pair.first.alive
    assert pair.node.primary is pair.second
    assert pair.node.leases.ended == []
    pair.first.stop().addCallback(stopped.append)
    assert len(stopped) == 2
    pair.cluster.close()


def test_a_paused_server_says_nothing_and_is_killed_by_its_backup() -> None:
    pair = Pair()
    pair.first.pause()
    assert pair.seen() == "primary None, node1 paused"
    pair.cluster.run(PAIR_LIMIT - 0.5)
    assert pair.seen() == "primary None, node1 paused"
    pair.cluster.run(1.5)
    assert pair.node.leases.ended == ["node1"]
    assert pair.seen() == "primary node1-b, node1 dead"
    pair.first.resume()
    assert pair.seen() == "primary node1-b, node1 dead"
    pair.cluster.close()


def test_one_that_is_paused_for_a_moment_goes_on() -> None:
    pair = Pair()
    pair.first.pause()
    pair.cluster.run(PAIR_LIMIT / 2)
    pair.first.resume()
    pair.cluster.run(2 * PAIR_LIMIT)
    assert pair.node.primary is pair.first
    assert pair.submit() in pair.stored()
    pair.cluster.close()


def test_where_only_its_sessions_are_cut_it_wakes_up_and_finds_itself_deposed() -> None:
    pair = Pair(ends=MemoryServer.cut)
    pair.first.pause()
    pair.cluster.run(PAIR_LIMIT + 1)
    assert pair.first.alive
    assert pair.node.primary is pair.second
    pair.first.resume()
    pair.cluster.run(2)
    assert pair.states() == [State.WAITING, State.PRIMARY]
    pair.cluster.close()


@pytest.mark.parametrize("ends", [MemoryServer.kill, MemoryServer.cut])
def test_it_can_be_stopped_with_its_transaction_open(ends: object) -> None:
    pair = Pair(ends=ends)
    pair.first.pause(in_transaction=True)
    assert pair.seen() == "primary node1, node1 alive"
    asked = pair.client.request(SUBMIT)
    pair.cluster.run(0.5)
    assert pair.seen() == "primary None, node1 paused"
    assert pair.stored() == set()
    pair.first.resume()
    identifier = pair.cluster.finish(asked).interaction_id
    assert pair.stored() == {identifier}
    pair.cluster.close()


def test_one_that_does_not_reach_its_database_gives_up_and_waits() -> None:
    pair = Pair()
    pair.first.lose_store()
    pair.cluster.run(2 * PAIR_LIMIT + 2)
    assert pair.states() == [State.WAITING, State.PRIMARY]
    assert pair.first.alive
    pair.first.find_store()
    pair.second.kill()
    pair.cluster.run(2)
    assert pair.node.primary is pair.first
    pair.cluster.close()


@pytest.mark.parametrize("happens", [True, False])
def test_a_commit_of_which_nothing_is_heard_may_have_happened(happens: bool) -> None:
    pair = Pair()
    pair.first.lose_store(at_commit=happens)
    answers: list[object] = []
    pair.client.request(SUBMIT).addBoth(answers.append)
    pair.cluster.run(1)
    assert len(pair.stored()) == int(happens)
    assert "in doubt" in str(answers[0]) or "not known" in str(answers[0])
    pair.cluster.close()


def test_the_same_seed_is_the_same_run_whatever_is_paused() -> None:
    def run() -> list[float]:
        pair = Pair(5)
        random = Random(1)
        times = []
        for each in (pair.first, pair.second):
            each.pause(in_transaction=True)
            pair.client.request(SUBMIT).addErrback(lambda _: None)
            pair.cluster.run(random.random())
            each.resume()
            pair.submit()
            times.append(pair.cluster.seconds())
        pair.cluster.close()
        return times

    assert run() == run()


HINDERED: tuple[tuple[Callable[[MemoryServer], None], Callable[[MemoryServer], None]], ...] = (
    (MemoryServer.pause, MemoryServer.resume),
    (lambda server: server.pause(in_transaction=True), MemoryServer.resume),
    (MemoryServer.lose_store, MemoryServer.find_store),
    (lambda server: server.lose_store(True), MemoryServer.find_store),
    (MemoryServer.kill, MemoryServer.start),
)


@pytest.mark.parametrize(("hinder", "mend"), HINDERED)
def test_a_server_is_fit_while_nothing_hinders_it(
    hinder: Callable[[MemoryServer], None], mend: Callable[[MemoryServer], None]
) -> None:
    cluster = Cluster(nodes=1, proxies=0, pairs=True)
    server = cluster.nodes[0].members[0]
    fit = [server.fit]
    for change in (hinder, mend):
        change(server)
        fit.append(server.fit)
    assert fit == [True, False, True]
    cluster.close()
