"""Records of a partition start in order; only what is finished without a gap is reached."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.capture.kafka_partitions import Partition, Partitions, Place
from ixproxy.capture.kafka_records import Record
from ixproxy.node.intake_work import Document

PLACE = Place("claims", 0, 1)


def record(offset: int, partition: int = 0) -> Record:
    return Record("claims", partition, offset, None, b"", [], Document())


def partition(window: int, *offsets: int) -> Partition:
    made = Partition(PLACE, window)
    for offset in offsets:
        made.add(record(offset))
    return made


def test_one_after_another_each_is_reached_when_it_is_finished() -> None:
    made = partition(1, 3, 4)
    first = made.start()
    assert not made.may_start
    assert (made.waiting, made.under_way) == (1, 1)
    assert made.finish(first) == 4
    assert made.finish(made.start()) == 5
    assert not made.may_start


def test_what_is_finished_behind_a_gap_is_reached_when_the_gap_is_closed() -> None:
    made = partition(3, 0, 5, 6, 9)
    first, second, third = made.start(), made.start(), made.start()
    assert not made.may_start
    assert made.finish(second) is None
    assert made.finish(third) is None
    assert made.finish(first) == 7
    assert made.finish(made.start()) == 10


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=30),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_nothing_unfinished_is_ever_passed_over(
    gaps: list[int], window: int, random: object
) -> None:
    offsets = [sum(gaps[: at + 1]) for at in range(len(gaps))]
    made = partition(window, *offsets)
    finished: set[int] = set()
    under_way: list[Record] = []
    reached = 0
    while made.waiting or under_way:
        if made.may_start and random.random() < 0.6:  # type: ignore[attr-defined]
            under_way.append(made.start())
            assert len(under_way) <= window
        elif under_way:
            at = random.randrange(len(under_way))  # type: ignore[attr-defined]
            done = under_way.pop(at)
            finished.add(done.offset)
            found = made.finish(done)
            if found is not None:
                assert found > reached
                reached = found
        assert all(offset in finished for offset in offsets if offset < reached)
    assert reached == offsets[-1] + 1


def test_partitions_take_turns() -> None:
    ours = Partitions(1)
    for number in range(3):
        place = Place("claims", number, number)
        ours.assigned(place)
        for offset in range(2):
            assert ours.add(place, record(offset, number))
    order = []
    while ours.has_next:
        found, started = ours.start_next()
        order.append((found.place.partition, started.offset))
        ours.finish(found, started)
    assert order == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    assert (ours.waiting, ours.under_way, len(ours)) == (0, 0, 3)


def test_what_was_taken_away_counts_no_more_and_is_another_when_it_comes_again() -> None:
    ours = Partitions(1)
    ours.assigned(PLACE)
    assert ours.add(PLACE, record(0))
    old = ours.of(PLACE)
    assert old is not None
    ours.revoked(PLACE)
    assert not old.is_ours
    assert not old.may_start
    assert not ours.has_next
    assert not ours.add(PLACE, record(1))
    again = PLACE._replace(term=2)
    ours.assigned(again)
    assert ours.of(PLACE) is None
    assert not ours.add(PLACE, record(1))
    assert ours.add(again, record(0))
    ours.revoked(PLACE)
    assert len(ours) == 1
