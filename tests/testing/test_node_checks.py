from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from ixproxy.messages import (
    RequestAgentLogin,
    RequestDeliver,
    RequestPull,
    RequestSubmit,
    RequestTakeSnapshot,
)
from ixproxy.testing.node_checks import mistakes, sizes
from tests.net.node_rig import NodeRig

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")


@pytest.fixture
def busy() -> Iterator[NodeRig]:
    """A node where an agent has one interaction, a strategy another, and a third waits."""
    rig = NodeRig().start()
    media = rig.client("MediaServer", client_name="mail")
    for id in ("a", "b", "c"):
        media.ask(replace(SUBMIT, interaction_id=id))
    agent, router = rig.client("AgentApplication"), rig.client("RoutingEngine")
    agent.ask(RequestAgentLogin(tenant_id=1, agent_id="ann", place_id="p1"))
    for peer, id in ((agent, "a"), (router, "b")):
        pull = RequestPull(tenant_id=1, view_id="_system_", pull_parameters={id: 1})
        assert id in peer.ask(pull).interactions
    yield rig
    rig.stop()
    rig.place.discard()


def test_a_node_that_works_as_it_should_makes_no_mistakes(busy: NodeRig) -> None:
    assert mistakes(busy.place, busy.server) == []


def test_tables_are_as_large_as_what_they_hold(busy: NodeRig) -> None:
    held = RequestPull(tenant_id=1, view_id="Done/All", extension={"pull-for-strategy": 1})
    proxy = busy.proxy()
    number = proxy.number("RoutingEngine")
    proxy.send(held, client=number)
    busy.settle()
    found = {name: size for name, size in sizes(busy.server).items() if size}
    assert found == {
        "peers": 4, "watched peers": 4, "proxies": 1, "clients": 5, "clients of peers": 5,
        "bound sessions": 5, "sessions": 5, "requests": 1, "held pulls": 1,
        "clients with held pulls": 1, "views of held pulls": 1, "reminders of held pulls": 1,
        "agents": 1, "agents_of": 1,
        "places": 1, "servers": 1, "seen": 1,
    }  # fmt: skip


def test_what_is_delivered_waits_without_a_party_and_with_a_timer_of_its_own(
    busy: NodeRig,
) -> None:
    router = busy.client("RoutingEngine", client_name="second")
    pull = RequestPull(tenant_id=1, view_id="_system_", pull_parameters={"c": 1})
    assert "c" in router.ask(pull).interactions
    router.send(RequestDeliver(tenant_id=1, interaction_id="c", agent_id="ann"))
    busy.settle()
    assert sizes(busy.server)["invitations"] == 1
    assert mistakes(busy.place, busy.server) == []
    busy.place.connect().execute("UPDATE timers SET kind = 'routing' WHERE kind = 'delivering'")
    assert any("'c' is in state 2" in line for line in mistakes(busy.place, busy.server))
    busy.place.connect().execute("DELETE FROM invitations")
    assert any("invitations set()" in line for line in mistakes(busy.place, busy.server))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DELETE FROM interactions WHERE id = 'a'", "'a' is not there"),
        ("DELETE FROM parties WHERE interaction_id = 'a'", "'a' is in state 3 with the parties []"),
        ("UPDATE parties SET party_type = 1", "'a' is in state 3 with the parties"),
        ("DELETE FROM timers WHERE interaction_id = 'b'", "'b' is in state 2 with the timers None"),
        ("UPDATE timers SET kind = 'routing'", "'a' is in state 3 with the timers ['routing']"),
        ("INSERT INTO timers VALUES ('routing', 'c', 1, 1)", "'c' is in state 0"),
        ("INSERT INTO timers VALUES ('routing', 'x', 1, 1)", "'x' is not there"),
        ("UPDATE interactions SET state = 0", "is in state 0 with"),
        ("UPDATE interactions SET assigned_to = NULL", "'a' is in state 3 and assigned to None"),
        ("UPDATE interactions SET queue_seq = 99", "has number 99 in its queue"),
        ("UPDATE parties SET tenant_id = 2", "of tenant 1 has"),
        ("UPDATE parties SET take_number = 9999", "was taken by event 9999"),
        ("UPDATE sessions SET lost_at = 5", "stored are 3 sessions, remembered 3 or others"),
        ("DELETE FROM sessions", "is held by a session that is not there"),
        ("DELETE FROM sessions", "agent (1, 'ann') is logged in through a session"),
        ("DELETE FROM agents", "stored are 0 agent sessions, remembered 1 or others"),
    ],
)
def test_what_contradicts_itself_is_named(busy: NodeRig, change: str, named: str) -> None:
    busy.place.connect().execute(change)
    assert any(named in line for line in mistakes(busy.place, busy.server))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE interactions SET snapshot_id = NULL", "'c' is locked: 1, by snapshot None"),
        ("UPDATE interactions SET is_locked = 0", "'c' is locked: 0, by snapshot"),
        ("UPDATE interactions SET snapshot_id = 5 WHERE id = 'c'", "which does not have it"),
        ("UPDATE interactions SET state = 3 WHERE id = 'c'", "'c' is in state 3 and locked by"),
        ("DELETE FROM snapshot_members", "has 0 members, not 1"),
        ("DELETE FROM snapshots", "has 1 members, not 0"),
        ("DELETE FROM snapshots", "stored are the snapshots [], others are remembered"),
    ],
)
def test_a_snapshot_that_contradicts_itself_is_named(
    busy: NodeRig, change: str, named: str
) -> None:
    desk = busy.client("AgentApplication", client_name="supervisor")
    taken = desk.ask(RequestTakeSnapshot(tenant_id=1, lock=True))
    assert taken.number_of_interactions == 1
    assert mistakes(busy.place, busy.server) == []
    found = {name: size for name, size in sizes(busy.server).items() if "snapshots" in name}
    assert found == {
        "snapshots": 1, "sessions with snapshots": 1, "snapshots that are being freed": 0,
    }  # fmt: skip
    busy.place.connect().execute(change)
    assert any(named in line for line in mistakes(busy.place, busy.server))


def test_memory_that_contradicts_itself_is_named(busy: NodeRig) -> None:
    memory = busy.server.core._standing.memory
    memory.lost[b"x"] = 5.0
    memory.agents[1, "nobody"] = ()
    found = "\n".join(mistakes(busy.place, busy.server))
    assert "the sessions without a connection are not those that say so" in found
    assert "agent (1, 'nobody') is remembered without a session" in found
