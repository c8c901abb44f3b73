"""A reporting program that is connected to every node: one stream of them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Reporting, report
from ixproxy.client.reporting import GRACE, LOOKS
from ixproxy.errors import Code, NodeUnavailable, RequestRefused
from ixproxy.messages.message import Event
from ixproxy.testing.cluster import CLIENT_SETTINGS, Cluster
from ixproxy.testing.memory_servers import node_address
from ixproxy.wire.streams import RESYNC
from tests.core.composed import names
from tests.core.composed_reader import Reader
from tests.failures import LoggedFailures

ANNA: dict[str, Any] = {"tenant_id": 1, "agent_id": "anna"}
LOGIN = m.RequestAgentLogin(**ANNA, media_list={"email": 1})
NOT_READY = m.RequestNotReadyForMedia(**ANNA, media_type_name="email")
SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In")
PULL = m.RequestPull(tenant_id=1, view_id="In/All")


class Program:
    """A reporting program in a cluster, and what it was told."""

    def __init__(self, cluster: Cluster, **more: Any) -> None:
        self.cluster = cluster
        self.events: list[Event] = []
        self.starting: Deferred[Reporting] = report(
            cluster.clock,
            {
                node.name: [cluster.network.client_endpoint(node_address(node.name), "stat")]
                for node in cluster.nodes
            },
            name="stat",
            on_event=self.events.append,
            settings=CLIENT_SETTINGS,
            random=cluster.random,
            **more,
        )

    def start(self) -> Reporting:
        reporting = self.cluster.finish(self.starting)
        assert isinstance(reporting, Reporting)
        return reporting

    @property
    def states(self) -> list[m.EventPlaceAgentState]:
        return [each for each in self.events if isinstance(each, m.EventPlaceAgentState)]

    @property
    def lived(self) -> list[Event]:
        """What came after the state."""
        return self.events[len(self.states) + 2 :]

    def knows(self) -> Reader:
        """What the program knows by now."""
        reader = Reader(self.states)
        for event in self.lived:
            reader.tell(event)
        return reader


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster(3, nodes=3, proxies=1)
    yield made
    made.close()


def ask(cluster: Cluster, client: Any, request: Any) -> Any:
    answer = cluster.finish(client.request(request))
    cluster.run(1.0)
    return answer


def test_what_all_nodes_say_is_told_once(cluster: Cluster) -> None:
    """Test idea 39: composed as that of one server."""
    program = Program(cluster)
    reporting = program.start()
    desk = cluster.client("desk", "AgentApplication")
    mail = cluster.client("mail", "MediaServer")
    ask(cluster, desk, LOGIN)
    ask(cluster, mail, SUBMIT)
    taken = ask(cluster, desk, PULL)
    ask(cluster, desk, NOT_READY)
    (identifier,) = taken.interactions
    ask(cluster, desk, m.RequestStopProcessing(tenant_id=1, interaction_id=identifier))
    ask(cluster, desk, m.RequestAgentLogout(**ANNA))
    assert names(program.events) == [
        "ActivityReport",
        "ActivityReport",
        "AgentLogin",
        "InteractionSubmitted",
        "TakenFromQueue",
        "PartyAdded",
        "NotReadyForMedia",
        "PartyRemoved",
        "ProcessingStopped",
        "AgentLogout",
    ]
    numbers = [event.reporting_event_sequence_number for event in program.lived]
    assert numbers == list(range(1, len(numbers) + 1))
    assert program.knows().knows == ({}, {})
    assert reporting.servers == {"node1": True, "node2": True, "node3": True}
    cluster.finish(Deferred.fromCoroutine(reporting.close()))


def test_who_comes_later_is_given_the_state(cluster: Cluster) -> None:
    """Test idea 43: a new reporting client in mid-flight: no gap, no repeat."""
    desk = cluster.client("desk", "AgentApplication")
    ask(cluster, desk, LOGIN)
    ask(cluster, cluster.client("mail", "MediaServer"), SUBMIT)
    ask(cluster, desk, PULL)
    program = Program(cluster)
    program.start()
    (state,) = program.states
    assert (state.agent_id, state.media_list) == ("anna", {"email": 1})
    assert len(state.interactions) == len(state.parties) == 1
    begin = program.events[0]
    assert isinstance(begin, m.EventActivityReport)
    assert begin.number_of_agents == 1
    ask(cluster, desk, NOT_READY)
    assert names(program.lived) == ["NotReadyForMedia"]


def test_a_node_that_is_lost_and_returns_logs_nobody_out_or_in_again(cluster: Cluster) -> None:
    """Test idea 45: node away for a minute: no logout; on return no duplicate logins."""
    program = Program(cluster)
    reporting = program.start()
    desk = cluster.client("desk", "AgentApplication")
    ask(cluster, desk, LOGIN)
    for number in range(3):
        cluster.kill_node(number)
        cluster.run(60.0)
        assert sum(reporting.servers.values()) == 2
        ask(cluster, desk, NOT_READY)
        ask(cluster, desk, m.RequestCancelNotReadyForMedia(**ANNA, media_type_name="email"))
        cluster.start_node(number)
        cluster.run(20.0)
        assert all(reporting.servers.values())
    kinds = [name for name in names(program.lived) if not name.endswith("*")]
    assert kinds.count("AgentLogin") == 1
    assert "AgentLogout" not in kinds
    agents, held = program.knows().knows
    assert agents[1, "anna"]["media"] == {"email": 1}
    assert held == {}
    for event in program.lived:
        assert not isinstance(event, m.EventAgentLogin) or RESYNC not in event.extension
    ask(cluster, desk, m.RequestAgentLogout(**ANNA))
    assert program.knows().knows == ({}, {})


def test_a_filter_hides_from_the_program_only(cluster: Cluster) -> None:
    program = Program(cluster, tenants=[1], filter={"Events": ["EventNotReadyForMedia"]})
    program.start()
    desk = cluster.client("desk", "AgentApplication")
    ask(cluster, desk, LOGIN)
    ask(cluster, desk, NOT_READY)
    (event,) = program.lived
    assert names([event]) == ["NotReadyForMedia"]
    assert (event.reporting_event_sequence_number, event.previous_sequence_number) == (2, 0)


def test_a_stream_begins_without_a_node_that_is_not_there(cluster: Cluster) -> None:
    cluster.kill_node(1)
    program = Program(cluster)
    reporting = program.start()
    assert reporting.servers == {"node1": True, "node2": False, "node3": True}
    cluster.start_node(1)
    cluster.run(20.0)
    assert all(reporting.servers.values())
    assert repr(reporting) == "<Reporting of 3 servers, 3 there>"
    assert reporting.counters["gaps"] == 0


def test_a_stream_of_nobody_fails() -> None:
    cluster = Cluster(3, nodes=2, proxies=0, start=False)
    program = Program(cluster)
    with pytest.raises(NodeUnavailable, match="no server gives a reporting stream"):
        cluster.finish(program.starting)
    assert program.events == []
    cluster.close()


def test_what_all_servers_refuse_is_refused(cluster: Cluster) -> None:
    program = Program(cluster, tenants=[77])
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(program.starting)
    assert refused.value.code == Code.UNKNOWN_TENANT
    assert program.events == []


def test_a_node_that_keeps_silent_is_waited_for_no_longer_than_it_is_said(
    cluster: Cluster,
) -> None:
    cluster.run(1.0)
    cluster.nodes[1].process.pause()
    program, began = Program(cluster, patience=0.5), cluster.seconds()
    reporting = program.start()
    assert cluster.seconds() - began < 1.0
    assert not reporting.servers["node2"]


def test_an_attempt_may_be_cancelled(cluster: Cluster) -> None:
    program = Program(cluster)
    program.starting.addErrback(lambda _: None)
    program.starting.cancel()
    cluster.run(30.0)
    assert program.events == []


def test_what_makes_no_sense_is_refused_at_once(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="no server to report from"):
        report(cluster.clock, [], name="stat", on_event=print)
    with pytest.raises(RequestRefused, match="Colour"):
        report(cluster.clock, ["tcp:h:1"], name="stat", on_event=print, filter={"Colour": ["red"]})
    with pytest.raises(ValueError):
        report(cluster.clock, ["nonsense"], name="stat", on_event=print)


def test_a_program_is_told_which_servers_are_away_even_if_that_fails_it(
    cluster: Cluster, logged_failures: LoggedFailures
) -> None:
    told: list[tuple[str, bool]] = []

    def moved(server: str, there: bool) -> None:
        told.append((server, there))
        raise ValueError("no")

    reporting = Program(cluster, on_server=moved).start()
    assert told == []
    cluster.kill_node(1)
    cluster.run(5.0)
    lost = cluster.nodes[1].name
    assert told == [(lost, False)]
    cluster.start_node(1)
    cluster.run(60.0)
    assert told == [(lost, False), (lost, True)]
    assert all(reporting.servers.values())
    assert len(logged_failures.flush(ValueError)) == 2


def out_unseen(cluster: Cluster) -> tuple[Program, Reporting]:
    """A program that did not see its agent log out, and has the state of all nodes but one."""
    program = Program(cluster)
    reporting = program.start()
    desk = cluster.client("desk", "AgentApplication")
    ask(cluster, desk, LOGIN)
    cluster.kill_node(0)
    for node in cluster.nodes:
        cluster.cut("stat", node.host)
        cluster.network.lose("stat", node.host)
    ask(cluster, desk, m.RequestAgentLogout(**ANNA))
    cluster.run(2 * GRACE)
    assert "AgentLogout*" not in names(program.lived), "nobody is there to say so"
    for node in cluster.nodes:
        cluster.heal("stat", node.host)
    cluster.run_until(lambda: sum(reporting.servers.values()) == 2, "the others never come back")
    return program, reporting


def test_who_logged_out_while_no_server_was_there_is_out_though_one_still_is_away(
    cluster: Cluster,
) -> None:
    """Test idea 45: a node that is away keeps nobody logged in who is on no other."""
    program, _ = out_unseen(cluster)
    cluster.run(GRACE - 2 * LOOKS)
    assert "AgentLogout*" not in names(program.lived), "she may be given to them yet"
    cluster.run(4 * LOOKS)
    assert names(program.lived)[-1] == "AgentLogout*"
    cluster.start_node(0)
    cluster.run(60.0)
    assert program.knows().knows == ({}, {})


def looks(cluster: Cluster) -> int:
    """How many looks are to come."""
    return sum("Reporting._look " in repr(call) for call in cluster.clock.getDelayedCalls())


def test_a_program_that_ends_looks_for_nobody_any_more(cluster: Cluster) -> None:
    program, reporting = out_unseen(cluster)
    cluster.run(2 * LOOKS)
    told = len(program.events)
    assert looks(cluster) == 1
    cluster.finish(Deferred.fromCoroutine(reporting.close()))
    assert looks(cluster) == 0
    cluster.run(2 * GRACE)
    assert len(program.events) == told
