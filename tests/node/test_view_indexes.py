"""The index of a view, and what no index helps."""

from __future__ import annotations

import sqlite3

import pytest

from ixproxy.node.expressions import Condition, Dialect, Order, compile_condition, compile_order
from ixproxy.node.properties import Properties
from ixproxy.node.view_indexes import NAME_PREFIX, IndexWanted, advice, wanted_index
from tests.node.drawn import NOW, stored

PROPERTIES = Properties({"Product": "string", "product_Line": "string", "Amount": "number"})


def condition(text: str) -> Condition:
    return compile_condition(text, PROPERTIES)


def order(text: str, dialect: Dialect = "sqlite") -> Order:
    return compile_order(text, PROPERTIES, dialect)


def test_an_index_covers_the_free_rows_of_its_queue_in_the_order_of_the_view() -> None:
    index = wanted_index("Urgent", "In'bound", order("priority DESC, received_at"), tenant_id=1)
    assert index.table == "interactions"
    assert index.columns == (
        ("priority", True),
        ("received_at", False),
        ("queue_seq", False),
        ("id", False),
    )
    assert index.predicate == (
        ("tenant_id", 1),
        ("queue", "In'bound"),
        ("state", 0),
        ("is_locked", 0),
    )
    assert index.where() == (
        '"tenant_id" = 1 AND "queue" = \'In\'\'bound\' AND "state" = 0 AND "is_locked" = 0'
    )
    assert index.ddl() == (
        f'CREATE INDEX IF NOT EXISTS "{index.name}" ON "interactions" '
        '("priority" DESC, "received_at" ASC, "queue_seq" ASC, "id" ASC) '
        f"WHERE {index.where()}"
    )
    assert '"priority" DESC NULLS LAST, "received_at" ASC NULLS FIRST' in index.ddl("postgresql")


def test_columns_that_the_condition_fixes_come_first() -> None:
    fixed = condition(
        "[media_type] = 'chat' AND 'x' = Product AND Queue = 'Q' AND state = 0 AND Priority > 5"
        " AND ExternalId = 'y' AND SubmittedBy = 'z'"
    )
    index = wanted_index("V", "Q", order("media_type, priority DESC"), fixed)
    assert index.columns == (
        ("media_type", False),
        ("c_product", False),
        ("external_id", False),
        ("priority", True),
        ("queue_seq", False),
        ("id", False),
    )


def test_columns_of_an_or_are_not_fixed() -> None:
    either = condition("[media_type] = 'chat' OR [media_type] = 'email'")
    index = wanted_index("V", "Q", order("priority"), either)
    assert index.columns[0] == ("priority", False)


def test_a_calculation_ends_what_an_index_can_give() -> None:
    index = wanted_index("V", "Q", order("media_type, priority * 2, received_at"))
    assert index.columns == (("media_type", False),)
    assert wanted_index("V", "Q", order("_age() DESC")).columns == (("queue_seq", False),)


def test_a_name_tells_indexes_apart_and_no_more() -> None:
    made = [
        wanted_index("V", "Q", order("priority")),
        wanted_index("W", "Q", order("priority")),
        wanted_index("V", "P", order("priority")),
        wanted_index("V", "Q", order("priority DESC")),
        wanted_index("V", "Q", order("priority"), tenant_id=1),
        wanted_index("V", "Q", order("priority"), condition("media_type = 'chat'")),
    ]
    assert len({index.name for index in made}) == len(made)
    assert wanted_index("V", "Q", order("Priority ASC")) == made[0]
    assert all(index.name.startswith(NAME_PREFIX) and len(index.name) <= 63 for index in made)


def test_a_per_cent_sign_in_a_queue_is_doubled_where_psycopg_would_read_it() -> None:
    index = wanted_index("V", "50%", order(""))
    assert "'50%'" in index.where()
    assert "'50%%'" in index.where("postgresql")
    assert "'50%'" in index.ddl("postgresql")


def test_a_queue_that_no_statement_can_name_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        wanted_index("V", "a\0b", order(""))


def plan(store: sqlite3.Connection, index: IndexWanted, wish: Condition, by: Order) -> str:
    query = (
        f"EXPLAIN QUERY PLAN SELECT * FROM interactions WHERE {index.where()} "
        f"AND ({wish.sql}) ORDER BY {by.sql} LIMIT 10"
    )
    bound = {**wish.bound(NOW), **by.bound(NOW)}
    return " / ".join(str(row[-1]) for row in store.execute(query, bound))


@pytest.mark.parametrize(
    ("wish", "by", "uses"),
    [
        ("", "", ""),
        ("", "priority DESC, received_at", ""),
        ("priority > 5", "priority DESC, received_at", "(priority>?)"),
        ("[media_type] = 'chat' AND Queue = 'Q'", "priority DESC", "(media_type=?)"),
        ("[media_type] = 'chat' AND priority > 5", "priority", "(media_type=? AND priority>?)"),
        ("_age() > 60 AND Product LIKE '%x%'", "received_at", ""),
        ("Product LIKE 'x%'", "Product", "(c_product>? AND c_product<?)"),
    ],
)
def test_sqlite_finds_the_first_row_by_the_index_and_sorts_nothing(
    wish: str, by: str, uses: str
) -> None:
    rows = [{"id": str(n), "queue": "Q", "state": 0, "is_locked": 0} for n in range(50)]
    store = stored(*rows)
    index = wanted_index("V", "Q", order(by), condition(wish))
    store.execute(index.ddl())
    store.execute(index.ddl())  # there already: nothing happens
    store.execute("ANALYZE")
    found = plan(store, index, condition(wish), order(by))
    assert f"USING INDEX {index.name}" in found
    assert uses in found
    assert "TEMP B-TREE" not in found
    store.close()


@pytest.mark.parametrize(
    ("wish", "by"),
    [
        ("", ""),
        ("[media_type] = 'chat' AND priority > 5", "priority DESC, received_at"),
        ("priority IN (1, 2) OR priority = 3", "received_at"),
        ("Product LIKE 'x%' AND ExternalId IS NULL", ""),
        ("_age() > 60", "received_at"),
        ("TRUE AND NOT FALSE", ""),
        ("_current_time() > '2026-01-01'", ""),
    ],
)
def test_a_view_that_an_index_serves_gets_no_advice(wish: str, by: str) -> None:
    assert advice(condition(wish), order(by)) == []


@pytest.mark.parametrize(
    ("wish", "by", "said"),
    [
        ("", "priority, _age() DESC", "order: term 2 is a calculation"),
        ("Product LIKE '%x'", "", "LIKE with a wildcard in front (c_product)"),
        ("Product LIKE '_x'", "", "LIKE with a wildcard in front (c_product)"),
        ("Product LIKE '%x' OR Product = 'y'", "", "LIKE with a wildcard in front (c_product)"),
        ("priority = 1 OR Queue = 'x'", "", "OR over several properties (priority, queue)"),
        ("Product = 'x' AND (priority = 1 OR Queue = 'x')", "", "OR over several properties"),
        ("NOT (priority = 1)", "", "NOT (priority)"),
        ("priority <> 1", "", "<> (priority)"),
        ("priority > service_objective", "", "a comparison of properties"),
        ("priority BETWEEN 1 AND service_objective", "", "a comparison of properties"),
        ("priority * 2 > 5", "", "a calculation with a property (priority)"),
        ("priority * 2 IN (4, 6)", "", "a calculation with a property (priority)"),
        ("priority * 2 IS NULL", "", "a calculation with a property (priority)"),
        ("_age() > 60", "priority", "a calculation with a property (received_at)"),
    ],
)
def test_what_no_index_helps_is_said(wish: str, by: str, said: str) -> None:
    (found,) = advice(condition(wish), order(by))
    assert said in found


def test_advice_without_a_condition_is_about_the_order() -> None:
    assert advice(None, order("priority")) == []
    assert len(advice(None, order("priority * 2, Amount / 2"))) == 2
