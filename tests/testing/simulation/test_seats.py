from __future__ import annotations

from ixproxy.node.rows import AgentRow
from ixproxy.testing.simulation.seats import Seats


def agent(name: str, number: int, *, confirmed: bool = True) -> AgentRow:
    return AgentRow(tenant_id=1, agent_id=name, number=number, dbid=101, confirmed=confirmed)


def commit(seats: Seats, node: str, *puts: AgentRow, gone: tuple[AgentRow, ...] = ()) -> None:
    """One transaction."""
    seats.written(node, puts, [("agents", row.key) for row in gone])
    seats.committed(node)


def session(row: AgentRow) -> tuple[int, str, tuple[int, ...]]:
    return row.tenant_id, row.agent_id, (row.number, row.dbid)


ANNA, BERT, CARL = agent("anna", 5), agent("bert", 6), agent("carl", 7)


def test_it_knows_how_many_older_ones_were_there_at_one_moment() -> None:
    seats = Seats()
    commit(seats, "node1", ANNA)
    commit(seats, "node2", BERT)
    commit(seats, "node1", gone=(ANNA,))
    commit(seats, "node3", CARL)
    assert [seats.older(session(each)) for each in (ANNA, BERT, CARL)] == [0, 1, 1]


def test_who_goes_for_another_in_one_commit_was_there_with_it() -> None:
    seats = Seats()
    commit(seats, "node1", BERT)
    commit(seats, "node1", ANNA, gone=(BERT,))
    assert seats.older(session(BERT)) == 1
    assert seats.most == 1


def test_an_older_session_of_the_same_agent_takes_no_seat_from_it() -> None:
    seats = Seats()
    commit(seats, "node1", ANNA)
    commit(seats, "node2", agent("anna", 9))
    assert seats.older((1, "anna", (9, 101))) == 0


def test_who_is_about_to_be_logged_in_has_a_seat_of_the_node_and_is_not_older() -> None:
    seats = Seats()
    commit(seats, "node1", agent("anna", 5, confirmed=False))
    commit(seats, "node1", BERT)
    assert seats.most == 2
    assert seats.older(session(BERT)) == 0
