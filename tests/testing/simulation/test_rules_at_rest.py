"""Each rule of the end can be broken."""

from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.testing.simulation import rules_at_rest as rules
from ixproxy.testing.simulation.ending import end
from tests.testing.simulation.small_worlds import (
    answered,
    execute,
    logged_in,
    one,
    pulled,
    running,
    submitted,
)


def test_where_nothing_is_wrong_no_rule_is_broken() -> None:
    with running() as run:
        pulled(run)
        logged_in(run)
        for rule in rules.AT_REST:
            assert list(rule(run)) == [], rule.__name__


def test_a_request_without_an_answer() -> None:
    with running() as run:
        run.ask(one(run, "router"), m.RequestPull(tenant_id=1, view_id="In/All"))
        assert list(rules.every_request_is_answered_once(run))


def test_a_client_without_a_connection() -> None:
    with running() as run:
        run.cluster.network.lose(one(run, "mail").host)
        assert list(rules.everybody_is_connected(run)) == ["mail-1 is not connected"]


def test_a_proxy_without_a_link() -> None:
    with running() as run:
        run.cluster.network.lose("proxy1", "node2")
        assert list(rules.everybody_is_connected(run)) == ["proxy1 is not linked with node2: down"]


def test_a_node_that_does_not_serve() -> None:
    with running() as run:
        run.cluster.nodes[1].kill()
        assert list(rules.everybody_is_connected(run)) == [
            "nobody serves as node2: [<node2: dead>]"
        ]


def test_an_interaction_that_is_stranded() -> None:
    with running() as run:
        identifier = pulled(run)
        one(run, "router").here._conversation.held.drop(identifier)
        assert list(rules.nothing_is_stranded(run))


def test_an_interaction_on_two_nodes() -> None:
    with running() as run:
        identifier = submitted(run)
        (row,) = run.cluster.rows("interactions")
        other = 1 if row["node"] == "node1" else 0
        row.pop("node")
        names = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(
            "NULL"
            if value is None
            else f"x'{value.hex()}'"
            if isinstance(value, bytes)
            else repr(value)
            for value in row.values()
        )
        execute(run, other, f"INSERT INTO interactions ({names}) VALUES ({values})")
        assert identifier in next(iter(rules.nothing_is_doubled(run)))


def test_an_interaction_that_somebody_imagines() -> None:
    with running() as run:
        pulled(run)
        for node in range(2):
            execute(run, node, "DELETE FROM parties")
        assert list(rules.nothing_is_imagined(run))


def test_an_interaction_that_is_gone() -> None:
    with running() as run:
        submitted(run)
        for node in range(2):
            execute(run, node, "DELETE FROM interactions")
        assert "nobody ended it" in next(iter(rules.nothing_acknowledged_is_lost(run)))


def test_an_interaction_whose_end_may_have_been_is_not_missed() -> None:
    with running() as run:
        identifier = submitted(run)
        run.doubtful[identifier] = 1
        for node in range(2):
            execute(run, node, "DELETE FROM interactions")
        assert list(rules.nothing_acknowledged_is_lost(run)) == []


def test_an_interaction_that_was_ended_and_is_there() -> None:
    with running() as run:
        run.ended[submitted(run)] = 1
        assert "was ended" in next(iter(rules.nothing_acknowledged_is_lost(run)))


def test_a_timer_that_was_forgotten() -> None:
    with running() as run:
        pulled(run)
        for node in range(2):
            execute(run, node, "DELETE FROM timers")
        assert list(rules.nodes_contradict_nothing(run))


def test_an_agent_that_is_not_the_same_everywhere() -> None:
    with running() as run:
        logged_in(run)
        server = run.cluster.nodes[0].server
        assert server is not None
        server.core._standing.memory.agents.clear()
        assert list(rules.agents_are_the_same_everywhere(run))


def test_an_agent_without_a_seat() -> None:
    with running() as run:
        logged_in(run)
        assert list(rules.no_more_agents_than_seats(run)) == []
        run.seats = 0
        assert len(list(rules.no_more_agents_than_seats(run))) == 2


def test_a_new_stream_that_says_something_else() -> None:
    with running() as run:
        logged_in(run)
        run.fresh = one(run, "stat").watch
        assert list(rules.a_new_stream_is_as_the_tables_are(run)) == []
        assert run.fresh is not None
        run.fresh.agents.clear()
        assert list(rules.a_new_stream_is_as_the_tables_are(run))


def test_no_new_stream() -> None:
    with running() as run:
        assert list(rules.a_new_stream_is_as_the_tables_are(run))


@pytest.mark.parametrize("runs", [False, True])
def test_a_stream_that_says_something_else(runs: bool) -> None:
    with running(reporters=2) as run:
        logged_in(run)
        run.cluster.run(0.1)
        first, second = (player.watch for player in run.there("stat"))
        assert first is not None
        assert second is not None
        run.fresh = first
        assert list(rules.all_streams_say_the_same(run)) == []
        second.agents.clear()
        second._running = runs
        assert list(rules.all_streams_say_the_same(run))


def test_what_cannot_be_worked_off() -> None:
    with running() as run:
        pulled(run)
        run.last = one(run, "router")
        assert list(rules.all_can_be_worked_off(run)) == []
        submitted(run, 2)
        assert "cannot be pulled" in next(iter(rules.all_can_be_worked_off(run)))


def test_what_is_remembered_of_those_who_left() -> None:
    with running() as run:
        assert "clients" in " ".join(rules.nothing_is_remembered(run))


def test_a_run_without_faults_breaks_no_rule() -> None:
    with running() as run:
        identifier = pulled(run)
        logged_in(run)
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        answered(run, one(run, "router"), stop)
        submitted(run, 2)
        end(run)
        assert run.breach is None, run.breach


def test_a_proxy_that_believes_what_is_not_so() -> None:
    with running() as run:
        assert run.cluster.proxies[0].core is not None
        router = one(run, "router")
        clients = run.cluster.proxies[0].core.state.clients
        (client,) = [each for each in clients if each.session == router.session]
        client.took("gone", 3, "node1")  # type: ignore[arg-type]
        (problem,) = rules.proxies_know_what_their_clients_have(run)
        assert problem == "proxy1 believes that router-1 has gone"


def test_a_stream_that_keeps_somebody_for_a_node_that_is_away() -> None:
    with running() as run:
        logged_in(run)
        run.cluster.run(0.5)
        run.down["node2"] = run.now()
        assert list(rules.streams_are_true_while_nodes_are_away(run)) == []
        execute(run, 0, "DELETE FROM agents")
        (problem,) = rules.streams_are_true_while_nodes_are_away(run)
        assert problem == "stat-1 believes that anna is logged in, who is on no node"
        one(run, "stat").reads = None
        assert list(rules.streams_are_true_while_nodes_are_away(run)) == [], "nobody knows"
        one(run, "stat").reads = True
        (nodes,) = run.ledger.logins.values()
        nodes.remove("node1")
        assert list(rules.streams_are_true_while_nodes_are_away(run)) == [], "it never had her"
        nodes.add("node1")
        run.down["node1"] = run.now()
        assert list(rules.streams_are_true_while_nodes_are_away(run)) == []


def test_what_a_lost_node_has_and_a_client_believes_to_have() -> None:
    """Who has given it back, and was not told so, lists it until it is told."""
    rule = rules.what_a_lost_node_has_is_let_go
    with running() as run:
        identifier = pulled(run)
        router, (node,) = one(run, "router"), run.ledger.owners[identifier]
        assert list(rule(run)) == []
        run.down[node] = run.now()
        assert list(rule(run)) == [f"{router.name} has {identifier}, and {{{node!r}}} is away"]
        leave = m.RequestLeaveInteraction(tenant_id=1, interaction_id=identifier)
        router.here._conversation.held.refused(leave, Code.LOST_CONNECTION, True)
        assert list(rule(run)), "it was not given back"
        run.ledger.parties.clear()
        assert list(rule(run)) == []
