"""
What a takeover leaves as it was, and what a deposed primary can do: nothing.

Every test runs on both kinds of store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.logger import capturedLogs, formatEvent

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.leading import State
from ixproxy.testing.cluster import PAIR_LIMIT, Cluster
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.memory_servers import MemoryServer
from ixproxy.testing.places import Places
from ixproxy.testing.stage import Stage, delivered, handled, routed
from ixproxy.values import ClientType

SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")
FIND = m.RequestFindInteractions(tenant_id=1, condition="Queue = 'In'")
HELD = m.RequestPull(tenant_id=1, view_id="In/All", extension={"pull-for-strategy": 1})

SETTLED = 2 * PAIR_LIMIT + 4.0
"""Seconds after which the backup serves and proxies are linked with it, whatever happened."""


@pytest.fixture
def stage(stores: Places) -> Iterator[Stage]:
    """Three nodes with two servers each; a silent one has its sessions cut, and is not killed."""
    stage = Stage(2, stores=stores, pairs=True, ends=MemoryServer.cut)
    yield stage
    assert stage.cluster.problems() == []
    stage.close()


def owner(stage: Stage, identifier: str) -> MemoryNode:
    """The node that has an interaction."""
    row = stage.row(identifier)
    assert row is not None
    return next(node for node in stage.cluster.nodes if node.name == row["node"])


def killed(stage: Stage, node: MemoryNode) -> None:
    """The primary dies, and the backup takes over."""
    node.kill()
    stage.cluster.run(SETTLED)
    assert node.host == f"{node.name}-b"


def paused(stage: Stage, node: MemoryNode) -> None:
    """The primary is stopped, the backup takes over, and the old one wakes up."""
    primary = node.primary
    assert primary is not None
    primary.pause()
    stage.cluster.run(SETTLED)
    assert node.host == f"{node.name}-b"
    primary.resume()
    stage.cluster.run(1)
    assert node.host == f"{node.name}-b"


def stopped(stage: Stage, node: MemoryNode) -> None:
    """The primary is stopped in order."""
    assert node.primary is not None
    node.primary.stop()
    stage.cluster.run(SETTLED)
    assert node.host == f"{node.name}-b"


Takeover = Callable[[Stage, MemoryNode], None]
TAKEOVERS = pytest.mark.parametrize("takeover", [killed, paused, stopped])


@TAKEOVERS
def test_who_is_logged_in_and_what_they_hold_stays(stage: Stage, takeover: Takeover) -> None:
    """Agents do not notice, and reporting clients hear of no logout."""
    watcher = stage.cluster.client("stat", ClientType.REPORTING_ENGINE)
    heard: list[Any] = []
    watcher.on_event(heard.append)
    stage.ask(watcher, m.RequestStartPlaceAgentStateReportingAll())
    identifier = handled(stage)
    takeover(stage, owner(stage, identifier))
    assert not [event for event in heard if isinstance(event, m.EventAgentLogout)]
    assert list(stage.agents["Ann"].holding) == [identifier]
    agents = {(row["node"], row["agent_id"]) for row in stage.cluster.rows("agents")}
    assert len(agents) == 9
    stage.ask(stage.agents["Ann"], stage.on(m.RequestPlaceInQueue, identifier, queue="Second"))
    assert stage.agents["Ann"].holding == {}


@TAKEOVERS
def test_an_invitation_stands_and_can_be_accepted(stage: Stage, takeover: Takeover) -> None:
    identifier, answers = delivered(stage)
    takeover(stage, owner(stage, identifier))
    (refusal,) = answers
    assert isinstance(refusal, RequestRefused)
    assert refusal.in_doubt
    ann = stage.agents["Ann"]
    accepted = stage.on(m.RequestAccept, identifier, ticket_id=stage.ticket("Ann"))
    ack = stage.ask(ann, accepted)
    stage.cluster.run(1)
    assert (stage.router.holding, ann.holding) == ({}, {identifier: ack.take_number})


def test_an_invitation_ends_at_its_time(stage: Stage) -> None:
    identifier, _ = delivered(stage)
    killed(stage, owner(stage, identifier))
    assert len(stage.agents["Ann"].invitations) == 1
    stage.cluster.run(30)
    assert stage.agents["Ann"].invitations == {}
    row = stage.row(identifier)
    assert row is not None
    assert row["state"] == 0


def test_timers_go_on(stage: Stage) -> None:
    """The time for handling began before the takeover, and ends when it would have."""
    identifier = handled(stage)
    killed(stage, owner(stage, identifier))
    stage.cluster.run(45)
    assert list(stage.agents["Ann"].holding) == [identifier]
    stage.cluster.run(15)
    assert stage.agents["Ann"].holding == {}
    assert "Revoked" in stage.names("Ann")


@TAKEOVERS
def test_event_numbers_go_on_and_what_is_to_be_reported_is_kept(
    stage: Stage, takeover: Takeover
) -> None:
    identifier = routed(stage)
    node = owner(stage, identifier)
    before = {row["event_number"] for row in node.rows("outbox")}
    takeover(stage, node)
    stage.ask(stage.router, stage.on(m.RequestPlaceInQueue, identifier, queue="Second"))
    after = {row["event_number"] for row in node.rows("outbox")}
    assert before < after
    assert min(after - before) > max(before)
    assert stage.reported()[-2:] == ["PartyRemoved", "PlacedInQueue"]


def test_new_ids_carry_the_new_epoch(stage: Stage) -> None:
    first = stage.new()
    node = owner(stage, first)
    killed(stage, node)
    later = [stage.new() for _ in range(3)]
    (second,) = filter(lambda identifier: owner(stage, identifier) is node, later)
    assert node.primary is not None
    assert second[:6] == first[:6]
    assert int(second[6:10], 36) == int(first[6:10], 36) + 1 == node.primary.epoch


def test_a_receipt_is_known(stage: Stage) -> None:
    """A submit that is repeated after the takeover gets the first id."""
    submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", submit_receipt="doc 1")
    first = stage.ask(stage.mail, submit)
    killed(stage, owner(stage, first.interaction_id))
    again = stage.ask(stage.mail, submit)
    assert again.interaction_id == first.interaction_id
    assert len(stage.cluster.rows("interactions")) == 1


@TAKEOVERS
def test_a_held_pull_is_answered(stage: Stage, takeover: Takeover) -> None:
    """Once, and what comes meanwhile is there for the next one."""
    answers = stage.begin(stage.router, HELD)
    assert answers == []
    takeover(stage, stage.cluster.nodes[0])
    stage.cluster.run(60)
    assert len(answers) == 1
    identifier = stage.new()
    again = stage.begin(stage.second, HELD)
    stage.cluster.run(20)
    assert list(again[0].interactions) == [identifier]  # type: ignore[union-attr]


def test_a_session_that_does_not_come_back_ends_at_its_time(stage: Stage) -> None:
    """It is counted from the takeover for those that were connected."""
    identifier = handled(stage)
    node = owner(stage, identifier)
    stage.cluster.kill_client(stage.agents["Ann"])
    killed(stage, node)
    assert len(node.rows("parties")) == 1
    stage.cluster.run(25)
    assert node.rows("parties") == []


def test_nobody_notices_that_a_backup_is_gone(stage: Stage) -> None:
    stage.forget()
    for node in stage.cluster.nodes:
        assert node.backup is not None
        node.backup.kill()
    stage.cluster.run(SETTLED)
    assert [node.host for node in stage.cluster.nodes] == ["node1", "node2", "node3"]
    assert all(heard == [] for heard in stage.heard.values())
    stage.new()


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_paused_primary_that_wakes_after_the_takeover_writes_nothing(
    stores: Places, in_transaction: bool
) -> None:
    """Design 8: the deposed primary can write nothing, and says so."""
    cluster = Cluster(nodes=1, proxies=1, pairs=True, stores=stores, ends=MemoryServer.cut)
    (node,) = cluster.nodes
    first, second = node.members
    client = cluster.client("mail-1", "MediaServer")
    kept = cluster.finish(client.request(SUBMIT)).interaction_id
    answers: list[Any] = []
    if not in_transaction:
        first.pause()
    else:
        first.pause(in_transaction=True)
    client.request(SUBMIT).addBoth(answers.append)
    cluster.run(SETTLED)
    assert first.paused
    assert node.primary is second
    rows, meta = node.rows("interactions"), node.rows("meta")
    assert [row["id"] for row in rows] == [kept]
    with capturedLogs() as logs:
        first.resume()
        cluster.run(2)
    assert (node.rows("interactions"), node.rows("meta")) == (rows, meta)
    assert any("is primary no more" in str(formatEvent(event)) for event in logs)
    assert states(node) == [State.WAITING, State.PRIMARY]
    assert not isinstance(answers[0], m.EventAck)
    later = cluster.finish(client.request(SUBMIT)).interaction_id
    assert {row["id"] for row in node.rows("interactions")} == {kept, later}
    second.kill()
    cluster.run(SETTLED)
    assert node.primary is first
    assert cluster.finish(client.request(FIND)).interactions.keys() == {kept, later}
    cluster.close()


@pytest.mark.parametrize("in_transaction", [False, True])
def test_one_that_wakes_in_time_goes_on(stores: Places, in_transaction: bool) -> None:
    cluster = Cluster(nodes=1, proxies=1, pairs=True, stores=stores)
    (node,) = cluster.nodes
    first, _ = node.members
    client = cluster.client("mail-1", "MediaServer")
    first.pause(in_transaction=in_transaction)
    asked = client.request(SUBMIT)
    cluster.run(PAIR_LIMIT / 2)
    assert first.paused
    first.resume()
    identifier = cluster.finish(asked).interaction_id
    assert [row["id"] for row in node.rows("interactions")] == [identifier]
    assert node.primary is first
    assert node.leases.ended == []
    cluster.close()


def refused(cluster: Cluster, client: Client, identifier: str) -> tuple[int, bool]:
    """How a request about one interaction is refused."""
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
    with pytest.raises(RequestRefused) as refusal:
        cluster.finish(client.request(stop))
    return refusal.value.code, refusal.value.in_doubt


@pytest.mark.parametrize("pairs", [False, True])
def test_a_node_without_any_server_is_not_accessible(stores: Places, pairs: bool) -> None:
    """2003, with both servers of a pair dead as with a lone one."""
    cluster = Cluster(nodes=2, proxies=1, pairs=pairs, stores=stores)
    client = cluster.client("mail-1", "MediaServer")
    identifier = cluster.finish(client.request(SUBMIT)).interaction_id
    for member in cluster.nodes[0].members:
        member.kill()
    cluster.run(5)
    assert refused(cluster, client, identifier) == (Code.NOT_ACCESSIBLE, False)
    assert cluster.finish(client.request(SUBMIT)).interaction_id != identifier
    cluster.start_node(0)
    cluster.settled()
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
    cluster.finish(client.request(stop))
    cluster.close()


def test_a_pair_that_lost_its_database_is_not_accessible_until_it_is_back(stores: Places) -> None:
    cluster = Cluster(nodes=2, proxies=1, pairs=True, stores=stores)
    client = cluster.client("mail-1", "MediaServer")
    identifier = cluster.finish(client.request(SUBMIT)).interaction_id
    node = cluster.nodes[0]
    for member in node.members:
        member.lose_store()
    cluster.run(SETTLED)
    assert states(node) == [State.WAITING, State.WAITING]
    assert refused(cluster, client, identifier) == (Code.NOT_ACCESSIBLE, False)
    for member in node.members:
        member.find_store()
    cluster.run(SETTLED)
    assert node.listening
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
    cluster.finish(client.request(stop))
    cluster.close()


def states(node: MemoryNode) -> list[State]:
    """What its servers are doing."""
    return [each.member.state for each in node.members if each.member is not None]
