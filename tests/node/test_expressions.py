"""Conditions, orders and segmentations as others meet them."""

from __future__ import annotations

import contextlib
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import IxproxyError
from ixproxy.node.expressions import (
    Condition,
    ExpressionError,
    Segmentation,
    columns_of,
    compile_condition,
    compile_order,
    compile_segmentation,
    matches,
)
from ixproxy.node.properties import Properties
from ixproxy.node.rows import InteractionRow
from tests.node.drawn import NOW, PROPERTIES, conditions, many, numbers, rows, stored, timed_leaves

EXAMPLE = "[media_type] = 'chat' AND Queue = 'Q1' AND priority > 5"


def condition(text: str) -> Condition:
    return compile_condition(text, PROPERTIES)


def test_a_condition_is_sql_parameters_and_what_it_reads() -> None:
    found = condition(EXAMPLE)
    assert found.sql == (
        '("media_type" = :condition_0) AND ("queue" = :condition_1) AND ("priority" > :condition_2)'
    )
    assert found.parameters == {"condition_0": "chat", "condition_1": "Q1", "condition_2": 5}
    assert found.columns == {"media_type", "queue", "priority"}
    assert not found.time_dependent
    assert found.bound(NOW) == {**found.parameters, "now": NOW}
    assert found == condition(EXAMPLE)
    with pytest.raises(FrozenInstanceError):
        found.sql = "1"  # type: ignore[misc]


def test_a_condition_that_depends_on_time_says_so() -> None:
    found = condition("_age() > 60")
    assert found.time_dependent
    assert found.columns == {"received_at"}
    assert not found.matches({"received_at": NOW - 60}, NOW)
    assert found.matches({"received_at": NOW - 60}, NOW + 1)
    assert matches(found, {"received_at": NOW - 61}, NOW)


def test_no_condition_lets_every_row_through() -> None:
    assert condition(" ").matches({}, NOW)
    assert condition("").columns == frozenset()


def test_a_condition_reads_the_row_of_the_node() -> None:
    row = InteractionRow(
        id="a", tenant_id=1, media_type="chat", queue="Q1", priority=6, custom={"c_amount": 2.5}
    )
    assert condition(EXAMPLE).matches(columns_of(row), NOW)
    assert condition("Amount > 2").matches(columns_of(row), NOW)
    assert not condition("Amount > 2").matches(columns_of(InteractionRow(
        id="a", tenant_id=1, media_type="chat")), NOW)  # fmt: skip
    assert "custom" not in columns_of(row)


def test_either_store_gets_its_own_text_with_the_same_parameters() -> None:
    here, there = condition(EXAMPLE), compile_condition(EXAMPLE, PROPERTIES, "postgresql")
    assert there.sql.startswith('("media_type" = (CAST(%(condition_0)s AS TEXT)')
    assert there.parameters == here.parameters


def test_a_wrong_expression_is_an_error_of_this_package() -> None:
    with pytest.raises(IxproxyError) as caught:
        condition("Quue = 'x'")
    assert str(caught.value) == "unknown property 'Quue'; did you mean 'Queue'? (at character 1)"
    assert isinstance(caught.value, ExpressionError)
    assert (caught.value.part, caught.value.position) == ("Quue", 0)


def test_an_order_ends_with_arrival_and_id() -> None:
    order = compile_order("priority DESC, received_at", PROPERTIES)
    assert order.sql == '"priority" DESC, "received_at" ASC, "queue_seq" ASC, "id" ASC'
    assert [(term.column, term.descending, term.nulls_first) for term in order.terms] == [
        ("priority", True, False),
        ("received_at", False, True),
        ("queue_seq", False, True),
        ("id", False, True),
    ]
    assert order.columns == {"priority", "received_at", "queue_seq", "id"}
    assert not order.time_dependent


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", ["queue_seq", "id"]),
        ("InteractionId DESC", ["id", "queue_seq"]),
        ("PlaceInQueueSeq asc", ["queue_seq", "id"]),
        ("[Product], ReceivedAt", ["c_product", "received_at", "queue_seq", "id"]),
        ("((Priority)) DESC", ["priority", "queue_seq", "id"]),
    ],
)
def test_tie_breakers_are_added_where_they_are_missing(text: str, columns: list[str]) -> None:
    assert [term.column for term in compile_order(text, PROPERTIES).terms] == columns


def test_an_order_may_be_calculated() -> None:
    order = compile_order("priority * 10 + _age() / 60 DESC", PROPERTIES)
    assert order.terms[0].column is None
    assert order.time_dependent
    assert order.parameters == {"order_0": 10, "order_1": 60}
    row: dict[str, object] = {"priority": 3, "received_at": NOW - 120, "queue_seq": 7, "id": "x"}
    assert order.values(row, NOW) == (32.0, 7, "x")


def test_an_order_for_postgresql_says_where_nulls_stand() -> None:
    order = compile_order("priority DESC", PROPERTIES, "postgresql")
    assert order.sql.startswith('"priority" DESC NULLS LAST, "queue_seq" ASC NULLS FIRST, ')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("priority,", "an entry is missing"),
        ("priority DESC DESC", "misplaced at 'DESC'"),
        ("DESC DESC, ASC", "unknown property 'DESC'"),
        ("priority NULLS LAST", "'NULLS' is not a known operator"),
        ("priority DESC NULLS FIRST", "'FIRST' is not a known operator"),
        ("1", "the same for every row"),
        ("_current_time()", "the same for every row"),
        ("priority, Priority DESC", "by the same value twice"),
        ("InQueues", "a binary value has no order"),
        ("priority = 1", "a value is expected"),
        ("Quux", "unknown property"),
        ("priority; DROP TABLE interactions", "not allowed"),
        (", ".join(f"priority + {n}" for n in range(17)), "more than 16"),
    ],
)
def test_a_wrong_order_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        compile_order(text, PROPERTIES)


order_terms = st.tuples(
    st.sampled_from(["priority", "Product", "ReceivedAt", "Amount", "queue", "PlaceInQueueSeq"])
    | numbers(timed_leaves).map(lambda text: f"priority + {text}"),
    st.sampled_from(["", " ASC", " DESC"]),
)


@many(0.6)
@given(st.lists(order_terms, max_size=3), st.lists(rows(), max_size=5))
def test_sort_keys_stand_in_the_order_of_the_store(
    entries: list[tuple[str, str]], table: list[dict[str, object]]
) -> None:
    text = ", ".join(value + way for value, way in dict(entries).items())
    order = compile_order(text, PROPERTIES)
    with contextlib.closing(stored(*table)) as store:
        query = f"SELECT n FROM interactions ORDER BY {order.sql}, n"
        found = [n for (n,) in store.execute(query, order.bound(NOW))]
    assert found == sorted(range(len(table)), key=lambda n: (order.key(table[n], NOW), n))


def test_a_segmentation_names_properties() -> None:
    found = compile_segmentation("media_type, [Product], Priority", 5, PROPERTIES)
    assert found == Segmentation(("media_type", "c_product", "priority"), 5)
    row: dict[str, object] = {"media_type": "chat", "priority": 1}
    assert found.key(row) == ("chat", None, 1)
    assert compile_segmentation("", 0, PROPERTIES) == Segmentation((), 0)


@pytest.mark.parametrize(
    ("text", "limit", "reason"),
    [
        ("ReceivedAt", 1, "ReceivedAt is a timestamp"),
        ("DueAt", 1, "DueAt is a timestamp"),
        ("InQueues", 1, "InQueues is a blob"),
        ("priority + 1", 1, "names properties only"),
        ("'x'", 1, "names properties only"),
        ("media_type DESC", 1, "'DESC' is not a known operator"),
        ("media_type, MediaType", 1, "MediaType is named twice"),
        ("media_type,", 1, "an entry is missing"),
        ("media_type", -1, "0 or more, not -1"),
    ],
)
def test_a_wrong_segmentation_is_refused(text: str, limit: int, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        compile_segmentation(text, limit, PROPERTIES)


def test_too_many_properties_make_no_segmentation() -> None:
    many = Properties({f"P{n}": "string" for n in range(17)})
    with pytest.raises(ExpressionError, match="more than 16"):
        compile_segmentation(", ".join(f"P{n}" for n in range(17)), 1, many)


def test_conditions_that_differ_are_not_equal() -> None:
    assert condition("priority = 1") != condition("priority = 2")
    assert replace(condition("priority = 1"), sql="x") != condition("priority = 1")


WORDS = [
    *("priority", "Queue", "[media_type]", '"Product"', "`DueAt`", "InQueues", "quux", "[", "]"),
    *("=", "==", "<>", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "(", ")", ",", "||"),
    *("AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ESCAPE", "BETWEEN", "TRUE", "FALSE"),
    *("'x'", "'2026-01-02'", "'", '"', "5", "-1", "1.5", ".5", "1e9", "0x1F", "9" * 30, "''"),
    *("_age", "_age()", "_timestamp(", "_current_time()", "SELECT", "CASE", "WHEN", "END", "CAST"),
    *("--", "/*", "*/", ";", ":now", "?", "$1", "@x", "{{", "{%", "\\", ".", "::", "->", "!", "~"),
    *(
        "DESC",
        "ASC",
        "NULLS",
        "ANY",
        "ALL",
        "EXISTS",
        "INTERVAL",
        "DATE",
        "x'41'",
        "N'x'",
        "é",
        "\0",
    ),
    *("ISNULL", "NOTNULL", "DISTINCT", "FROM", "COLLATE", "OVER", "FILTER", "WITHIN", "GLOB", "\n"),
]


def only_expression_errors(text: str) -> None:
    for compiled in (
        lambda: condition(text),
        lambda: compile_order(text, PROPERTIES),
        lambda: compile_segmentation(text, 1, PROPERTIES),
    ):
        with contextlib.suppress(ExpressionError):
            compiled()


@many(15)
@given(st.lists(st.sampled_from(WORDS), max_size=14), st.sampled_from(["", " "]))
def test_words_in_any_order_give_an_expression_or_its_error(words: list[str], gap: str) -> None:
    only_expression_errors(gap.join(words))


@many(5)
@given(st.text(max_size=40))
def test_any_text_gives_an_expression_or_its_error(text: str) -> None:
    only_expression_errors(text)


@many(10)
@given(conditions, st.data())
def test_a_mutated_expression_gives_an_expression_or_its_error(
    text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 6))
    only_expression_errors(text[:at] + data.draw(st.sampled_from(WORDS)) + text[at + cut :])


@pytest.mark.parametrize(
    "piece", ["(", "NOT ", "-", "+", "NOT(", "-(", "a IN (", "_age(", "[", "'", "a=(", "- -", "/*"]
)
def test_what_goes_on_for_kilobytes_is_an_error_not_a_crash(piece: str) -> None:
    for text in (piece * (8192 // len(piece)), "a = " + piece * (8000 // len(piece))):
        with pytest.raises(ExpressionError):
            condition(text)
