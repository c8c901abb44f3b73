"""The proxy's own stream of each node: asked for, begun anew, given up."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.core.upstream_streams import AFTER_REFUSAL, SPACING
from ixproxy.errors import Code
from ixproxy.wire.codec import encode
from tests.core.reporting import (
    ALL,
    ANNA,
    NO_MORE,
    NODES,
    STAMP,
    STOPS,
    Reporting,
    names,
    submitted,
)
from tests.core.rig import EAST, NORTH, TENANT, WEST, decode, facts, only


def test_a_stream_is_asked_for_about_all_tenants_of_its_node() -> None:
    rig = Reporting(nodes=[facts(EAST, tenants=frozenset({TENANT, 2})), facts(NORTH)])
    rig.ask(rig.reporter(tenants=[TENANT]), ALL)
    wanted = [decode(only(rig.asked(node))).tenants for node in (EAST, NORTH)]
    assert wanted == [{"1": TENANT, "2": 2}, {"1": TENANT}]


@pytest.mark.parametrize("how", ["gap", "repeat", "lost"])
def test_a_stream_that_missed_something_begins_anew_and_what_differs_is_told(how: str) -> None:
    """Test idea 41: detected, counted, resynchronised."""
    rig = Reporting()
    peer = rig.reporting(ANNA)
    rig.tick(SPACING)
    rig.happen(EAST, submitted("one"))
    if how == "lost":
        rig.lose_stream(EAST)
    else:
        rig.last[EAST] += 1 if how == "gap" else -1
        rig.happen(EAST, submitted("missed"), submitted("dropped"))
    assert [event.interaction_id for event in rig.got(peer)] == ["one"]
    assert len(rig.noted("begins anew")) == 1
    counters = rig.core.state.counters
    assert counters["streams begun anew"] == 1
    bert = replace(ANNA, agent_id="bert", agent_session=(8, 101), place_id="hall")
    rig.grant(EAST, bert)
    assert not rig.asked(NORTH), "the others go on"
    events = {type(event).__name__: event for event in rig.got(peer)}
    assert set(events) == {"EventAgentLogout", "EventAgentLogin"}
    assert events["EventAgentLogin"].agent_id == "bert"
    assert all(event.extension["Resync"] == 1 for event in events.values())
    rig.happen(EAST, submitted("two"))
    assert [event.interaction_id for event in rig.got(peer)] == ["two"]


def test_a_stream_begins_anew_at_most_once_a_second() -> None:
    rig = Reporting()
    rig.reporting()
    rig.tick(SPACING)
    rig.lose_stream(EAST)
    rig.grant(EAST)
    rig.lose_stream(EAST)
    assert not rig.asked(EAST)
    rig.tick(SPACING / 2)
    assert not rig.asked(EAST)
    rig.tick(SPACING / 2)
    rig.grant(EAST)


def test_events_before_the_new_beginning_are_of_the_stream_before() -> None:
    rig = Reporting()
    peer = rig.reporting()
    rig.tick(SPACING)
    rig.lose_stream(EAST)
    rig.happen(EAST, submitted("old"))
    rig.answer(EAST, only(rig.asked(EAST)), m.EventAck())
    rig.happen(EAST, submitted("older"))
    assert not rig.got(peer)
    rig.begin(EAST, last=40)
    rig.happen(EAST, submitted("new"))
    assert [event.interaction_id for event in rig.got(peer)] == ["new"]
    assert not rig.asked(EAST)


def test_a_client_that_comes_meanwhile_is_not_made_to_wait() -> None:
    rig = Reporting()
    rig.reporting(ANNA)
    rig.tick(SPACING)
    rig.lose_stream(EAST)
    late = rig.reporter()
    rig.ask(late, ALL)
    assert "EventPlaceAgentState" in names(rig.got(late)), "what is known holds until then"


def test_a_node_that_never_tells_its_agents_is_waited_for_no_longer_than_for_an_answer() -> None:
    rig = Reporting(request_timeout=20.0)
    peer = rig.reporter()
    rig.ask(peer, ALL)
    rig.grant(EAST, ANNA)
    rig.grant(NORTH)
    rig.grant(WEST, end=False)
    rig.got(peer)
    rig.tick(19.75)
    assert not rig.got(peer)
    rig.tick(0.25)
    assert len(rig.got(peer)) == 3
    assert only(rig.noted("goes on without")).fields == {"link": "Node west"}
    assert rig.core.state.counters["streams not begun in time"] == 1
    rig.end(WEST)
    rig.happen(WEST, submitted("late"))
    assert len(rig.got(peer)) == 1, "it counts when it does"


def test_a_node_that_does_not_even_answer_is_asked_again() -> None:
    rig = Reporting(request_timeout=20.0)
    peer = rig.reporter()
    rig.ask(peer, ALL)
    rig.grant(EAST)
    rig.grant(NORTH)
    first = only(rig.asked(WEST))
    rig.tick(20.0)
    assert len(rig.got(peer)) == 3
    rig.tick(SPACING)
    rig.answer(WEST, first, m.EventAck())
    rig.begin(WEST, ANNA)
    assert not rig.got(peer), "that answer is of a request that is over"
    rig.grant(WEST, ANNA)
    assert names(rig.got(peer)) == ["EventAgentLogin"]


def test_a_node_that_refuses_is_gone_on_without_and_asked_again_later() -> None:
    rig = Reporting()
    peer = rig.reporter()
    rig.ask(peer, ALL)
    rig.grant(EAST)
    rig.grant(NORTH)
    rig.refuse(WEST, only(rig.asked(WEST)), Code.UNSUPPORTED_YET)
    assert len(rig.got(peer)) == 3
    for _ in range(2):
        rig.tick(AFTER_REFUSAL)
        rig.refuse(WEST, only(rig.asked(WEST)), Code.UNSUPPORTED_YET)
    assert len(rig.noted("refuses its reporting stream")) == 1, "said once"
    rig.tick(AFTER_REFUSAL)
    rig.grant(WEST, ANNA)
    assert names(rig.got(peer)) == ["EventAgentLogin"]


def test_a_node_that_is_too_busy_is_asked_when_it_is_not() -> None:
    rig = Reporting()
    rig.core.link(WEST).full = True
    peer = rig.reporter()
    rig.ask(peer, ALL)
    rig.grant(EAST)
    rig.grant(NORTH)
    assert not rig.asked(WEST)
    rig.tick(SPACING)
    assert not rig.asked(WEST)
    rig.core.link(WEST).full = False
    rig.tick(SPACING)
    rig.grant(WEST)
    assert len(rig.got(peer)) == 3


def test_a_node_away_for_a_minute_logs_nobody_out_and_nobody_in_again() -> None:
    """Test idea 45."""
    rig = Reporting()
    peer = rig.reporting(ANNA)
    rig.lose(EAST)
    for _ in range(60):
        rig.tick(1.0)
    assert not rig.got(peer)
    late = rig.reporter()
    rig.ask(late, ALL)
    assert "EventPlaceAgentState" in names(rig.got(late)), "nobody waits for who is away"
    rig.link(EAST)
    rig.grant(EAST, ANNA)
    rig.happen(EAST, submitted("one"))
    assert names(rig.got(peer)) == ["EventInteractionSubmitted"]


def test_whom_only_a_node_has_that_is_away_is_out_a_grace_after_another_came_without_her() -> None:
    rig = Reporting()
    peer = rig.reporting(ANNA)
    rig.lose(EAST)
    rig.tick(SPACING)
    rig.lose_stream(NORTH)
    rig.grant(NORTH)
    rig.tick(0.0)
    grace = rig.core.state.settings.node_loss_grace
    rig.tick(grace - 0.1)
    assert not rig.got(peer)
    rig.tick(0.1)
    (event,) = rig.got(peer)
    assert isinstance(event, m.EventAgentLogout)
    assert (event.agent_id, event.extension) == ("anna", {"Resync": 1})
    late = rig.reporter()
    rig.ask(late, ALL)
    assert "EventPlaceAgentState" not in names(rig.got(late))
    rig.link(EAST)
    rig.grant(EAST, ANNA)
    assert names(rig.got(peer)) == ["EventAgentLogin"], "nobody has said that it is over"


def test_a_node_is_asked_when_clients_and_agents_were_told_to_it() -> None:
    rig = Reporting()
    rig.reporting()
    rig.lose(EAST)
    rig.core.node_connected(EAST, rig.now)
    rig.pump()
    assert not rig.asked(EAST)
    rig.accept(EAST)
    assert rig.core.link(EAST).linked
    assert len(rig.asked(EAST)) == 1


def test_what_only_a_node_had_is_over_when_it_leaves_the_deployment() -> None:
    rig = Reporting()
    peer = rig.reporting(ANNA)
    nodes = {name: facts for name, facts in rig.deployment.nodes.items() if name != EAST}
    state = rig.core.state
    rig.core.configuration_changed(
        state.settings, rig.deployment_of(nodes), state.strategies, rig.now
    )
    rig.pump()
    event = only(rig.got(peer))
    assert (type(event).__name__, event.agent_id, event.agent_session) == (
        "EventAgentLogout", "anna", STAMP,
    )  # fmt: skip
    assert event.extension["Resync"] == 1


def test_a_node_of_other_tenants_is_asked_for_these() -> None:
    rig = Reporting()
    rig.reporting()
    rig.tick(SPACING)
    nodes = dict(rig.deployment.nodes)
    nodes[EAST] = facts(EAST, tenants=frozenset({TENANT, 2}))
    state = rig.core.state
    rig.core.configuration_changed(
        state.settings, rig.deployment_of(nodes), state.strategies, rig.now
    )
    rig.pump()
    assert decode(only(rig.asked(EAST))).tenants == {"1": TENANT, "2": 2}
    assert not rig.asked(NORTH)


def test_a_name_that_means_another_node_now_has_none_of_the_agents_before() -> None:
    rig = Reporting()
    peer = rig.reporting(ANNA)
    nodes = dict(rig.deployment.nodes)
    nodes[EAST] = facts(EAST, dbid=999)
    state = rig.core.state
    rig.core.configuration_changed(
        state.settings, rig.deployment_of(nodes), state.strategies, rig.now
    )
    rig.lose(EAST)
    assert names(rig.got(peer)) == ["EventAgentLogout"]


def test_what_composers_counted_is_not_forgotten_with_the_last_client() -> None:
    rig = Reporting()
    peer = rig.reporting()
    rig.tick(SPACING)
    rig.lose_stream(EAST)
    rig.ask(peer, NO_MORE)
    rig.effects.clear()
    rig.ask(peer, m.RequestServerStatus())
    assert only(rig.effects).status.counters["lost streams"] == 1
    assert all(rig.asked(node, STOPS) for node in NODES)


def test_a_beginning_that_was_not_asked_for_is_of_no_stream() -> None:
    rig = Reporting()
    rig.begin(EAST, ANNA)
    peer = rig.reporter()
    rig.ask(peer, ALL)
    for node in NODES:
        rig.grant(node)
    assert "EventPlaceAgentState" not in names(rig.got(peer))
    rig.from_node(EAST, encode(submitted("unnumbered")))
    assert not rig.got(peer)


def test_a_client_that_starts_and_stops_over_and_over_is_no_flood_to_the_nodes() -> None:
    rig = Reporting()
    peer = rig.reporter()
    asked = ended = 0
    for number in range(1000):
        rig.ask(peer, ALL)
        rig.ask(peer, NO_MORE)
        for frame in rig.sent(EAST):
            asked += isinstance(decode(frame), type(ALL))
            ended += isinstance(decode(frame), STOPS)
            rig.answer(EAST, frame, m.EventAck())
        if number % 100 == 99:
            rig.tick(0.25)
    assert asked == ended
    assert 1 <= asked <= 4, "once a second at most"
    assert rig.core.link(EAST).pending.count == 0
    assert not rig.core._streams.number
    rig.tick(SPACING)
    rig.ask(peer, ALL)
    for node in NODES:
        if node is not EAST:
            rig.answer(node, rig.asked(node)[-1], m.EventAck())
            rig.begin(node)
    rig.grant(EAST, ANNA)
    assert "EventPlaceAgentState" in names(rig.got(peer))
