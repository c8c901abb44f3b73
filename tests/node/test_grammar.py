"""The allow-list of the parser's nodes."""

from __future__ import annotations

import pytest
from sqlglot import exp, parse_one

from ixproxy.node.grammar import listed


@pytest.mark.parametrize("text", ["a = 1", "a AND b", "a LIKE 'x'", "a IN (1)", "-a", "NOT a"])
def test_what_expressions_have_is_listed(text: str) -> None:
    assert all(listed(node) for node in parse_one(text, read="sqlite").walk())


@pytest.mark.parametrize(
    "text",
    [
        "(SELECT 1)",
        "EXISTS(SELECT 1)",
        "CAST(a AS TEXT)",
        "CASE WHEN a THEN b END",
        "a || b",
        "a GLOB 'x'",
        "a COLLATE NOCASE",
        "LOWER(a)",
        "(a, b)",
        "a IN (SELECT b FROM t)",
        "t.a",
        "*",
        ":a",
        "?",
        "a -> 'b'",
        "a & b",
        "CURRENT_TIMESTAMP",
    ],
)
def test_everything_else_is_not(text: str) -> None:
    tree = parse_one(text, read="sqlite")
    assert not all(listed(node) for node in tree.walk())


def test_a_listed_node_with_an_argument_of_its_own_is_not() -> None:
    between = exp.Between(this=exp.Null(), low=exp.Null(), high=exp.Null())
    assert listed(between)
    between.set("symmetric", True)
    assert not listed(between)
