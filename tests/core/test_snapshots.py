"""The table of client snapshots: states, ids, pages."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.core.clients import Client
from ixproxy.core.snapshots import LAST_ID, NEXT, Part, Snapshot, Snapshots, State, Step
from ixproxy.values import NodeName
from tests.core.rig import EAST, NORTH, TENANT, WEST

ANNA, BERT = (cast(Client, name) for name in ("anna", "bert"))
NOBODY: Counter[Any] = Counter()


def standing(table: Snapshots, client: Client, *sizes: int) -> Snapshot:
    """A snapshot with parts of these sizes."""
    snapshot = table.begin(client, TENANT)
    snapshot.parts += [Part(NodeName(f"n{at}"), at + 1, size) for at, size in enumerate(sizes)]
    table.step(snapshot, Step.TAKEN)
    return snapshot


def test_every_step_from_every_state_is_in_the_table() -> None:
    assert set(NEXT) == set(product(State, Step))
    assert {after for (before, _), after in NEXT.items() if before is State.ENDED} == {None}


def test_a_step_that_is_none_says_so() -> None:
    table = Snapshots()
    snapshot = table.begin(ANNA, TENANT)
    with pytest.raises(ValueError, match="snapshot 1: RELEASED while taking"):
        table.step(snapshot, Step.RELEASED)


@pytest.mark.parametrize("step", [Step.RELEASED, Step.PART_GONE, Step.LEFT])
def test_one_that_has_ended_is_in_no_table(step: Step) -> None:
    table = Snapshots()
    snapshot = standing(table, ANNA, 2)
    assert table.find(ANNA, TENANT, snapshot.id) is snapshot
    table.step(snapshot, step)
    assert table.find(ANNA, TENANT, snapshot.id) is None
    assert (len(table), list(table), table.of(ANNA), table.number_of(ANNA)) == (0, [], [], 0)


def test_an_id_is_known_to_its_client_in_its_tenant_when_it_is_taken() -> None:
    table = Snapshots()
    taking = table.begin(ANNA, TENANT)
    snapshot = standing(table, ANNA, 2)
    assert table.find(ANNA, TENANT, taking.id) is None
    assert table.find(ANNA, TENANT, snapshot.id) is snapshot
    assert table.find(ANNA, TENANT + 1, snapshot.id) is None
    assert table.find(BERT, TENANT, snapshot.id) is None


def test_ids_begin_where_they_are_told_and_never_repeat_one_in_use() -> None:
    table = Snapshots(LAST_ID - 1)
    assert [table.begin(ANNA, TENANT).id for _ in range(3)] == [LAST_ID - 1, LAST_ID, 1]
    again = Snapshots(LAST_ID)
    kept = standing(again, ANNA, 1)
    again._next_id = LAST_ID
    assert (kept.id, again.begin(ANNA, TENANT).id) == (LAST_ID, 1)


def test_parts_stand_in_the_order_of_node_names_whoever_took_first() -> None:
    table = Snapshots()
    snapshot = table.begin(ANNA, TENANT)
    snapshot.parts += [Part(WEST, 1, 1), Part(EAST, 3, 1), Part(NORTH, 2, 1)]
    table.step(snapshot, Step.TAKEN)
    assert [part.node for part in snapshot.parts] == [EAST, NORTH, WEST]
    assert snapshot.part_on(NORTH) == Part(NORTH, 2, 1)
    assert snapshot.part_on(NodeName("south")) is None


def test_what_a_node_is_to_keep_is_listed_as_soon_as_it_has_taken() -> None:
    table = Snapshots()
    taking = table.begin(ANNA, TENANT)
    taking.parts.append(Part(NodeName("n0"), 77, 1))
    standing(table, ANNA, 5, 5)
    standing(table, BERT, 5)
    assert sorted(table.listed(ANNA, NodeName("n0"))) == [1, 77]
    assert table.listed(ANNA, NodeName("n1")) == [2]
    assert table.listed(ANNA, WEST) == []


def test_one_client_may_have_a_quarter_of_all_what_nodes_still_have_included() -> None:
    table = Snapshots()
    for _ in range(2):
        standing(table, ANNA, 1)
    assert not table.has_room(ANNA, 8, NOBODY)
    assert table.has_room(BERT, 8, NOBODY)
    assert not table.has_room(BERT, 8, Counter({BERT: 2}))
    assert not table.has_room(BERT, 8, Counter({ANNA: 6}))


def test_a_client_may_have_no_more_than_a_registration_lists() -> None:
    table = Snapshots()
    for _ in range(1000):
        table.begin(ANNA, TENANT)
    assert not table.has_room(ANNA, 1_000_000, NOBODY)


@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    number=st.integers(1, 9),
)
def test_pages_one_after_the_other_are_every_position_once_in_order(
    sizes: list[int], number: int
) -> None:
    snapshot = standing(Snapshots(), ANNA, *sizes)
    seen: list[tuple[str, int]] = []
    for start in range(0, sum(sizes) + number, number):
        slices = snapshot.page(start, number)
        assert sum(each.number for each in slices) == min(number, max(0, sum(sizes) - start))
        seen += [(part.node, first + at) for part, first, many in slices for at in range(many)]
    assert seen == [(f"n{node}", at) for node, size in enumerate(sizes) for at in range(size)]
    assert sum(each.number for each in snapshot.page(0, 0)) == snapshot.size == sum(sizes)


def test_a_client_waits_to_leave_until_the_last_of_its_takes_has_ended() -> None:
    table = Snapshots()
    table.take_began(ANNA, EAST)
    table.take_began(ANNA, EAST)
    table.take_began(BERT, EAST)
    assert table.waits_to_leave(ANNA, EAST)
    assert not table.waits_to_leave(ANNA, WEST)
    assert not table.take_ended(BERT, EAST)
    assert not table.take_ended(ANNA, EAST)
    assert table.take_ended(ANNA, EAST)
    assert not table.waits_to_leave(ANNA, EAST)
