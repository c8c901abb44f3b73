from __future__ import annotations

import pytest

from ixproxy.node.expressions import compile_condition, compile_order
from ixproxy.node.selections import Selection
from ixproxy.storage.columns import all_columns
from ixproxy.storage.selecting import Statement, view_index, within_segments
from ixproxy.testing.store_samples import CUSTOM, NOW, PROPERTIES

COLUMNS = all_columns(list(CUSTOM))["interactions"]


def test_what_a_person_wrote_is_bound_and_never_part_of_the_text() -> None:
    word = "'; DROP TABLE interactions; --"
    selection = Selection(
        1,
        queue=word,
        media_type=word,
        workbin=(("workbin_type", word),),
        condition=compile_condition("external_id = 'DROP TABLE'", PROPERTIES),
        order=compile_order("priority + 7", PROPERTIES),
        limit=5,
    )
    statement = Statement(selection, COLUMNS, NOW)
    assert "DROP" not in statement.text
    assert " 7" not in statement.text
    assert statement.parameters == {
        "now": NOW,
        "tenant": 1,
        "queue": word,
        "media": word,
        "workbin_0": word,
        "condition_0": "DROP TABLE",
        "order_0": 7,
        "limit": 5,
    }


def test_a_pull_names_its_queue_as_the_index_of_its_view_does() -> None:
    selection = Selection(3, queue="It's", available=True, limit=1)
    text = Statement(selection, COLUMNS, NOW).text
    for part in view_index(selection).where().split(" AND "):
        assert part in text
    assert "'It''s'" in text
    assert '"is_held" = 0' in text


def test_views_that_need_the_same_index_share_one() -> None:
    one = Selection(1, queue="Q1", available=True, limit=1)
    same = Selection(1, queue="Q1", available=True, segment_limit=3)
    assert view_index(one) == view_index(same)
    for other in (
        Selection(2, queue="Q1", available=True),
        Selection(1, queue="Q2", available=True),
        Selection(1, queue="Q1", order=compile_order("priority", PROPERTIES), available=True),
    ):
        assert view_index(one).name != view_index(other).name


@pytest.mark.parametrize(
    "selection",
    [
        Selection(1, workbin=(("no_column", "x"),)),
        Selection(1, segmentation=("no_column",), segment_limit=1),
    ],
)
def test_only_columns_that_there_are_get_into_a_statement(selection: Selection) -> None:
    with pytest.raises(ValueError, match="no_column"):
        Statement(selection, COLUMNS, NOW)


def test_rows_are_taken_as_long_as_their_segment_has_room() -> None:
    selection = Selection(1, segmentation=("priority",), segment_limit=2, limit=4)
    place = COLUMNS.names.index("priority")

    def row(number: int, priority: int | None) -> tuple[object, ...]:
        return (number, *[None] * (place - 1), priority)

    rows = [row(at, priority) for at, priority in enumerate((1, 1, None, 2, None, None, 2, 2))]
    taken = list(within_segments(rows, selection, COLUMNS, [(1, 1), (7, 9)]))
    assert [values[0] for values in taken] == [0, 2, 3, 4]
