"""Who was taken before whom."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.reporting.interactions import Taken
from ixproxy.eventlog.reporting.overtaking import Overtaking, overtakings
from ixproxy.eventlog.reporting.scratch import Scratch
from tests.eventlog.reporting.gathering import rows

Wait = tuple[str, int, float, float, float]
"""Queue, dbid, entered, placed, left."""


def found(*waits: Wait) -> Overtaking:
    with closing(Scratch()) as scratch:
        taken = Taken(scratch)
        for wait in waits:
            taken.add(*wait)
        taken.put_away()
        return overtakings(scratch)


def test_in_order_nobody_is_overtaken() -> None:
    said = found(("Q1", 1, 0, 0, 10), ("Q1", 2, 1, 1, 11), ("Q1", 1, 2, 2, 12))
    assert rows(said.queues) == {"Q1": (3, 0, 0, 0)}
    assert (said.nodes.rows, said.longest) == ([], 0)


def test_one_of_another_node_overtakes() -> None:
    said = found(("Q1", 1, 0, 0, 20), ("Q1", 2, 5, 5, 10))
    assert rows(said.queues) == {"Q1": (2, 1, 0, 1)}
    assert rows(said.nodes) == {("1", "2"): (1,)}
    assert said.longest == 5


def test_one_of_the_same_node_overtakes_by_the_order_of_a_view() -> None:
    said = found(("Q1", 1, 0, 0, 20), ("Q1", 1, 5, 5, 10), ("Q1", 2, 6, 6, 11))
    assert rows(said.queues) == {"Q1": (3, 1, 1, 0)}
    # The furthest of those who did is named.
    assert rows(said.nodes) == {("1", "2"): (1,)}


def test_queues_and_batches_do_not_mix() -> None:
    other_queue = found(("Q1", 1, 0, 0, 20), ("Q2", 2, 5, 5, 10))
    one_batch = found(("Q1", 1, 0, 0, 10), ("Q1", 2, 5, 5, 10))
    assert other_queue.queues.whole[1] == one_batch.queues.whole[1] == 0


def test_what_comes_back_to_its_place_overtakes_nobody() -> None:
    # Entered at 5 for the second time; a client had placed it before the other came.
    assert found(("Q1", 1, 1, 1, 20), ("Q1", 2, 5, 0, 10)).queues.whole[1] == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Q1", "Q2"]), st.integers(1, 3), st.integers(0, 9), st.integers(0, 9)
        )
    )
)
def test_it_is_what_comparing_each_with_each_gives(
    drawn: list[tuple[str, int, int, int]],
) -> None:
    waits = [
        (queue, dbid, float(at), float(at), float(at + long)) for queue, dbid, at, long in drawn
    ]
    expected = own = 0
    for queue, dbid, entered, _, left in waits:
        by = [
            other for other in waits if other[0] == queue and other[4] < left and other[3] > entered
        ]
        expected += bool(by)
        own += any(other[1] == dbid for other in by)
    said = found(*waits)
    assert said.queues.whole == (len(waits), expected, own, expected - own)
    assert said.nodes.whole == (expected,)
