from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.agents import NO_SEAT
from ixproxy.node.rows import AgentRow
from ixproxy.testing.simulation import breaking
from ixproxy.testing.simulation import rules_of_refusals as rules
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.run import GIVEN_UP, Run
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.steps import TENANT
from tests.testing.simulation.small_worlds import one, running, submitted

SENT_AWAY = m.EventForcedAgentStateChange(
    tenant_id=TENANT,
    agent_id="anna",
    agent_session=(5, 101),
    agent_state_change_operation="Logout",
    reason=NO_SEAT,
)


def agent(name: str, number: int) -> AgentRow:
    """The row of an agent who is logged in."""
    return AgentRow(tenant_id=TENANT, agent_id=name, number=number, dbid=101, confirmed=True)


def refused(run: Run, identifier: str, code: int, *, there: int = 1, age: float = 0.0) -> Asked:
    """Somebody asked of an interaction, and was refused."""
    request = m.RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=identifier)
    answer: Deferred[object] = Deferred()
    at = run.now() - age
    return Asked(
        3, one(run, "mail"), request, answer, at, outcome=RequestRefused(code), there=there
    )


def said(found: Iterator[str]) -> str:
    """What a rule says first; "" when it is kept."""
    return next(found, "")


def test_what_is_there_may_not_be_unknown() -> None:
    with running() as run:
        identifier = submitted(run)
        asked = refused(run, identifier, Code.UNKNOWN_INTERACTION)
        assert "is unknown to #3" in said(rules.what_is_there_is_not_unknown(run, asked))


def test_what_came_only_after_it_was_asked_for_may_be_unknown() -> None:
    with running() as run:
        asked = refused(run, submitted(run), Code.UNKNOWN_INTERACTION, there=0)
        assert said(rules.what_is_there_is_not_unknown(run, asked)) == ""


def test_what_is_not_accessible_may_be_there() -> None:
    with running() as run:
        asked = refused(run, submitted(run), Code.NOT_ACCESSIBLE)
        assert said(rules.what_is_there_is_not_unknown(run, asked)) == ""


def test_in_a_calm_world_nothing_is_in_doubt() -> None:
    for calm in (True, False):
        with running(calm=calm) as run:
            asked = refused(run, "a", Code.LOST_CONNECTION, age=run.world.timeout)
            found = said(rules.nothing_is_in_doubt_where_nothing_breaks(run, asked))
            assert bool(found) == calm


def test_who_waits_no_longer_knows_nothing_even_in_a_calm_world() -> None:
    with running(calm=True) as run:
        asked = refused(run, "a", Code.LOST_CONNECTION, age=0.1)
        assert said(rules.nothing_is_in_doubt_where_nothing_breaks(run, asked)) == ""
        asked = refused(run, "a", Code.LOST_CONNECTION, age=run.world.timeout - 0.1)
        asked.outcome = RequestRefused(Code.LOST_CONNECTION, GIVEN_UP)
        assert said(rules.nothing_is_in_doubt_where_nothing_breaks(run, asked)) == ""
        asked = refused(run, "a", Code.NOT_ACCESSIBLE, age=0.1)
        assert said(rules.nothing_is_in_doubt_where_nothing_breaks(run, asked))


def test_nobody_is_sent_away_while_seats_stay_as_they_are() -> None:
    with running() as run:
        assert said(rules.nobody_is_sent_away_for_a_seat(run)) == ""
        one(run, "desk").event_received(SENT_AWAY)
        assert "fewer seats" in said(rules.nobody_is_sent_away_for_a_seat(run))
        breaking.change_seats(run, Draws(0))
        assert said(rules.nobody_is_sent_away_for_a_seat(run)) == ""


@pytest.mark.parametrize("stamp", [4, 6])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_somebody_goes_where_nodes_that_do_not_hear_of_each_other_have_let_in_more(
    elsewhere: bool, stamp: int
) -> None:
    with running(seats=1) as run:
        seats = run.ledger.seats
        seats.written("node1", [agent("anna", 5)], ())
        seats.committed("node1")
        one(run, "desk").event_received(SENT_AWAY)
        assert "fewer seats" in said(rules.nobody_is_sent_away_for_a_seat(run))
        where = "node2" if elsewhere else "node1"
        seats.written(where, [agent("bert", stamp)], ())
        seats.committed(where)
        found = said(rules.nobody_is_sent_away_for_a_seat(run))
        if not elsewhere:
            assert found == "2 agents are on one node, for 1 seats"
        else:
            assert bool(found) == (stamp > 5), "the older ones stay"
