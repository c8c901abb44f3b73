"""Which words get to the parser, and where the others stood."""

from __future__ import annotations

import pytest
from sqlglot import TokenType

from ixproxy.node.tokens import (
    MAX_DEPTH,
    MAX_LENGTH,
    ExpressionError,
    parse_pieces,
    read_pieces,
    split_at_commas,
)


def texts(text: str) -> list[str]:
    return [piece.text for piece in read_pieces(text)]


def test_pieces_keep_their_text_and_place() -> None:
    pieces = read_pieces("[a b] = 'it''s' AND _age() > 5")
    assert [(piece.text, piece.start) for piece in pieces] == [
        ("a b", 0), ("=", 6), ("it's", 8), ("AND", 16), ("_age", 20), ("(", 24), (")", 25),
        (">", 27), ("5", 29),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "word", ["select", "DATE", "type", "State", "show", "call", "text", "case"]
)
def test_a_word_of_sql_that_we_do_not_use_is_a_name(word: str) -> None:
    assert read_pieces(f"{word} = 1")[0].type is TokenType.IDENTIFIER


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("a = 1 -- x", "comments", 5),
        ("/* x */ a = 1", "comments", 0),
        ("/* x */", "comments", 0),
        ("a /* x */ = 1", "comments", 1),
        ("a = 1 --", "comments", 5),
        ("a = 1; DROP TABLE x", "';' is not allowed", 5),
        ("a = :b", "':' is not allowed", 4),
        ("a = ?", "'?' is not allowed", 4),
        ("a = @b", "is not allowed", 4),
        ("a = X'1F'", "is not allowed", 4),
        ("a = 0x1F", "'0x1F' is not allowed", 4),
        ("a = N'x'", "is not allowed", 4),
        ("t.a = 1", "'.' is not allowed", 1),
        ("a || b", "is not allowed", 2),
        ("a::int = 1", "is not allowed", 1),
        ("a GLOB 'x'", "'GLOB' is not a known operator", 2),
        ("a COLLATE NOCASE = 'x'", "'COLLATE' is not a known operator", 2),
        ("a DESC", "'DESC' is not a known operator", 2),
        ("lower(a) = 'x'", "unknown function 'lower'; there are _age()", 0),
        ("[a](1) = 2", "an operator is missing before '('", 3),
        ("a = 'b' 'c'", "an operator is missing between 'b' and 'c'", 8),
        ("a = (1", "'(' is not closed", 4),
        ("a = 1)", "')' closes nothing", 5),
        ("a) OR (b", "')' closes nothing", 1),
        ("a IN ()", "something is missing before ')'", 6),
        ("a IN (1,)", "something is missing before ')'", 8),
        ("a = ", "a value is missing after '='", 2),
        ("a LIKE", "a value is missing after 'LIKE'", 2),
        ("a AND NOT", "a value is missing after 'NOT'", 6),
        ("= 1", "a value is missing before '='", 0),
        ("IN (1)", "a value is missing before 'IN'", 0),
        ("a AND AND b", "a value is missing before 'AND'", 6),
        ("a = (* 5)", "a value is missing before '*'", 5),
        ("NOT IN (1)", "a value is missing before 'IN'", 4),
        ("a NOT = 1", "a value is missing before '='", 6),
        ("a = 'b", "not closed", None),
        ("[a = 1", "not closed", None),
        ("a = '\0'", "NUL", 5),
        ("a = '\ud800'", "not valid Unicode", 5),
    ],
)
def test_what_expressions_do_not_have_is_named(
    text: str, reason: str, position: int | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        read_pieces(text)
    assert reason in caught.value.reason
    assert caught.value.position == position
    if position is not None:
        assert f"(at character {position + 1})" in str(caught.value)


def test_length_is_counted_in_bytes() -> None:
    assert read_pieces("a = '" + "x" * (MAX_LENGTH - 6) + "'")
    with pytest.raises(ExpressionError, match="8193 bytes; 8192"):
        read_pieces("a = '" + "x" * (MAX_LENGTH - 5) + "'")
    with pytest.raises(ExpressionError, match="bytes"):
        read_pieces("a = '" + "é" * (MAX_LENGTH // 2) + "'")


@pytest.mark.parametrize(
    "deep", ["({})", "NOT {}", "NOT ({})", "- {}", "-({})", "a IN ({})", "_age({})"]
)
def test_what_is_nested_too_deep_is_refused(deep: str) -> None:
    text = "a"
    for _ in range(MAX_DEPTH + 1):
        text = deep.format(text)
    with pytest.raises(ExpressionError, match="nested more than 16 deep"):
        read_pieces(text)


def test_the_deepest_that_is_allowed_parses() -> None:
    for opening, closing in (("(", ")"), ("NOT (", ")"), ("-(", ")"), ("NOT ", "")):
        count = MAX_DEPTH // (1 + (opening in ("NOT (", "-(")))
        text = opening * count + "a" + closing * count
        parse_pieces(read_pieces(text), text)


def test_nesting_that_no_count_sees_is_an_error_all_the_same() -> None:
    text = "a BETWEEN 1 AND " + "NOT a BETWEEN 1 AND " * 390 + "1"
    with pytest.raises(ExpressionError):
        parse_pieces(read_pieces(text), text)


def test_sides_by_side_are_not_nested() -> None:
    text = " AND ".join(["NOT (a = -1)"] * 100)
    parse_pieces(read_pieces(text), text)


@pytest.mark.parametrize(
    ("text", "part", "position"),
    [
        ("a = 1, b = 2", ",", 5),
        ("a BETWEEN 1", "1", 10),
        ("a NOT 5", "NOT", 2),
    ],
)
def test_a_syntax_error_names_the_place(text: str, part: str, position: int) -> None:
    with pytest.raises(ExpressionError, match="missing or misplaced") as caught:
        parse_pieces(read_pieces(text), text)
    assert (caught.value.part, caught.value.position) == (part, position)


def test_entries_are_split_at_outer_commas_only() -> None:
    text = "a, (b, c), d"
    entries = split_at_commas(read_pieces(text), text)
    assert [[piece.text for piece in entry] for entry in entries] == [
        ["a"],
        ["(", "b", ",", "c", ")"],
        ["d"],
    ]


@pytest.mark.parametrize(("text", "position"), [("a,,b", 2), (",a", 0), ("a,", 2)])
def test_an_entry_that_is_missing_is_an_error(text: str, position: int) -> None:
    with pytest.raises(ExpressionError, match="an entry is missing") as caught:
        split_at_commas(read_pieces(text), text)
    assert caught.value.position == position


def test_directions_are_known_in_orders() -> None:
    pieces = read_pieces("desc DESC, a asc", directions=True)
    assert [piece.type for piece in pieces] == [
        TokenType.IDENTIFIER,
        TokenType.DESC,
        TokenType.COMMA,
        TokenType.IDENTIFIER,
        TokenType.ASC,
    ]
