"""Snapshots of whole clusters: real nodes, proxies and clients, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Request
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster
from tests.testing.stocking import stocked

MANY = NodeSettings(max_interactions_per_snapshot=10_000)


class Desk:
    """A client that asks about snapshots, and waits for each answer."""

    def __init__(self, cluster: Cluster, **where: Any) -> None:
        self.cluster = cluster
        self.client = cluster.client("desk", "MediaServer", **where)

    def ask(self, request: Request) -> Any:
        """The answer."""
        return self.cluster.finish(self.client.request(request))

    def take(self, **more: Any) -> Any:
        """Take a snapshot."""
        return self.ask(m.RequestTakeSnapshot(tenant_id=1, **more))

    def page(self, identifier: int, start: int = 0, number: int = 0) -> Any:
        """Read a page."""
        return self.ask(
            m.RequestGetSnapshotInteractions(
                tenant_id=1,
                snapshot_id=identifier,
                start_from=start,
                number_of_interactions=number,
            )
        )

    def release(self, identifier: int) -> None:
        """Release one."""
        self.ask(m.RequestReleaseSnapshot(tenant_id=1, snapshot_id=identifier))

    def refusal(self, request: Request) -> int:
        """The code with which something is refused."""
        with pytest.raises(RequestRefused) as refused:
            self.ask(request)
        return refused.value.code

    def get(self, identifier: int) -> m.RequestGetSnapshotInteractions:
        """What asks for all."""
        return m.RequestGetSnapshotInteractions(tenant_id=1, snapshot_id=identifier)


@contextmanager
def ended(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster that is closed afterwards, whatever happens."""
    try:
        yield cluster
    finally:
        cluster.close()


def left_over(cluster: Cluster) -> list[str]:
    """Snapshots, members and locks that any node has."""
    found = [f"{row['node']}: snapshot {row['snapshot_id']}" for row in cluster.rows("snapshots")]
    found += [f"{row['node']}: a member" for row in cluster.rows("snapshot_members")]
    locked = [row for row in cluster.rows("interactions") if row["is_locked"]]
    return found + [f"{row['node']}: {row['id']} is locked" for row in locked]


def remembered(cluster: Cluster) -> int:
    """Snapshots that proxies know, or have still to release."""
    cores = [each.core for each in (*cluster.proxies, *cluster.outers) if each.core is not None]
    return sum(len(core.state.snapshots) + len(core.snapshots.unreleased) for core in cores)


def read_all(desk: Desk, identifier: int, number: int, between: Any = None) -> list[list[str]]:
    """All pages: of each the ids, in order, those that have left behind the others."""
    pages: list[list[str]] = []
    start, more = 0, True
    while more:
        page = desk.page(identifier, start, number)
        pages.append([*page.interactions, *page.errors])
        start += len(pages[-1])
        more = page.have_more
        if between is not None:
            between(pages)
    return pages


def together(pages: list[list[str]]) -> list[str]:
    return [each for page in pages for each in page]


class Coming:
    """Interactions come and go between two pages: known and unknown ones, on all nodes."""

    def __init__(self, desk: Desk, ids: list[str], seed: int) -> None:
        self._desk = desk
        self._random = Random(seed)
        self._here = set(ids)
        self.gone: set[str] = set()

    def __call__(self, pages: list[list[str]]) -> None:
        for each in self._random.sample(sorted(self._here), 3):
            self._desk.ask(m.RequestStopProcessing(tenant_id=1, interaction_id=each))
            self._here.discard(each)
            self.gone.add(each)
        for _ in range(3):
            submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")
            self._desk.ask(submit)


@pytest.mark.parametrize(
    ("nodes", "each", "at_once", "outer"), [(3, 10_000, 1_500, 0), (2, 300, 50, 1)]
)
def test_every_id_of_a_snapshot_is_on_one_page_once_whatever_comes_and_goes(
    nodes: int, each: int, at_once: int, outer: int
) -> None:
    """Idea 23: 30,000 interactions of three nodes; and fewer through a chain of proxies."""
    cluster = stocked(each, nodes=nodes, proxies=1, outer=outer, node_settings=MANY)
    with ended(cluster):
        desk = Desk(cluster)
        ids = [row["id"] for row in cluster.rows("interactions")]
        taken = desk.take()
        assert taken.number_of_interactions == nodes * each
        coming = Coming(desk, ids, 1)
        pages = read_all(desk, taken.snapshot_id, at_once, coming)
        seen = together(pages)
        assert len(seen) == len(ids)
        assert set(seen) == set(ids)
        assert [set(page) for page in read_all(desk, taken.snapshot_id, at_once)] == [
            set(page) for page in pages
        ]
        # Within a page the order is that of the take: here of the nodes, and of arrival on each.
        rest = desk.page(taken.snapshot_id, 0, at_once)
        assert list(rest.interactions) == sorted(rest.interactions)
        assert set(rest.errors) == set(pages[0]) & coming.gone
        desk.release(taken.snapshot_id)
        assert (left_over(cluster), remembered(cluster)) == ([], 0)


def priorities(node: str, at: int) -> dict[str, Any]:
    """Equal keys, nulls and mixed case, on all nodes."""
    names = ("b", "A", "", "B", "a", None, "ä", "Z")
    return {"priority": (None, 5, 5, -1, 2**40)[at % 5], "external_id": names[at % 8]}


ORDER = "priority DESC, ExternalId"


def test_pages_in_an_order_are_stable_and_their_sort_keys_give_that_of_one_server() -> None:
    """Idea 22: sorted merge with equal keys, nulls, mixed case; stable over two reads."""
    cluster = stocked(80, priorities, nodes=3, proxies=1)
    with ended(cluster):
        desk = Desk(cluster)
        taken = desk.take(order=ORDER)
        first, second = (read_all(desk, taken.snapshot_id, 17) for _ in range(2))
        assert first == second
        keys: dict[str, bytes] = {}
        for start in range(0, 240, 17):
            keys |= desk.page(taken.snapshot_id, start, 17).sort_keys
        assert len(keys) == 240
        order = together(first)
        for node in cluster.nodes:
            there = [keys[each] for each in order if each.startswith(node.name)]
            assert there == sorted(there)
        merged = sorted(order, key=keys.__getitem__)
        values = {row["id"]: (row["priority"], row["external_id"]) for row in rows_of(cluster)}
        assert [values[each] for each in merged] == sorted(values.values(), key=one_server)


def rows_of(cluster: Cluster) -> list[dict[str, Any]]:
    return cluster.rows("interactions")


def one_server(value: tuple[int | None, str | None]) -> Any:
    """Highest priority first and none last; then texts by bytes, none first."""
    priority, text = value
    least = (1, 0) if priority is None else (0, -priority)
    return least, text is not None, (text or "").encode()


def test_a_node_that_is_away_makes_2006_and_one_that_is_back_goes_on() -> None:
    """Idea 24, and what a restart of a node keeps."""
    with ended(stocked(5, nodes=2, proxies=1)) as cluster:
        desk = Desk(cluster)
        taken = desk.take(lock=True)
        cluster.kill_node(1)
        cluster.run(0.5)
        assert desk.refusal(desk.get(taken.snapshot_id)) == Code.SNAPSHOT_NOT_ACCESSIBLE
        cluster.restart_node(1)
        cluster.settled()
        assert len(desk.page(taken.snapshot_id).interactions) == 10
        cluster.kill_node(1)
        cluster.run(0.5)
        desk.release(taken.snapshot_id)
        cluster.restart_node(1)
        cluster.settled()
        cluster.run(2.0)
        assert (left_over(cluster), remembered(cluster)) == ([], 0)


def test_a_pair_that_switches_over_goes_on_with_its_part() -> None:
    with ended(stocked(5, nodes=2, proxies=1, pairs=True)) as cluster:
        desk = Desk(cluster)
        taken = desk.take(lock=True)
        cluster.kill_node(0)
        cluster.run(20.0)
        cluster.settled()
        move = m.RequestMoveInteractions(
            tenant_id=1, snapshot_id=taken.snapshot_id, queue="Second"
        )
        assert desk.ask(move).number_of_interactions == 10
        desk.release(taken.snapshot_id)
        assert left_over(cluster) == []


@pytest.mark.parametrize("outer", [0, 1])
@pytest.mark.parametrize("how", ["it dies", "it says goodbye", "its proxy dies"])
def test_who_vanishes_leaves_no_snapshot_and_no_lock(how: str, outer: int) -> None:
    """Idea 25: a client or proxy vanishes: snapshots and locks freed, count back to zero."""
    settings = NodeSettings(agent_session_restore_timeout=20, max_number_of_snapshots=2)
    cluster = stocked(5, nodes=2, proxies=1, outer=outer, node_settings=settings)
    with ended(cluster):
        desk = Desk(cluster)
        for _ in range(2):
            desk.take(lock=True)
        assert len(left_over(cluster)) > 10
        if how == "it dies":
            cluster.kill_client(desk.client)
        elif how == "it says goodbye":
            cluster.finish(desk.client.close())
        elif outer:
            cluster.kill_outer(0)
        else:
            cluster.kill_proxy(0)
        # Through a proxy that lives nobody waits for a session to end.
        cluster.run(30.0 if how == "its proxy dies" and not outer else 2.0)
        assert left_over(cluster) == []
        if how == "its proxy dies":
            (cluster.start_outer if outer else cluster.start_proxy)(0)
        again = Desk(cluster)
        again.take(lock=True)
        assert again.take().number_of_interactions == 10


def test_a_client_that_comes_back_through_another_proxy_has_no_snapshot_left() -> None:
    with ended(stocked(5, nodes=2, proxies=2)) as cluster:
        desk = Desk(cluster, proxy=(0, 1))
        taken = desk.take(lock=True)
        cluster.kill_proxy(0)
        cluster.run(10.0)
        assert desk.refusal(desk.get(taken.snapshot_id)) == Code.SNAPSHOT_NOT_ACCESSIBLE
        assert left_over(cluster) == []


@pytest.mark.parametrize("outer", [0, 1])
def test_whenever_a_client_dies_while_it_takes_nothing_is_left(outer: int) -> None:
    """Idea 25: in the middle of a take, on no node, some or all."""
    cluster = stocked(700, nodes=2, proxies=1, outer=outer, node_settings=MANY)
    with ended(cluster):
        for at in range(14):
            desk = Desk(cluster)
            taking = desk.client.request(m.RequestTakeSnapshot(tenant_id=1, lock=True))
            taking.addErrback(lambda failure: None)
            cluster.run(at * 0.0014)
            cluster.kill_client(desk.client)
            cluster.run(3.0)
            assert (left_over(cluster), remembered(cluster)) == ([], 0), f"after {at}"
