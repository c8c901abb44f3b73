"""A node whose disk is full, in a cluster whose other nodes are well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.interfaces import IStore
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.faults import Fault, FaultyStore

SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")


class Disk:
    """That of the first node."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.stores: list[FaultyStore] = []
        cluster.nodes[0].around_store = self._around

    def _around(self, store: IStore) -> IStore:
        self.stores.append(FaultyStore(store))
        return self.stores[-1]

    def fill(self) -> None:
        self.stores[-1].broken["commit"] = Fault.DISK_FULL

    def free(self) -> None:
        self.stores[-1].broken.clear()


@pytest.fixture
def disk() -> Iterator[Disk]:
    cluster = Cluster(nodes=2, proxies=1, start=False)
    disk = Disk(cluster)
    for number in range(2):
        cluster.start_node(number)
    cluster.start_proxy(0)
    cluster.run(1.0)
    yield disk
    cluster.close()


def on_first(disk: Disk) -> m.RequestGetInteractionProperties:
    """What is asked of the node whose disk is to be full."""
    cluster = disk.cluster
    mail = cluster.client("mail", "MediaServer", proxy=0)
    while not any(row["node"] == cluster.nodes[0].name for row in cluster.rows("interactions")):
        cluster.finish(mail.request(SUBMIT))
    row = next(row for row in cluster.rows("interactions") if row["node"] == cluster.nodes[0].name)
    return m.RequestGetInteractionProperties(tenant_id=1, interaction_id=row["id"])


def test_who_was_there_reads_on(disk: Disk) -> None:
    asked = on_first(disk)
    desk = disk.cluster.client("desk", "AgentApplication", proxy=0)
    disk.fill()
    answer = disk.cluster.finish(desk.request(asked))
    assert answer.interaction_id == asked.interaction_id


def test_who_comes_works_with_the_other_nodes_and_with_that_one_when_it_can(disk: Disk) -> None:
    asked, cluster = on_first(disk), disk.cluster
    disk.fill()
    desk = cluster.client("desk", "MediaServer", proxy=0)
    for _ in range(4):
        try:
            ack = cluster.finish(desk.request(SUBMIT))
        except RequestRefused as refusal:
            pytest.fail(f"another node could take it: {refusal}")
        assert isinstance(ack, m.EventAck)
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(desk.request(asked))
    assert refused.value.code == Code.NOT_ACCESSIBLE
    disk.free()
    cluster.run(3.0)
    assert cluster.finish(desk.request(asked)).interaction_id == asked.interaction_id
    assert cluster.problems() == []


def test_a_proxy_that_comes_back_is_linked_when_the_disk_is_not_full_any_more(disk: Disk) -> None:
    asked, cluster = on_first(disk), disk.cluster
    disk.fill()
    ends = cluster.nodes[0].host, cluster.proxies[0].name
    cluster.cut(*ends)
    cluster.run(60.0)
    cluster.heal(*ends)
    cluster.run(3.0)
    desk = cluster.client("desk", "MediaServer", proxy=0)
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(desk.request(asked))
    assert refused.value.code == Code.NOT_ACCESSIBLE
    assert isinstance(cluster.finish(desk.request(SUBMIT)), m.EventAck)
    disk.free()
    cluster.run(10.0)
    assert cluster.finish(desk.request(asked)).interaction_id == asked.interaction_id
