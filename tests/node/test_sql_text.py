"""SQL as it is written for either store."""

from __future__ import annotations

import re
import sqlite3

import pytest

from ixproxy.node.properties import Properties
from ixproxy.node.sql_text import Dialect, SqlWriter, direction, quoted_name, quoted_text
from ixproxy.node.syntax import MAX_ARITHMETIC, MAX_COMPARISONS, read_predicate
from ixproxy.node.tokens import MAX_DEPTH, read_pieces

PROPERTIES = Properties({"Amount": "number"})


def written(text: str, dialect: Dialect = "sqlite") -> tuple[str, dict[str, int | float | str]]:
    writer = SqlWriter(dialect, "p")
    return writer.predicate(read_predicate(read_pieces(text), text, PROPERTIES)), writer.parameters


def untyped(sql: str) -> str:
    """Text for PostgreSQL without the types of its parameters."""
    sql = re.sub(r'\(CAST\((%\(\w+\)s) AS TEXT\) COLLATE "C"\)', r"\1", sql)
    return re.sub(r"CAST\((%\(\w+\)s) AS [A-Z ]+\)", r"\1", sql)


CASES: list[tuple[str, str, str, dict[str, int | float | str]]] = [
    ("", "1", "TRUE", {}),
    ("NOT FALSE", "NOT (0)", "NOT (FALSE)", {}),
    (
        "[media_type] = 'chat' AND priority > 5",
        '("media_type" = :p_0) AND ("priority" > :p_1)',
        '("media_type" = %(p_0)s) AND ("priority" > %(p_1)s)',
        {"p_0": "chat", "p_1": 5},
    ),
    (
        "_age() > 60 OR Queue IS NOT NULL",
        '((:now - "received_at") > :p_0) OR (NOT ("queue" IS NULL))',
        '((%(now)s - "received_at") > %(p_0)s) OR (NOT ("queue" IS NULL))',
        {"p_0": 60},
    ),
    (
        "Queue LIKE 'a*%_?[%\\'",
        '"queue" GLOB :p_0',
        '"queue" LIKE %(p_0)s',
        {"p_0": "a[*]*?[?][[]*\\"},
    ),
    (
        "priority IN (1, 2) AND priority BETWEEN 3 AND 4",
        '("priority" IN (:p_0, :p_1)) AND ("priority" BETWEEN :p_2 AND :p_3)',
        '("priority" IN (%(p_0)s, %(p_1)s)) AND ("priority" BETWEEN %(p_2)s AND %(p_3)s)',
        {"p_0": 1, "p_1": 2, "p_2": 3, "p_3": 4},
    ),
    (
        "priority / 2 > priority % 3",
        '("priority" / :p_0) > ("priority" % :p_1)',
        '("priority" / NULLIF(%(p_0)s, 0)) > ("priority" %% NULLIF(%(p_1)s, 0))',
        {"p_0": 2, "p_1": 3},
    ),
    (
        "Amount / 2 > Amount % 3",
        '(CAST("c_amount" AS REAL) / :p_0) > ("c_amount" % :p_1)',
        '(CAST("c_amount" AS DOUBLE PRECISION) / NULLIF(%(p_0)s, 0)) > '
        '(TRUNC(CAST("c_amount" AS NUMERIC)) %% '
        "NULLIF(TRUNC(CAST(%(p_1)s AS NUMERIC)), 0))",
        {"p_0": 2, "p_1": 3},
    ),
    (
        "priority + 1 - (priority - 1) > 0",
        '("priority" + :p_0 - ("priority" - :p_1)) > :p_2',
        '("priority" + %(p_0)s - ("priority" - %(p_1)s)) > %(p_2)s',
        {"p_0": 1, "p_1": 1, "p_2": 0},
    ),
]


@pytest.mark.parametrize(("text", "sqlite", "postgresql", "parameters"), CASES)
def test_a_condition_is_written(
    text: str, sqlite: str, postgresql: str, parameters: dict[str, int | float | str]
) -> None:
    assert written(text) == (sqlite, parameters)
    sql, bound = written(text, "postgresql")
    assert untyped(sql) == postgresql
    if "LIKE" not in sql:
        assert bound == parameters


def test_postgresql_is_told_the_types_of_parameters() -> None:
    sql, _ = written("'a' < 'b' AND 1 < 1.5 AND _age() > 1", "postgresql")
    assert sql == (
        '((CAST(%(p_0)s AS TEXT) COLLATE "C") < (CAST(%(p_1)s AS TEXT) COLLATE "C")) AND '
        "(CAST(%(p_2)s AS BIGINT) < CAST(%(p_3)s AS DOUBLE PRECISION)) AND "
        '((CAST(%(now)s AS DOUBLE PRECISION) - "received_at") > CAST(%(p_4)s AS BIGINT))'
    )


def test_a_pattern_for_postgresql_escapes_by_backslash() -> None:
    assert written("Queue LIKE '5!%_\\%' ESCAPE '!'", "postgresql")[1] == {"p_0": "5\\%_\\\\%"}


@pytest.mark.parametrize(
    "hostile",
    [
        "Queue = 'x'' OR 1=1 --'",
        "Queue IN ('\"; DROP TABLE interactions; --')",
        "Queue LIKE '%'';%'",
        "ExternalId = ':now %(now)s ?'",
    ],
)
def test_no_text_of_a_person_gets_into_the_statement(hostile: str) -> None:
    sql, bound = written(hostile)
    assert sql.count("'") == 0
    assert sql in (
        '"queue" = :p_0',
        '"queue" IN (:p_0)',
        '"queue" GLOB :p_0',
        '"external_id" = :p_0',
    )
    assert len(bound) == 1


def test_the_largest_expressions_are_not_too_much_for_sqlite() -> None:
    nested = "NOT (priority = 1 AND " * 8 + "priority = 2" + ")" * 8
    deep = "priority > " + "1 - (" * MAX_DEPTH + "priority" + ")" * MAX_DEPTH
    wide = " OR ".join(["priority=1"] * MAX_COMPARISONS)
    long = "priority = " + "1+" * MAX_ARITHMETIC + "1"
    many = "priority IN (" + ",".join(["1"] * 4000) + ")"
    store = sqlite3.connect(":memory:")
    store.execute("CREATE TABLE interactions (priority INTEGER)")
    for text in (nested, deep, wide, long, many):
        sql, bound = written(text)
        assert store.execute(f"SELECT 1 FROM interactions WHERE ({sql})", bound).fetchall() == []
    store.close()


def test_names_and_texts_are_quoted() -> None:
    assert quoted_name('a"b') == '"a""b"'
    assert quoted_text("it's") == "'it''s'"
    with pytest.raises(ValueError, match="NUL"):
        quoted_text("a\0b")


def test_nulls_stand_alike_in_both_stores() -> None:
    assert [direction(down, "sqlite") for down in (False, True)] == ["ASC", "DESC"]
    assert direction(False, "postgresql") == "ASC NULLS FIRST"
    assert direction(True, "postgresql") == "DESC NULLS LAST"
