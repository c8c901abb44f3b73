"""
The rules that are asked when a simulation has ended: at rest, worked off, and left by all.

As in `rules`, a rule yields what breaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ixproxy.testing.at_rest import agents_of_nodes, grown, remembered
from ixproxy.testing.node_checks import mistakes
from ixproxy.testing.simulation.players import SORTS, ends
from ixproxy.testing.simulation.rules_of_locks import snapshots_are_freed_with_their_clients
from ixproxy.testing.simulation.rules_of_logs import (
    gaps_count_exactly_what_is_missing,
    logs_have_what_nodes_committed,
)
from ixproxy.testing.simulation.rules_of_pairs import (
    one_server_of_a_pair_serves,
    who_is_deposed_waits_and_has_said_so,
)
from ixproxy.testing.simulation.rules_of_pushed import (
    nodes_know_what_routers_have_loaded,
    nothing_waits_for_a_router_with_room,
)
from ixproxy.testing.simulation.rules_of_snapshots import may_be_stopped
from ixproxy.testing.simulation.run import Run
from ixproxy.values import NodeName, PartyType

Rule = Callable[[Run], Iterable[str]]


def every_request_is_answered_once(run: Run) -> Iterator[str]:
    """Each request has one answer, those included that nobody waits for (design 14.2)."""
    for asked in run.waiting:
        yield f"{asked.name} of #{asked.step} is never answered"
    for player in run.there(*SORTS):
        if player.here.in_flight:
            yield f"{player.name} waits for {player.here.in_flight} answers"


def everybody_is_connected(run: Run) -> Iterator[str]:
    """
    When all is healed whoever wants to be connected is (design 5, the client library), and
    all nodes serve, and proxies are linked with them (design 7, links).
    """
    for player in run.players:
        if not player.left and (player.client is None or not player.client.connected):
            yield f"{player.name} is not connected"
    for node in run.cluster.nodes:
        if not node.listening:
            yield f"nobody serves as {node.name}: {node.members}"
    for proxy in run.cluster.proxies:
        if proxy.process.alive and proxy.core is not None:
            for node in run.cluster.nodes:
                link = proxy.core.state.links[NodeName(node.name)]
                if node.listening and not link.linked:
                    yield f"{proxy.name} is not linked with {node.name}: {link.state.value}"
    for outer in run.cluster.outers:
        if outer.process.alive and not outer.linked:
            yield f"{outer.name} is linked with no proxy"


def what_a_lost_node_has_is_let_go(run: Run) -> Iterator[str]:
    """
    After the grace clients do not believe to have what a lost node has (design 7). What one has
    given back, and was not told so, it lists until it is.
    """
    for player in run.there("router", "desk"):
        for identifier in player.here.holding if player.here.connected else ():
            away = run.ledger.owners.get(identifier, set()) & run.down.keys()
            has = any((node, identifier, player.session) in run.ledger.parties for node in away)
            if away and (has or identifier not in player.here.doubtful):
                yield f"{player.name} has {identifier}, and {away} is away"


def streams_are_true_while_nodes_are_away(run: Run) -> Iterator[str]:
    """
    A node that is away keeps nobody logged in who is out on all others (decision 0014): whom
    none of them ever had stays, for that a node is lost logs nobody out. Whose end is in doubt
    has no stream on its next connection.
    """
    rows = [row for row in run.cluster.rows("agents") if row["node"] not in run.down]
    there = {(row["tenant_id"], row["agent_id"]) for row in rows}
    for player in run.there("stat"):
        watch = player.watch
        reads = player.reads and player.here.connected
        if reads and watch is not None and watch.whole:
            for key in sorted(watch.agents.keys() - there):
                session = (*key, watch.agents[key].stamp)
                if run.ledger.logins.get(session, set()) - run.down.keys():
                    yield f"{player.name} believes that {key[1]} is logged in, who is on no node"


def proxies_know_what_their_clients_have(run: Run) -> Iterator[str]:
    """
    A proxy follows what its own clients have (design 7: nothing taken is ever stranded). One
    behind another does not see what that gives back for a client.
    """
    players = {player.session: player for player in run.there("router", "desk")}
    for proxy in run.cluster.fronts:
        for client in proxy.core.state.clients if proxy.core is not None else ():
            player = players.get(client.session)
            if player is not None and client.holding.keys() - player.here.holding.keys():
                more = sorted(client.holding.keys() - player.here.holding.keys())
                yield f"{proxy.name} believes that {player.name} has {', '.join(more)}"


def nothing_is_stranded(run: Run) -> Iterator[str]:
    """Nothing is taken by who does not have it (design 7: nothing taken is ever stranded)."""
    yield from run.cluster.stranded()


def nothing_is_doubled(run: Run) -> Iterator[str]:
    """Nothing is on two nodes, or held by two who do not share it (design 14.2)."""
    yield from run.cluster.doubled()


def nothing_is_imagined(run: Run) -> Iterator[str]:
    """Nobody believes to have what no node knows of (design 14.2)."""
    yield from run.cluster.imagined()


def nothing_acknowledged_is_lost(run: Run) -> Iterator[str]:
    """What was submitted is there, or somebody ended it (design 14.2)."""
    left = {row["id"] for row in run.cluster.rows("interactions")}
    # Of some stops nobody lived to hear the answer.
    unheard = {
        getattr(asked.request, "interaction_id", "") for asked in run.open if ends(asked.request)
    }
    unheard |= may_be_stopped(run)
    for identifier in run.ledger.born:
        if identifier not in left and not run.ended.get(identifier):
            if identifier not in run.doubtful and identifier not in unheard:
                yield f"{identifier} is gone, and nobody ended it"
        elif identifier in left and run.ended.get(identifier):
            yield f"{identifier} is there, and was ended"


def nodes_contradict_nothing(run: Run) -> Iterator[str]:
    """A node's tables agree with one another, and with its memory (design 8)."""
    for node in run.cluster.nodes:
        assert node.server is not None
        for mistake in mistakes(node.place, node.server):
            yield f"{node.name}: {mistake}"


def agents_are_the_same_everywhere(run: Run) -> Iterator[str]:
    """All nodes know the same agents in the same states (design 7, agents)."""
    yield from agents_of_nodes(run.cluster)[1]


def no_more_agents_than_seats(run: Run) -> Iterator[str]:
    """Each agent that is logged in has a seat (design 8, licences)."""
    for node in run.cluster.nodes:
        assert node.server is not None
        agents = len(node.server.core._standing.memory.agents)
        if run.seats is not None and agents > run.seats:
            yield f"{agents} agents are logged in on {node.name}, for {run.seats} seats"


def a_new_stream_is_as_the_tables_are(run: Run) -> Iterator[str]:
    """A stream begins with the state that the nodes' tables have (design 7, reporting)."""
    fresh = run.fresh
    if fresh is None or not fresh.whole:
        yield "a new reporting client has no stream"
        return
    agents = agents_of_nodes(run.cluster)[0]
    for party in run.cluster.rows("parties"):
        key = party["tenant_id"], party["agent_id"]
        if party["party_type"] == PartyType.AGENT and key in agents:
            agents[key]["parties"][party["interaction_id"]] = party["visibility_mode"]
    yield from fresh.differs(agents, "the nodes' tables")


def all_streams_say_the_same(run: Run) -> Iterator[str]:
    """A running stream has come to the state with which a new one begins (design 7, reporting)."""
    assert run.fresh is not None
    for player in run.there("stat"):
        watch = player.watch
        if watch is None or watch is run.fresh or not player.reads or watch.narrow:
            continue
        if watch.whole:
            yield from watch.differs_from(run.fresh)
        else:
            yield f"{player.name} has no stream"


def all_can_be_worked_off(run: Run) -> Iterator[str]:
    """Whatever waits in a queue can be pulled out of its view (design 14.2)."""
    assert run.last is not None
    holding = run.last.here.holding
    for row in run.cluster.rows("interactions"):
        if not row["workbin_type"] and row["id"] not in holding:
            yield f"{row['id']} in {row['queue']} (state {row['state']}) cannot be pulled"


def nothing_is_remembered(run: Run) -> Iterator[str]:
    """When all have left no table is larger than at the beginning (design 14.2)."""
    yield from grown(run.empty, remembered(run.cluster))


AT_REST: tuple[Rule, ...] = (
    one_server_of_a_pair_serves,
    who_is_deposed_waits_and_has_said_so,
    everybody_is_connected,
    every_request_is_answered_once,
    nothing_is_stranded,
    nothing_is_doubled,
    nothing_is_imagined,
    proxies_know_what_their_clients_have,
    nothing_acknowledged_is_lost,
    nodes_contradict_nothing,
    agents_are_the_same_everywhere,
    no_more_agents_than_seats,
    nodes_know_what_routers_have_loaded,
    nothing_waits_for_a_router_with_room,
    snapshots_are_freed_with_their_clients,
    logs_have_what_nodes_committed,
    gaps_count_exactly_what_is_missing,
)
WHILE_NODES_ARE_AWAY: tuple[Rule, ...] = (
    what_a_lost_node_has_is_let_go,
    streams_are_true_while_nodes_are_away,
)
OF_STREAMS: tuple[Rule, ...] = (a_new_stream_is_as_the_tables_are, all_streams_say_the_same)
WHEN_WORKED_OFF: tuple[Rule, ...] = (all_can_be_worked_off,)
WHEN_ALL_HAVE_LEFT: tuple[Rule, ...] = (nothing_is_remembered,)
