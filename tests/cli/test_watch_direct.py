"""`ixctl watch` at all nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import CancelledError

from ixproxy import messages as m
from ixproxy.cli import watch_direct
from ixproxy.cli.demo_deployment import NODES, plan, write
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.watch_direct import nodes_of
from ixproxy.client import report
from ixproxy.client.places import Where
from ixproxy.config import load
from ixproxy.messages.message import AgentSession, Event
from ixproxy.wire.codec import encode
from ixproxy.wire.streams import BEGIN, END, numbered
from tests.cli.worlds import CommandWorld

START = m.RequestStartPlaceAgentStateReportingAll


def state(agent: str, stamp: AgentSession) -> Event:
    return m.EventPlaceAgentState(tenant_id=1, agent_id=agent, agent_session=stamp)


def change(
    kind: type[m.EventAgentLogin] | type[m.EventAgentLogout],
    agent: str,
    stamp: AgentSession,
    number: int,
) -> Event:
    return numbered(kind(tenant_id=1, agent_id=agent, agent_session=stamp), number)


class Watched:
    """An `ixctl watch` at the nodes s:1 and t:1."""

    def __init__(self, world: CommandWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        monkeypatch.setattr(watch_direct, "report", self._report)
        self.stdout: Any = None
        self.running: Any = None
        for server, dbid in ((world.server, 101), (world.other, 102)):
            server.facts = m.ServerFacts(name=f"ixn{dbid}", role="node", dbid=dbid, tenants=[1])
            server.replies[START] = lambda _: m.EventAck()

    def _report(self, reactor: Any, servers: dict[str, str], **arguments: Any) -> Any:
        network = self.world.network
        places: dict[str, Where] = {
            name: network.client_endpoint(endpoint.removeprefix("tcp:"), "c")
            for name, endpoint in servers.items()
        }
        return report(reactor, places, random=Random(3), **arguments)

    def start(self, *argv: str) -> None:
        both = ("--connect", "tcp:s:1", "--connect", "tcp:t:1", "--json")
        self.running, self.stdout, _ = self.world.start("watch", *both, *argv)

    def tell(self, server: Any, *events: Event) -> None:
        for event in events:
            server.last.write(encode(event))
        self.world.rest()

    def begin(self, server: Any, *states: Event) -> None:
        opening = m.EventActivityReport(activity=BEGIN, number_of_agents=len(states))
        self.tell(server, opening, *states, m.EventActivityReport(activity=END))

    @property
    def records(self) -> list[dict[str, Any]]:
        records = [json.loads(line) for line in self.stdout.getvalue().splitlines()]
        self.stdout.seek(0)
        self.stdout.truncate()
        return records

    @property
    def shown(self) -> list[tuple[str, Any]]:
        return [
            (each.get("event", "").removeprefix("Event"), each.get("agent_id"))
            for each in self.records
            if "event" in each
        ]

    @property
    def moves(self) -> list[tuple[str, str]]:
        return [(each["server"], each["state"]) for each in self.records if "server" in each]


@pytest.fixture
def watch(world: CommandWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    watched = Watched(world, monkeypatch)
    yield watched
    if watched.running is not None:
        watched.running.addErrback(lambda failure: failure.trap(CancelledError))
        watched.running.cancel()
        world.rest()


def test_the_streams_of_all_nodes_are_one(watch: Watched) -> None:
    watch.start("--tenant", "1")
    watch.begin(watch.world.server, state("kim", (5, 101)))
    assert watch.shown == []
    watch.begin(watch.world.other, state("kim", (5, 101)), state("lee", (9, 102)))
    assert watch.shown == [
        ("ActivityReport", None),
        ("PlaceAgentState", "kim"),
        ("PlaceAgentState", "lee"),
        ("ActivityReport", None),
    ]
    watch.tell(watch.world.server, change(m.EventAgentLogin, "max", (6, 101), 1))
    watch.tell(watch.world.other, change(m.EventAgentLogin, "max", (6, 101), 1))
    assert watch.shown == [("AgentLogin", "max")]
    watch.tell(watch.world.server, change(m.EventAgentLogout, "max", (6, 101), 2))
    assert watch.shown == []
    watch.tell(watch.world.other, change(m.EventAgentLogout, "max", (6, 101), 2))
    assert watch.shown == [("AgentLogout", "max")]


def test_it_is_narrowed_here_and_asked_for_whole(watch: Watched) -> None:
    watch.start("--agent", "lee", "--count", "1")
    asked = [each for each in watch.world.asked if isinstance(each, START)]
    assert [each.filter for each in asked] == [{}]
    watch.begin(watch.world.server, state("kim", (5, 101)))
    watch.begin(watch.world.other)
    assert watch.shown == [("ActivityReport", None)] * 2
    watch.tell(watch.world.server, change(m.EventAgentLogin, "max", (6, 101), 1))
    watch.tell(watch.world.server, change(m.EventAgentLogin, "lee", (7, 101), 2))
    assert watch.shown == [("AgentLogin", "lee")]
    assert watch.running.result == Exit.OK
    assert watch.world.goodbyes == 1


def test_a_gap_at_one_node_begins_its_stream_anew(watch: Watched) -> None:
    watch.start()
    watch.begin(watch.world.server)
    watch.begin(watch.world.other)
    watch.tell(watch.world.server, change(m.EventAgentLogin, "max", (6, 101), 2))
    watch.world.clock.run_until(lambda: len(watch.world.asked) == 2, 60.0)
    watch.world.rest()
    assert [type(each) for each in watch.world.asked] == [START, START]
    watch.begin(watch.world.server, state("max", (6, 101)))
    assert watch.shown[2:] == [("AgentLogin", "max")]


def test_a_lost_node_logs_nobody_out_and_comes_back_with_its_differences(watch: Watched) -> None:
    watch.start()
    watch.begin(watch.world.server, state("kim", (5, 101)))
    watch.begin(watch.world.other)
    assert len(watch.shown) == 3
    watch.world.network.lose("c")
    watch.world.clock.run_until(lambda: len(watch.world.server.registered) > 1, 60.0)
    watch.world.rest()
    assert watch.shown == []
    watch.begin(watch.world.other)
    watch.begin(watch.world.server)
    assert watch.shown == [("AgentLogout", "kim")]


def test_a_node_that_is_not_there_is_waited_for(watch: Watched) -> None:
    watch.world.network.refuse("t:1")
    watch.start()
    watch.world.clock.run_until(lambda: bool(watch.world.server.registered), 60.0)
    watch.world.rest()
    watch.begin(watch.world.server, state("kim", (5, 101)))
    assert len(watch.shown) == 3
    watch.world.network.accept("t:1")
    watch.world.clock.run_until(lambda: bool(watch.world.other.registered), 120.0)
    watch.world.rest()
    watch.begin(watch.world.other, state("lee", (9, 102)))
    assert watch.shown == [("AgentLogin", "lee")]


def test_a_node_that_is_lost_is_said_and_so_is_its_return(watch: Watched) -> None:
    watch.world.network.refuse("t:1")
    watch.start()
    watch.world.clock.run_until(lambda: bool(watch.world.server.registered), 60.0)
    watch.world.rest()
    watch.begin(watch.world.server)
    assert watch.moves == [("tcp:t:1", "away")]
    watch.world.network.accept("t:1")
    watch.world.clock.run_until(lambda: bool(watch.world.other.registered), 120.0)
    watch.world.rest()
    assert watch.moves == []
    watch.begin(watch.world.other)
    assert watch.moves == [("tcp:t:1", "there")]
    watch.world.network.lose("c")
    watch.world.rest()
    assert sorted(watch.moves) == [("tcp:s:1", "away"), ("tcp:t:1", "away")]
    watch.world.clock.run_until(lambda: len(watch.world.other.registered) > 1, 60.0)
    watch.world.rest()
    watch.begin(watch.world.other)
    assert watch.moves == [("tcp:t:1", "there")]


def test_a_gap_is_no_loss_of_the_node(watch: Watched) -> None:
    watch.start()
    watch.begin(watch.world.server)
    watch.begin(watch.world.other)
    watch.tell(watch.world.server, change(m.EventAgentLogin, "max", (6, 101), 2))
    watch.world.clock.run_until(lambda: len(watch.world.asked) == 2, 60.0)
    watch.begin(watch.world.server)
    assert watch.moves == []


def test_nodes_that_are_all_away_are_exit_code_3(watch: Watched) -> None:
    watch.world.network.refuse("s:1")
    watch.world.network.refuse("t:1")
    ran = watch.world.run("watch", "--connect", "tcp:s:1", "--connect", "tcp:t:1")
    assert ran.code == Exit.UNREACHABLE


def test_what_all_nodes_refuse_is_exit_code_1(watch: Watched) -> None:
    for server in (watch.world.server, watch.world.other):
        server.replies[START] = lambda _: m.EventError(error_code=3006)
    watch.start("--timeout", "5")
    watch.world.clock.run_until(lambda: watch.running.called, 60.0)
    assert watch.running.result == Exit.REFUSED


def test_the_nodes_behind_an_application_are_found(tmp_path: Path) -> None:
    cluster = plan(tmp_path, ["email"], ["Q1"], Random(1))
    write(cluster)
    deployment = load(cluster.file)
    for application in ("nodes", "clients", "proxy1"):
        assert [each.name for each in nodes_of(deployment, application)] == list(NODES)
    assert [each.name for each in nodes_of(deployment, "ixn2")] == ["ixn2"]
    with pytest.raises(UsageError, match="no application 'nowhere'"):
        nodes_of(deployment, "nowhere")
