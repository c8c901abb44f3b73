"""Named parameters are bound, whatever stands in literals, names and comments around them."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.capture.database_parameters import Dialect, Statement, read_statement

SQLITE, POSTGRESQL = Dialect.SQLITE, Dialect.POSTGRESQL

NASTY = st.text(alphabet="aE?'\"$-/*\\;:@[]`%\n X1_", max_size=12)


def quoted(text: str, sign: str = "'") -> str:
    return f"{sign}{text.replace(sign, sign * 2)}{sign}"


def tag_free(text: str) -> str:
    return text.replace("$", "")


# Pieces of SQL, each an expression with the text that it must come to, or None for a parameter.
LITERAL = NASTY.map(lambda text: (quoted(text), text))
PARAMETER = st.text(alphabet="Nam' -?x", min_size=1, max_size=6).map(
    lambda name: (f"?{quoted(name)}", None)
)
ESCAPED = NASTY.map(lambda text: (f"E{quoted(text.replace(chr(92), chr(92) * 2))}", text))
DOLLARS = NASTY.map(lambda text: (f"$x${tag_free(text)}$x$", tag_free(text)))
BLANKS = st.sampled_from([" ", "\n", " -- it's ?'no'\n", "/* ?'no' \" ' */", " /* -- */ "])
NESTED = st.sampled_from(["/* /* ?'no' */ ' */", "\t"])


def names_of(pieces: list[tuple[str, str | None]]) -> tuple[str, ...]:
    return tuple(sql[2:-1].replace("''", "'") for sql, text in pieces if text is None)


@given(st.lists(st.tuples(LITERAL | PARAMETER, BLANKS), min_size=1, max_size=6))
def test_sqlite_sees_every_literal_as_it_was_and_a_value_for_every_parameter(
    pieces: list[tuple[tuple[str, str | None], str]],
) -> None:
    sql = f"SELECT {','.join(f'{blank}{piece}{blank}' for (piece, _), blank in pieces)}"
    statement = read_statement(sql, SQLITE)
    assert statement.names == names_of([piece for piece, _ in pieces])
    values = [f"value {at}" for at in range(len(statement.names))]
    waiting = iter(values)
    wanted = [next(waiting) if text is None else text for (_, text), _ in pieces]
    assert list(sqlite3.connect(":memory:").execute(statement.text, values).fetchone()) == wanted


@given(
    st.lists(
        st.tuples(LITERAL | PARAMETER | ESCAPED | DOLLARS, BLANKS | NESTED), min_size=1, max_size=6
    )
)
def test_postgresql_is_given_one_place_for_every_parameter(
    pieces: list[tuple[tuple[str, str | None], str]],
) -> None:
    sql = f"SELECT {','.join(f'{blank}{piece}{blank}' for (piece, _), blank in pieces)}"
    statement = read_statement(sql, POSTGRESQL)
    assert statement.names == names_of([piece for piece, _ in pieces])
    places = iter(range(1, 99))
    again = [f"${next(places)}" if text is None else piece for (piece, text), _ in pieces]
    blanks = [blank for _, blank in pieces]
    wanted = ",".join(f"{blank}{piece}{blank}" for piece, blank in zip(again, blanks, strict=True))
    assert statement.text == f"SELECT {wanted}"


def test_postgresql_reads_the_same_literals_as_the_scanner(postgresql_server: Any) -> None:
    sql = (
        "SELECT 'it''s ?''no''', E'\\'?\\'' \n '\\'', $a$ ?'no' $$ $a$, \"?'col\", ?'One', "
        "'{\"k\": 1}'::jsonb ? 'k', '100%s', /* /* ' */ */ ?'Two'::int "
        'FROM (SELECT 1 AS "?\'col") t'
    )
    statement = read_statement(sql, POSTGRESQL)
    assert statement.names == ("One", "Two")
    with psycopg.connect(
        postgresql_server.address("postgres", "postgres"), cursor_factory=psycopg.RawCursor
    ) as connection:
        found = connection.execute(statement.text.encode(), ["first", "2"]).fetchone()
    assert found == ("it's ?'no'", "'?''", " ?'no' $$ ", 1, "first", True, "100%s", 2)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT 'a", "column 8: ' is not closed"),
        ('SELECT\n  "a', 'line 2, column 3: " is not closed'),
        ("SELECT 1; SELECT 2", "column 11: one statement is expected"),
        ("  -- nothing\n", "expected a statement"),
        ("", "expected a statement"),
        (";", "expected a statement"),
        ("SELECT ?''", "column 8: expected as the name"),
        (f"SELECT ?'{'n' * 129}'", "1 to 128 printable"),
        ("SELECT ?'a\nb'", "printable"),
        ("SELECT\0", "column 7: a NUL"),
        ("SELECT $1", r"\$1: parameters are written as"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    sql: str, problem: str, dialect: Dialect
) -> None:
    with pytest.raises(ValueError, match=problem):
        read_statement(sql, dialect)


@pytest.mark.parametrize(
    ("sql", "dialect", "problem"),
    [
        ("SELECT ?", SQLITE, r"column 8: \?: parameters"),
        ("SELECT ?2", SQLITE, r"\?2: parameters"),
        ("SELECT :name", SQLITE, ":name: parameters"),
        ("SELECT @name", SQLITE, "@name: parameters"),
        ("SELECT [a", SQLITE, r"\[ is not closed"),
        ("SELECT `a", SQLITE, "` is not closed"),
        ("SELECT $x$ a $y$", POSTGRESQL, r"column 8: \$x\$ is not closed"),
        ("SELECT E'a\\'", POSTGRESQL, "E' is not closed"),
        ("SELECT /* /* */ 1", POSTGRESQL, "column 8: /\\* is not closed"),
    ],
)
def test_what_one_dialect_does_not_have_is_refused(
    sql: str, dialect: Dialect, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        read_statement(sql, dialect)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_semicolon_may_end_it(dialect: Dialect) -> None:
    assert read_statement("SELECT 1 ; -- end", dialect) == Statement("SELECT 1 ; -- end", ())


def test_nothing_beside_a_parameter_becomes_part_of_it() -> None:
    assert read_statement("a=?'X'b", SQLITE).text == "a=? b"
    assert read_statement("SELECT 1?'X'2", POSTGRESQL).text == "SELECT 1 $1 2"
    assert read_statement("a ->> ?'X'", POSTGRESQL).text == "a ->> $1"
    assert read_statement("SELECT a::text, b[1], c$d", POSTGRESQL).text.endswith("c$d")


@given(st.text(alphabet="aE?'\"$-/*\\;:[]`%\n X1", max_size=30), st.sampled_from(Dialect))
def test_any_text_is_read_or_refused(text: str, dialect: Dialect) -> None:
    with suppress(ValueError):
        assert read_statement(text, dialect).text
