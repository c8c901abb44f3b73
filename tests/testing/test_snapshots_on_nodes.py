"""
Snapshots of clients that are connected to a node itself, by the client library.

Every test runs on both kinds of store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.life_traces import TRACES
from ixproxy.testing.memory_servers import MemoryServer
from ixproxy.testing.places import Places
from ixproxy.testing.stage import Stage
from ixproxy.values import ClientType

T20 = next(trace for trace in TRACES if trace.number == 20)
TAKE = m.RequestTakeSnapshot(tenant_id=1, condition="Queue = 'In'", lock=True)


@pytest.fixture
def stage(stores: Places) -> Iterator[Stage]:
    """One node with two servers."""
    stage = Stage(0, stores=stores, pairs=True, ends=MemoryServer.cut)
    yield stage
    assert stage.cluster.problems() == []
    stage.close()


@pytest.fixture
def supervisor(stage: Stage) -> Client:
    return stage.cluster.client("supervisor", ClientType.AGENT_APPLICATION, node=0)


def taken(stage: Stage, client: Client) -> int:
    number: int = stage.ask(client, TAKE).snapshot_id
    return number


def on(number: int, **more: Any) -> dict[str, Any]:
    return {"tenant_id": 1, "snapshot_id": number, **more}


def locked(stage: Stage) -> set[str]:
    return {row["id"] for row in stage.cluster.rows("interactions") if row["is_locked"]}


def left(stage: Stage) -> list[Any]:
    """All that is stored of snapshots."""
    return [*stage.cluster.rows("snapshots"), *stage.cluster.rows("snapshot_members")]


def test_a_move_is_the_trace_t20_for_each(stage: Stage, supervisor: Client) -> None:
    ids = [stage.new() for _ in range(3)]
    number = taken(stage, supervisor)
    stage.forget()
    moved = stage.ask(supervisor, m.RequestMoveInteractions(**on(number, queue="Second")))
    assert moved == m.EventInteractionMoved(number_of_interactions=3)
    assert stage.reported() == list(T20.reported) * 3
    assert {row["queue"] for row in map(stage.row, ids) if row} == {"Second"}
    stage.ask(supervisor, m.RequestReleaseSnapshot(**on(number)))
    assert (locked(stage), left(stage)) == (set(), [])


def test_stopping_is_the_end_of_each(stage: Stage, supervisor: Client) -> None:
    ids = [stage.new() for _ in range(2)]
    number = taken(stage, supervisor)
    stage.forget()
    stopped = stage.ask(supervisor, m.RequestStopInteractions(**on(number)))
    assert stopped.number_of_interactions == 2
    assert stage.reported() == ["ProcessingStopped"] * 2
    assert [stage.row(id) for id in ids] == [None, None]
    stage.ask(supervisor, m.RequestReleaseSnapshot(**on(number)))


@pytest.mark.parametrize("how", ["kill", "restart"])
def test_a_snapshot_outlives_its_node_and_goes_on_with_its_client(
    stage: Stage, supervisor: Client, how: str
) -> None:
    """A takeover, or a start: the rows are there, and the client names what it has."""
    ids = {stage.new() for _ in range(3)}
    number, other = taken(stage, supervisor), taken(stage, supervisor)
    node = stage.cluster.nodes[0]
    if how == "kill":
        node.kill()
    else:
        for member in node.members:
            member.kill()
        stage.cluster.start_node(0)
    stage.cluster.run(15)
    assert supervisor.connected
    assert locked(stage) == ids
    page = stage.ask(supervisor, m.RequestGetSnapshotInteractions(**on(number)))
    assert set(page.interactions) == ids
    stage.ask(supervisor, m.RequestReleaseSnapshot(**on(other)))
    stage.ask(supervisor, m.RequestReleaseSnapshot(**on(number)))
    assert (locked(stage), left(stage)) == (set(), [])
    with pytest.raises(RequestRefused, match=str(Code.UNKNOWN_SNAPSHOT)):
        stage.ask(supervisor, m.RequestReleaseSnapshot(**on(number)))


def test_who_never_comes_back_locks_nothing_for_long(stage: Stage, supervisor: Client) -> None:
    """Idea 25: also where the node itself has gone down meanwhile."""
    (id,) = [stage.new()]
    taken(stage, supervisor)
    stage.cluster.kill_client(supervisor)
    stage.cluster.nodes[0].kill()
    stage.cluster.run(15)
    assert locked(stage) == {id}
    stage.cluster.run(25)
    assert (locked(stage), left(stage)) == (set(), [])


def test_a_close_without_goodbye_leaves_it_to_the_next_run(stage: Stage) -> None:
    cluster = stage.cluster
    id = stage.new()
    first = cluster.client("supervisor", ClientType.AGENT_APPLICATION, node=0)
    number = taken(stage, first)
    cluster.finish(first.close(goodbye=False))
    again = cluster.client(
        "supervisor",
        ClientType.AGENT_APPLICATION,
        node=0,
        session=first.session,
        incarnation=first.incarnation,
    )
    page = stage.ask(again, m.RequestGetSnapshotInteractions(**on(number)))
    assert list(page.interactions) == [id]
    cluster.finish(again.close())
    assert (locked(stage), left(stage)) == (set(), [])
