from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ixproxy.node.journal import Journal
from ixproxy.node.memory import Memory, Reporter
from ixproxy.node.rows import AgentRow, SessionRow
from ixproxy.wire.subscribing import Subscribed


def session(name: bytes, **more: Any) -> SessionRow:
    attributes = {"client_name": "chat", "client_type": "MediaServer", "incarnation": 1, **more}
    return SessionRow(session=name, **attributes)


def agent(number: int = 1, sessions: tuple[bytes, ...] = (b"s",), **more: Any) -> AgentRow:
    attributes = {"tenant_id": 1, "agent_id": "Ann", "dbid": 7, "confirmed": True, **more}
    return AgentRow(number=number, sessions=list(sessions), **attributes)


def test_media_servers_are_found_by_their_name() -> None:
    memory = Memory(Journal())
    first, second = session(b"1"), session(b"2")
    for row in (first, second, first, session(b"3", client_type="RoutingEngine")):
        memory.keep_session(row)
    assert memory.servers == {"chat": (b"1", b"2")}
    renamed = replace(first, client_name="mail")
    memory.keep_session(renamed)
    assert memory.servers == {"chat": (b"2",), "mail": (b"1",)}
    memory.drop_session(renamed)
    memory.drop_session(second)
    assert (memory.servers, set(memory.sessions)) == ({}, {b"3"})


def test_lost_sessions_are_known_until_they_come_back() -> None:
    memory = Memory(Journal())
    memory.keep_session(session(b"1", lost_at=5.0))
    assert memory.lost == {b"1": 5.0}
    memory.keep_session(session(b"1"))
    assert memory.lost == {}


def test_what_a_start_finds_counts_as_lost() -> None:
    journal = Journal()
    memory = Memory(journal)
    memory.load([session(b"1"), session(b"2", lost_at=3.0)], [agent(9)], 10.0)
    assert memory.lost == {b"1": 10.0, b"2": 3.0}
    assert memory.counters.stamp_number == 9
    assert journal.mark() == 0


def test_an_agent_is_found_by_name_session_and_place() -> None:
    memory = Memory(Journal())
    row = agent(place_id="P")
    memory.keep_agent(row)
    assert memory.logged_in((1, "Ann")) is row
    assert memory.agents_of == {b"s": ((1, "Ann"),)}
    assert memory.places == {(1, "P"): "Ann"}
    moved = replace(row, place_id="Q", sessions=[b"t"])
    memory.keep_agent(moved)
    assert memory.agent_rows((1, "Ann")) == (moved,)
    assert memory.agents_of == {b"t": ((1, "Ann"),)}
    assert memory.places == {(1, "Q"): "Ann"}
    memory.drop_agent(moved)
    assert (memory.agents, memory.agents_of, memory.places) == ({}, {}, {})


def test_a_provisional_session_is_beside_the_confirmed_one() -> None:
    memory = Memory(Journal())
    confirmed = agent(1, place_id="P")
    waiting = agent(2, (b"t",), confirmed=False, place_id="P", logged_in_at=4.0)
    memory.keep_agent(confirmed)
    memory.keep_agent(waiting)
    assert memory.logged_in((1, "Ann")) is confirmed
    assert b"t" not in memory.agents_of
    assert list(memory.provisional.values()) == [4.0]
    memory.keep_agent(replace(waiting, confirmed=True))
    assert memory.provisional == {}
    assert memory.agents_of[b"t"] == ((1, "Ann"),)


ROWS = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(1, 3),
        st.sets(st.sampled_from([b"s", b"t"]), min_size=1),
        st.booleans(),
        st.sampled_from(["", "P", "Q"]),
        st.sampled_from(["Ann", "Bob"]),
    ),
    max_size=12,
)


@given(steps=ROWS, undone=ROWS)
def test_indexes_agree_with_the_rows_and_undoing_restores_them(
    steps: list[Any], undone: list[Any]
) -> None:
    journal = Journal()
    memory = Memory(journal)

    def do(steps: list[Any]) -> None:
        for keep, number, sessions, confirmed, place, name in steps:
            here = memory.logged_in((1, name))
            others = confirmed and here is not None and here.number != number
            taken = memory.places.get((1, place), name) != name
            if keep and not others and not taken:
                row = agent(
                    number,
                    tuple(sorted(sessions)),
                    confirmed=confirmed,
                    place_id=place,
                    agent_id=name,
                )
                memory.keep_agent(row)
            elif not keep:
                for row in memory.agent_rows((1, name)):
                    if row.number == number:
                        memory.drop_agent(row)

    def state() -> Any:
        return (
            {name: set(map(repr, rows)) for name, rows in memory.agents.items()},
            {name: set(agents) for name, agents in memory.agents_of.items()},
            dict(memory.places),
            dict(memory.provisional),
            {name: set(waiting) for name, waiting in memory.provisional_of.items()},
        )

    do(steps)
    rows = [row for each in memory.agents.values() for row in each]
    expected: dict[bytes, set[Any]] = {}
    waiting: dict[bytes, set[Any]] = {}
    for row in rows:
        for name in row.sessions:
            if row.confirmed:
                expected.setdefault(name, set()).add((1, row.agent_id))
            else:
                waiting.setdefault(name, set()).add(((1, row.agent_id), (row.number, row.dbid)))
    agents, by_session, places, provisional, provisional_of = state()
    assert by_session == expected
    assert provisional_of == waiting
    confirmed = [row for row in rows if row.confirmed]
    assert places == {(1, row.place_id): row.agent_id for row in confirmed if row.place_id}
    assert len(provisional) == len(rows) - len(confirmed)
    mark = journal.mark()
    do(undone)
    journal.undo(mark)
    assert state() == (agents, by_session, places, provisional, provisional_of)
    journal.undo()
    assert state() == ({}, {}, {}, {}, {})


def test_a_tenant_is_reported_while_a_stream_is_about_it() -> None:
    memory = Memory(Journal())
    memory.keep_session(session(b"1"))
    memory.keep_reporter(b"1", Reporter(memory.next_stream(), Subscribed(), frozenset({1, 2})))
    memory.keep_reporter(b"2", Reporter(memory.next_stream(), Subscribed(), frozenset({2})))
    assert [memory.is_reported(tenant) for tenant in (1, 2, 3)] == [True, True, False]
    memory.keep_reporter(b"2", Reporter(memory.next_stream(), Subscribed(), frozenset({3})))
    assert memory.reported == {1: 1, 2: 1, 3: 1}
    memory.drop_session(session(b"1"))
    memory.drop_reporter(b"nobody")
    assert memory.reported == {3: 1}
    memory.drop_reporter(b"2")
    assert (memory.reported, memory.reporters) == ({}, {})
    assert memory.streams == 3
