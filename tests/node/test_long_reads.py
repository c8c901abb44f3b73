from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventInteractionsFound,
    EventSnapshotInteractions,
    RequestTakeSnapshot,
)
from ixproxy.node.answers import encode_map
from ixproxy.node.expressions import compile_order
from ixproxy.node.long_plans import MembersWanted, PageWanted, Taking
from ixproxy.node.long_reads import PIECE, answer_of, response_of, result_of
from ixproxy.node.properties import Properties
from ixproxy.node.rows import InteractionRow, SnapshotMemberRow
from ixproxy.node.selections import Selection
from ixproxy.node.work import LongRead

ROWS = [InteractionRow(id=name, tenant_id=1, media_type="email", queue="Q") for name in "abc"]
ORDER = compile_order("InteractionId", Properties())


def plan(limit: int, *, keyed: bool = False) -> LongRead:
    selection = Selection(1, order=ORDER, limit=limit + 1)
    return LongRead(selection, EventInteractionsFound, limit, 5.0, keyed)


def test_an_answer_shows_no_more_than_its_limit_and_says_so() -> None:
    answer = answer_of(plan(2), ROWS)
    assert list(answer.interactions) == ["a", "b"]
    assert answer.have_more
    assert answer_of(plan(3), ROWS).have_more is False
    assert answer_of(plan(3), []) == EventInteractionsFound()


def test_sort_keys_stand_only_where_an_order_was_asked_for() -> None:
    assert answer_of(plan(3), ROWS).sort_keys == {}
    keys = answer_of(plan(2, keyed=True), ROWS).sort_keys
    assert list(keys) == ["a", "b"]
    assert keys["a"] < keys["b"]


class Reader:
    """Finds what a test has put there; the contract of readers is with the stores."""

    def __init__(self, members: list[SnapshotMemberRow]) -> None:
        self._members = members
        self.pieces: list[int] = []

    def select(self, selection: Selection, now: float) -> list[InteractionRow]:
        return ROWS

    def members(self, snapshot_id: int, start: int, limit: int) -> list[SnapshotMemberRow]:
        return [row for row in self._members if row.position >= start][:limit]

    def fetch_by(self, table: str, column: str, values: Iterable[str]) -> list[InteractionRow]:
        wanted = list(values)
        self.pieces.append(len(wanted))
        return [row for row in ROWS if row.id in wanted]


def test_what_is_found_for_a_snapshot_goes_on_to_the_writer_with_keys_where_an_order_was_asked(
) -> None:
    request = RequestTakeSnapshot(tenant_id=1)
    selection = Selection(1, order=ORDER, limit=3)
    reader: Any = Reader([])
    for keyed in (False, True):
        taking = result_of(MembersWanted(request, selection, 5.0, keyed), reader)
        assert isinstance(taking, Taking)
        assert [each.interaction_id for each in taking.found] == ["a", "b", "c"]
        keys = [each.sort_key for each in taking.found]
        assert keys == sorted(keys)
        assert all(keys) == keyed
        assert (taking.snapshot_id, taking.at, taking.now) == (0, 0, 5.0)


def test_a_page_is_read_in_pieces_and_names_who_is_not_there() -> None:
    members = [
        SnapshotMemberRow(snapshot_id=7, interaction_id=id, position=at, state=0, queue_seq=0)
        for at, id in enumerate(["a", *(f"gone-{number}" for number in range(PIECE)), "b", "c"])
    ]
    reader: Any = Reader(members)
    size = len(members)
    page = result_of(PageWanted(7, 1, 0, size - 1, size), reader)
    assert isinstance(page, EventSnapshotInteractions)
    assert list(page.interactions) == ["a", "b"]
    assert set(page.errors.values()) == {Code.UNKNOWN_INTERACTION}
    assert len(page.errors) == PIECE
    assert page.have_more
    assert reader.pieces == [PIECE, 2]
    other_tenants = result_of(PageWanted(7, 2, 0, 1, size), reader)
    assert isinstance(other_tenants, EventSnapshotInteractions)
    assert list(other_tenants.errors) == ["a"]


def test_a_page_of_a_snapshot_that_is_released_meanwhile_is_none() -> None:
    members = [
        SnapshotMemberRow(snapshot_id=7, interaction_id=id, position=at, state=0, queue_seq=0)
        for at, id in enumerate("abc")
    ]
    reader: Any = Reader(members[2:])
    for number in (1, 3):
        with pytest.raises(RequestRefused) as refused:
            result_of(PageWanted(7, 1, 0, number, 3), reader)
        assert refused.value.code == Code.UNKNOWN_SNAPSHOT
    page = result_of(PageWanted(7, 1, 2, 3, 3), reader)
    assert isinstance(page, EventSnapshotInteractions)
    assert (list(page.interactions), page.have_more) == (["c"], False)
    assert result_of(PageWanted(7, 1, 9, 3, 3), reader) == EventSnapshotInteractions()


def test_a_find_is_answered_by_what_is_selected() -> None:
    reader: Any = Reader([])
    assert result_of(plan(3), reader) == answer_of(plan(3), ROWS)


def test_an_answer_ends_before_its_user_data_is_too_much_and_says_so() -> None:
    user_data = encode_map({"text": "x" * 100})
    size = len(user_data)
    rows = [msgspec.structs.replace(row, user_data=user_data) for row in ROWS]
    for most, ids in (
        (0, "abc"), (3 * size, "abc"), (3 * size - 1, "ab"), (2 * size, "ab"),
        (2 * size - 1, "a"), (1, "a"),
    ):  # fmt: skip
        limited = replace(plan(5).selection, most_bytes=most)
        answer = answer_of(msgspec.structs.replace(plan(5), selection=limited), rows)
        assert "".join(answer.interactions) == ids
        assert answer.have_more == (ids != "abc")


def test_a_response_to_a_call_shows_what_fits_one_frame_and_says_so() -> None:
    user_data = encode_map({"text": "x" * (300 << 10)})
    rows = [msgspec.structs.replace(row, user_data=user_data) for row in ROWS]
    called = msgspec.structs.replace(plan(5), envelope={"Method": "FindInteractions"})
    output = response_of(called, rows).envelope3rd_server["Parameters"]
    assert list(output["Interactions"]) == ["a"]
    assert (output["Count"], output["HaveMore"]) == (1, 1)
    whole = response_of(called, ROWS).envelope3rd_server
    assert whole["Method"] == "FindInteractions"
    assert list(whole["Parameters"]["Interactions"]) == ["a", "b", "c"]
    assert whole["Parameters"]["HaveMore"] == 0
